# make run     Gatekeeper in front of UPSTREAM=http://… or, without it, of the bundled sample shop
# make test    everything that must hold before a change lands
# make speed   compiles what can be, in place: the same answers, sooner
# make fuzz    the properties again, with new examples (about five minutes)
# make bench   what it costs: the gate alone (bench-core), then the proxy beside its peers (bench-proxy; half an hour)
# make wheel   builds the wheel, and tries it in an environment of its own
# make soak    the proxy under load for a quarter of an hour
# make autobahn  WebSockets through the proxy, by the Autobahn suite
# make peers   what nginx, HAProxy and others make of the same octets
.DEFAULT_GOAL := help
SHELL := /bin/bash

PYTHON ?= python3.11
VENV ?= .venv
BIN := $(VENV)/bin
LISTEN ?= 127.0.0.1:8080
CONFIG ?=
UPSTREAM ?=
BENCH ?= all

IAB := tests/consent/iab
PLATFORMS := tests/end_to_end/platforms

# What is tested once more with the compiled parts: what calls them, and what compares both forms.
COMPILED := tests/enforcement tests/conformance tests/middleware tests/cookies/test_cookie_pairs.py tests/properties/test_shortcuts.py \
	tests/properties/test_both_forms.py tests/docs/test_built.py $(addprefix tests/plane/test_unit_,request.py response.py framing.py) tests/audit/test_log.py

.PHONY: help run test lint types imports tests tests-processes tests-core system compiler speed wheel fuzz bench bench-core bench-proxy soak autobahn peers lock clean

help:
	@sed -n 's/^# \{0,1\}//p;/^\.DEFAULT/q' Makefile

# --- set-up ------------------------------------------------------------------------------------------------------

# A virtual environment needs Debian's python3-venv; as root it is installed, otherwise the message says what to ask for.
$(BIN)/python:
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || { \
		[ "$$(id -u)" = 0 ] && apt-get update -qq && apt-get install -y -qq python3.11 python3-venv; } || { \
		echo "needs $(PYTHON) with venv: apt-get install python3.11 python3-venv" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.run: requirements/run.txt pyproject.toml | $(BIN)/python
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/run.txt
	@echo "$(CURDIR)" > "$$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/gatekeeper-checkout.pth"
	@printf '#!%s\nimport sys\nfrom gatekeeper.cli import main\nsys.exit(main())\n' "$(CURDIR)/$(BIN)/python" > $(BIN)/gatekeeper
	@chmod +x $(BIN)/gatekeeper
	@touch $@

$(VENV)/.dev: requirements/dev.txt $(VENV)/.run
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@touch $@

$(VENV)/.build: requirements/build.txt | $(VENV)/.run
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/build.txt
	@touch $@

# The end-to-end tests drive a real browser, a real PHP app and real proxies.
system:
	@missing=""; command -v chromium >/dev/null || missing="$$missing chromium"; command -v php >/dev/null || missing="$$missing php-cli"; \
	command -v openssl >/dev/null || missing="$$missing openssl"; command -v nginx >/dev/null || missing="$$missing nginx-light"; \
	command -v haproxy >/dev/null || missing="$$missing haproxy"; command -v node >/dev/null || missing="$$missing nodejs"; \
	command -v npm >/dev/null || missing="$$missing npm"; \
	if [ -n "$$missing" ]; then \
		if [ "$$(id -u)" = 0 ]; then apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$missing >/dev/null; \
		else echo "install with apt-get:$$missing" >&2; exit 1; fi; fi

# The IAB's own packages, with which our readers of its strings are compared; without them that test is skipped.
$(IAB)/node_modules/.installed: $(IAB)/package-lock.json | system
	@cd $(IAB) && npm ci --silent --no-audit --no-fund --ignore-scripts && touch node_modules/.installed || \
		echo "npm could not install the IAB's packages, so nothing is compared with them" >&2

# Consent platforms as they are published, whose buttons a browser clicks; without them those tests are skipped.
$(PLATFORMS)/node_modules/.installed: $(PLATFORMS)/package-lock.json | system
	@cd $(PLATFORMS) && npm ci --silent --no-audit --no-fund --ignore-scripts && touch node_modules/.installed || \
		echo "npm could not install the consent platforms, so none is tried in a browser" >&2

# A C compiler and Python's headers. As root they are installed; without them all runs as well, only slower.
compiler: | $(BIN)/python
	@missing=""; command -v gcc >/dev/null || missing="$$missing gcc libc6-dev"; \
	header="$$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("include"))')/Python.h"; \
	[ -e "$$header" ] || missing="$$missing python3-dev"; \
	if [ -n "$$missing" ]; then \
		if [ "$$(id -u)" = 0 ]; then apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$missing >/dev/null; \
		else echo "to compile, install with apt-get:$$missing" >&2; fi; fi

# Whatever is built is used, by "make run" too; GATEKEEPER_PURE=1 in the environment runs the other form.
speed: $(VENV)/.build compiler
	$(BIN)/python hatch_build.py

# --- the main job ------------------------------------------------------------------------------------------------

# What was compiled before is compiled anew when its source has changed.
run: $(VENV)/.run
	@! ls gatekeeper/enforcement/*.so >/dev/null 2>&1 || $(BIN)/python hatch_build.py || [ $$? = 3 ]
	@if [ -n "$(UPSTREAM)" ]; then \
		exec $(BIN)/gatekeeper run --upstream "$(UPSTREAM)" --listen "$(LISTEN)" $(if $(CONFIG),--config "$(CONFIG)"); \
	else \
		exec $(BIN)/python -m examples.shop --gatekeeper "$(BIN)/gatekeeper" --listen "$(LISTEN)" $(if $(CONFIG),--config "$(CONFIG)"); \
	fi

# --- checks ------------------------------------------------------------------------------------------------------

test: lint types imports tests

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.dev
	$(BIN)/mypy

imports: $(VENV)/.dev
	$(BIN)/lint-imports

# What drives nothing but functions, and covers the core whole.
CORE := $(addprefix tests/,audit conformance consent cookies enforcement middleware models pages policy properties wire)

OTHERS := tests/bench tests/docs tests/proxy tests/serve

# What asks the data plane over sockets what passes, and how; not what waits for deadlines, for the form makes no
# difference to those.
WIRE := $(filter-out tests/plane/test_unit_% $(addprefix tests/plane/test_,attacks.py deadlines.py sites.py streams.py), \
	$(wildcard tests/plane/test_*.py)) $(addprefix tests/plane/websockets/test_,cookies.py messages.py)

# Two runs side by side, for a machine has two cores; what each printed comes at its end.
tests: $(VENV)/.dev system compiler $(IAB)/node_modules/.installed $(PLATFORMS)/node_modules/.installed
	@$(BIN)/python hatch_build.py || [ $$? = 3 ]
	@$(MAKE) --no-print-directory --keep-going --jobs 2 --output-sync=target tests-processes tests-core

# What starts processes and talks to them: they run in their compiled form, where that was built.
tests-processes:
	GATEKEEPER_PURE=1 $(BIN)/python -m pytest -q -p no:cacheprovider tests/plane tests/cli tests/end_to_end tests/examples

# Coverage does not see compiled code, and tests reach into modules: in the tests' own process the sources run. What is
# compiled is tested once more then; and the data plane's checks, which go over sockets, once more against the sources.
tests-core:
	GATEKEEPER_PURE=1 $(BIN)/coverage run -m pytest -q -p no:cacheprovider $(CORE)
	$(BIN)/coverage report --fail-under=100 \
		--include='gatekeeper/wire/*,gatekeeper/cookies/*,gatekeeper/consent/*,gatekeeper/policy/*,gatekeeper/enforcement/*'
	GATEKEEPER_PURE=1 $(BIN)/python -m pytest -q -p no:cacheprovider $(OTHERS)
	@if ls gatekeeper/enforcement/*.so >/dev/null 2>&1; then \
		env -u GATEKEEPER_PURE $(BIN)/python -m pytest -q -p no:cacheprovider $(COMPILED) && \
		PURE_PROCESSES=1 GATEKEEPER_PURE=1 $(BIN)/python -m pytest -q -p no:cacheprovider $(WIRE); \
	else echo "not built, so the compiled form was not tested"; fi

# New examples for every property, for as long as it takes to draw them ten times: about five minutes.
fuzz: $(VENV)/.dev
	for turn in 1 2 3 4 5 6 7 8 9 10; do HYPOTHESIS_PROFILE=new $(BIN)/python -m pytest -q tests/properties || exit 1; done

bench: bench-core bench-proxy

bench-core: $(VENV)/.dev
	$(BIN)/python -m bench.core

# The peers are installed into .bench and from Debian; BENCH says what is measured: --help tells.
bench-proxy: $(VENV)/.dev
	$(BIN)/python -m bench.proxy $(BENCH)

wheel: $(VENV)/.dev compiler
	rm -rf dist
	$(BIN)/python -m hatchling build
	GATEKEEPER_WHEEL=dist $(BIN)/python -m pytest -q tests/docs/test_built.py

soak: $(VENV)/.dev
	GATEKEEPER_SOAK=1 timeout 900 $(BIN)/python -m pytest -q tests/plane/soak

autobahn: $(VENV)/.dev
	timeout 1200 $(BIN)/python -m tests.plane.websockets.autobahn

peers: $(VENV)/.dev system
	timeout 600 $(BIN)/python -m tests.plane.peers

# --- upkeep ------------------------------------------------------------------------------------------------------

# Versions and hashes, no addresses. Needs pip-tools.
lock:
	for extra in "" dev; do \
		pip-compile --quiet --generate-hashes --strip-extras --allow-unsafe --no-header --no-emit-index-url \
			--no-emit-find-links --no-emit-trusted-host --no-emit-options $${extra:+--extra $$extra} \
			-o requirements/$${extra:-run}.txt pyproject.toml; done

clean:
	find gatekeeper \( -name '*.so' -o -name '*.c' \) -delete
	rm -f *.so
	rm -rf $(VENV) $(IAB)/node_modules $(PLATFORMS)/node_modules .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis .coverage* dist build

"""Command line over environment over file over default; and whoever set a wrong value is named."""

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from gatekeeper.assembly import limits_of, load_settings
from gatekeeper.policy.document import Mode
from gatekeeper.policy.schema import PolicyError
from gatekeeper.proxy import Limits, Upstream
from gatekeeper.settings import LogSettings, Server, Settings, UpstreamSettings, build_settings
from gatekeeper.upstreams import upstream_of
from tests.cli.conftest import Tell

PRESETS: dict[str, dict[str, object]] = {
    "essential": {"cookie": [{"name": "sid", "category": "necessary"}]},
    "shop": {"cookie": [{"name": "basket", "category": "necessary"}]},
    "chat": {"cookie": [{"name": "chat", "category": "functional"}]},
}


def build(
    document: Mapping[str, object] | None = None,
    environ: Mapping[str, str] | None = None,
    overrides: Mapping[str, object] | None = None,
) -> Settings:
    return build_settings(document, presets=PRESETS, environ=environ, overrides=overrides)


def problems(
    document: Mapping[str, object] | None = None,
    environ: Mapping[str, str] | None = None,
    overrides: Mapping[str, object] | None = None,
) -> list[str]:
    with pytest.raises(PolicyError) as refused:
        build(document, environ, overrides)
    return [str(problem) for problem in refused.value.problems]


def value(settings: Settings, path: str) -> Any:
    found: Any = settings
    for name in path.split("."):
        found = getattr(found.policy if name in ("enforcement", "consent", "page") else found, name)
    return found


# --- defaults --------------------------------------------------------------------------------------------------------


def test_without_a_file_the_essential_cookies_are_known() -> None:
    settings = build()
    assert [rule.name for rule in settings.policy.rules] == ["sid"]
    assert (settings.server, settings.upstream, settings.log) == (Server(), UpstreamSettings(), LogSettings())


def test_a_file_that_names_no_preset_has_none() -> None:
    assert build({}).policy.rules == ()


# --- precedence ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "by_file", "by_environment", "by_command_line"),
    [
        ("server.listen", "127.0.0.1:1", "127.0.0.1:2", "127.0.0.1:3"),
        ("server.workers", 2, "3", 4),
        ("upstream.url", "http://a", "http://b", "http://c"),
        ("enforcement.mode", "off", "report-only", "enforce"),
        ("log.destination", "/a", "/b", "/c"),
        ("log.passes", False, "true", True),
    ],
)
def test_command_line_over_environment_over_file_over_default(
    path: str, by_file: object, by_environment: str, by_command_line: object
) -> None:
    table, key = path.split(".")
    file = {table: {key: by_file}}
    environ = {f"GATEKEEPER_{table}__{key}".upper(): by_environment}
    assert value(build({}), path) == value(build(), path)
    assert value(build(file), path) == by_file
    assert str(value(build(file, environ), path)).lower() == by_environment
    assert str(value(build(None, environ), path)).lower() == by_environment
    assert value(build(file, environ, {table: {key: by_command_line}}), path) == by_command_line


def test_what_a_layer_does_not_name_comes_from_the_one_below() -> None:
    settings = build(
        {"server": {"listen": "127.0.0.1:1", "workers": 2}, "upstream": {"host": "upstream"}},
        {"GATEKEEPER_SERVER__WORKERS": "3", "GATEKEEPER_SERVER__DRAIN": "5s"},
        {"server": {"listen": "127.0.0.1:3"}},
    )
    assert settings.server == Server("127.0.0.1:3", 3, (), 5)
    assert settings.upstream == UpstreamSettings(host="upstream")


# --- each type from the environment ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("variable", "text", "path", "expected"),
    [
        ("SERVER__LISTEN", "unix:/run/a.sock", "server.listen", "unix:/run/a.sock"),
        ("SERVER__WORKERS", "4", "server.workers", 4),
        ("SERVER__DRAIN", "2m", "server.drain", 120),
        ("SERVER__TRUSTED_PROXIES", "10.0.0.0/8, ::1", "server.trusted_proxies", ("10.0.0.0/8", "::1")),
        ("SERVER__TRUSTED_PROXIES", '["10.0.0.0/8", "unix"]', "server.trusted_proxies", ("10.0.0.0/8", "unix")),
        ("SERVER__TRUSTED_PROXIES", "", "server.trusted_proxies", ()),
        ("UPSTREAM__MAX_CONNECTIONS", "7", "upstream.max_connections", 7),
        ("LOG__PASSES", "true", "log.passes", True),
        ("LOG__PASSES", "TRUE", "log.passes", True),
        ("LOG__PASSES", "1", "log.passes", True),
        ("LOG__PASSES", "0", "log.passes", False),
        ("ENFORCEMENT__STRIP_REQUESTS", "false", "enforcement.strip_requests", False),
        ("ENFORCEMENT__MODE", "report-only", "enforcement.mode", Mode.REPORT_ONLY),
        ("CONSENT__MAX_AGE", "13mo", "consent.max_age", 34187400),
        ("CONSENT__REVISION", "3", "consent.revision", 3),
        ("CONSENT__GPC", "strict", "consent.gpc", "strict"),
        ("CONSENT__GPC", "false", "consent.gpc", False),
        ("PAGE__TITLE", "Our cookies", "page.title", "Our cookies"),
    ],
)
def test_a_key_can_be_set_from_the_environment(variable: str, text: str, path: str, expected: object) -> None:
    assert value(build({}, {f"GATEKEEPER_{variable}": text}), path) == expected


@pytest.mark.parametrize("text", ["shop,chat", " shop , chat ,", '["shop", "chat"]'])
def test_presets_can_be_set_from_the_environment(text: str) -> None:
    settings = build({"presets": ["essential"]}, {"GATEKEEPER_PRESETS": text})
    assert settings.policy.presets == ("shop", "chat")
    assert [rule.name for rule in settings.policy.rules] == ["basket", "chat"]


def test_rules_and_categories_can_be_set_as_toml() -> None:
    settings = build(
        {},
        {
            "GATEKEEPER_CATEGORY": '[{ id = "necessary", basis = "required" }, { id = "statistics", gpc = true }]',
            "GATEKEEPER_COOKIE": '[{ name = "_ga", category = "statistics", on_refusal = { value = "off" } }]',
        },
    )
    assert [category.id for category in settings.policy.categories] == ["necessary", "statistics"]
    assert [(rule.name, rule.category, rule.replacement) for rule in settings.policy.rules] == [
        ("_ga", "statistics", "off")
    ]


def test_tables_within_tables_can_be_set() -> None:
    settings = build(
        {},
        {
            "GATEKEEPER_CONSENT__MAP__C0002": "analytics",
            "GATEKEEPER_CONSENT__CUSTOM__SHAPE": "word",
            "GATEKEEPER_CONSENT__CUSTOM__GRANTED": "yes,accepted",
        },
    )
    assert settings.policy.mapping == (("c0002", "analytics"),)
    assert settings.policy.vocabulary.resolve("C0002") == "analytics"
    assert settings.policy.consent.readers[0].id == "custom"


# --- what is wrong is named by who set it ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("variable", "text", "problem"),
    [
        ("SERVER__LISTEN", "8080", 'server.listen: "8080" is no address; did you mean "127.0.0.1:8080"?'),
        ("SERVER__WORKERS", "two", 'server.workers: must be a whole number, not "two"'),
        ("SERVER__WORKERS", "0", "server.workers: must be between 1 and 256, not 0"),
        ("SERVER__DRAIN", "30", 'server.drain: "30" is no duration; write "90s", "15m", "12h", "180d" or "13mo"'),
        ("UPSTREAM__URL", "", "upstream.url: must not be empty"),
        ("LOG__PASSES", "yes", 'log.passes: must be true or false, not "yes"'),
        ("LOG__PASES", "true", 'log.pases: unknown key; did you mean "passes"?'),
        ("ENFORCEMENT__MODE", "sometimes", 'enforcement.mode: "sometimes" is not "enforce" or "report-only" or "off"'),
        ("CONSENT__GPC", "maybe", 'consent.gpc: must be true, false or "strict", not "maybe"'),
        ("PRESETS", "shop,chap", 'presets[1]: "chap" is no preset; did you mean "chat"?'),
        ("PRESETS", "[shop", "presets: must be a list of texts"),
        ("COOKIE", "_ga", 'cookie: must be written [[cookie]], a list of tables, not "_ga"'),
        ("COOKIE", '[{ name = "a", category = "x" }]', 'cookie[0].category: "x" is no category'),
        ("PAGE__UPDATED", "soon", "page.updated: must be a date such as 2026-01-31"),
        ("UPSTREAM__URL__PATH", "/", "upstream.url: must be text, not a table"),
        ("UPSTREAM__URL", "http://\udcff", 'upstream.url: "http://'),
    ],
)
def test_a_wrong_value_names_the_variable(variable: str, text: str, problem: str) -> None:
    (only,) = problems({}, {f"GATEKEEPER_{variable}": text})
    assert only.startswith(problem)
    assert only.endswith(f" (set by GATEKEEPER_{variable})")


def test_an_address_that_nobody_can_reach_names_its_variable_too() -> None:
    with pytest.raises(PolicyError) as refused:
        load_settings(None, environ={"GATEKEEPER_UPSTREAM__URL": "localhost:8000", "GATEKEEPER_LOG__REPEAT": "x"})
    assert sorted(map(str, refused.value.problems)) == [
        'log.repeat: "x" is no duration; write "90s", "15m", "12h", "180d" or "13mo" (set by GATEKEEPER_LOG__REPEAT)',
        (
            'upstream.url: "localhost:8000" cannot be used: it has to begin with http://, https:// or unix:/; did you '
            'mean "http://localhost:8000"? (set by GATEKEEPER_UPSTREAM__URL)'
        ),
    ]


def test_a_wrong_value_of_the_command_line_is_said_to_be_its() -> None:
    assert problems({"server": {"listen": "x"}}, {"GATEKEEPER_SERVER__LISTEN": "y"}, {"server": {"listen": "z:"}}) == [
        'server.listen: "z:" is no address; write "127.0.0.1:8080" or "unix:/path" (set on the command line)'
    ]


def test_a_wrong_value_of_the_file_is_nobody_elses() -> None:
    assert problems({"server": {"workers": 0}}, {"GATEKEEPER_SERVER__LISTEN": "127.0.0.1:1"}) == [
        "server.workers: must be between 1 and 256, not 0"
    ]


@pytest.mark.parametrize(
    ("variable", "message"),
    [
        ("UPSTREM__URL", 'sets no key: "upstrem" is no table; did you mean "upstream"?'),
        ("URL__UPSTREAM", 'sets no key: "url" is no table'),
        ("__URL", 'sets no key: "" is no table'),
        ("UPSTREAM_URL", "sets no key; did you mean GATEKEEPER_UPSTREAM__URL, with two underscores?"),
        ("UPSTREAM", "sets no key; did you mean GATEKEEPER_UPSTREAM__URL, with two underscores?"),
        (
            "SERVER_TRUSTED_PROXIES",
            "sets no key; did you mean GATEKEEPER_SERVER__TRUSTED_PROXIES, with two underscores?",
        ),
    ],
)
def test_a_variable_that_sets_nothing_is_reported(variable: str, message: str) -> None:
    assert problems({}, {f"GATEKEEPER_{variable}": "x"}) == [f"GATEKEEPER_{variable}: {message}"]


def test_two_variables_that_exclude_each_other_are_reported() -> None:
    said = problems({}, {"GATEKEEPER_SERVER__LISTEN": "127.0.0.1:1", "GATEKEEPER_SERVER__LISTEN__PORT": "2"})
    assert said == ["GATEKEEPER_SERVER__LISTEN__PORT: sets no key: another variable sets what is above it"]


def test_what_an_orchestrator_makes_up_is_left_alone() -> None:
    kubernetes = {
        "GATEKEEPER_SERVICE_HOST": "10.96.0.12",
        "GATEKEEPER_SERVICE_PORT": "8080",
        "GATEKEEPER_SERVICE_PORT_HTTP": "8080",
        "GATEKEEPER_PORT": "tcp://10.96.0.12:8080",
        "GATEKEEPER_PORT_8080_TCP": "tcp://10.96.0.12:8080",
        "GATEKEEPER_PORT_8080_TCP_ADDR": "10.96.0.12",
        "GATEKEEPER_UPSTREAM_SERVICE_HOST": "10.96.0.13",
        "GATEKEEPER_UPSTREAM_PORT": "tcp://10.96.0.13:80",
        "GATEKEEPER_LOG_PORT_80_TCP_PROTO": "tcp",
        "GATEKEEPER_URL": "http://gatekeeper",  # another program's, in a shared environment
        "gatekeeper_upstream__url": "http://a",
        "XGATEKEEPER_UPSTREAM__URL": "http://a",
    }
    assert build({}, kubernetes) == build({})


def test_check_reads_the_file_and_not_the_environment(
    tell: Tell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GATEKEEPER_UPSTREM__URL", "x")
    file = tmp_path / "site.toml"
    file.write_text("")
    assert tell("check", file).code == 0


def test_run_prints_problems_of_file_and_environment_together(
    tell: Tell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GATEKEEPER_UPSTREM__URL", "http://a")
    monkeypatch.setenv("GATEKEEPER_SERVER__LISTEN", "8080")
    file = tmp_path / "site.toml"
    file.write_text('[server]\nlisten = "127.0.0.1:1"\nworkers = 0\n')
    told = tell("run", "--config", file)
    assert told.code == 2
    assert told.problems == [
        f'{file}: GATEKEEPER_UPSTREM__URL: sets no key: "upstrem" is no table; did you mean "upstream"?',
        (
            f'{file}: server.listen: "8080" is no address; did you mean "127.0.0.1:8080"? '
            "(set by GATEKEEPER_SERVER__LISTEN)"
        ),
        f"{file}:3: server.workers: must be between 1 and 256, not 0",
    ]


# --- what a table says beyond its types ------------------------------------------------------------------------------


@pytest.mark.parametrize("table", ["server", "upstream"])
def test_a_certificate_and_its_key_come_together(table: str) -> None:
    assert problems({table: {"certificate": "/a.pem"}}) == [
        f"{table}.certificate: needs key; if one file holds both, name it twice"
    ]
    assert problems({table: {"key": "/a.pem"}}) == [f"{table}.key: is of no use without certificate"]
    both = value(build({table: {"certificate": "/a.pem", "key": "/b.pem"}}), table)
    assert (both.certificate, both.key) == ("/a.pem", "/b.pem")


@pytest.mark.parametrize("path", ["server.certificate", "server.key", "upstream.ca", "upstream.certificate"])
def test_a_path_that_no_file_can_have_is_refused(path: str) -> None:
    table, key = path.split(".")
    paths = {"certificate": "/a", "key": "/b"} | {key: "/a\x07"}
    assert problems({table: paths}) == [f'{path}: "/a\\x07" cannot be a path']


ZERO = [
    *("server." + key for key in ("head_timeout", "body_timeout", "idle_timeout", "tunnel_timeout")),
    *("upstream." + key for key in ("connect_timeout", "read_timeout", "idle_timeout", "queue_timeout")),
]


@pytest.mark.parametrize("path", ZERO)
def test_a_deadline_of_no_length_is_refused(path: str) -> None:
    table, key = path.split(".")
    assert problems({table: {key: "0s"}}) == [f"{path}: must be longer than nothing"]
    assert value(build({table: {key: "7s"}}), path) == 7


@pytest.mark.parametrize(
    ("path", "least", "most"),
    [
        ("server.max_head", 4096, 1048576),
        ("server.max_fields", 10, 10000),
        ("upstream.max_head", 4096, 1048576),
        ("upstream.max_connections", 1, 65535),
    ],
)
def test_a_size_out_of_range_is_refused(path: str, least: int, most: int) -> None:
    table, key = path.split(".")
    for good in (least, most):
        assert value(build({table: {key: good}}), path) == good
    for bad in (least - 1, most + 1):
        assert problems({table: {key: bad}}) == [f"{path}: must be between {least} and {most}, not {bad}"]


def test_the_proxy_protocol_needs_somebody_who_may_speak_it() -> None:
    assert problems({"server": {"proxy_protocol": True}}) == [
        "server.proxy_protocol: needs trusted_proxies: the load balancers that may say who the visitor is"
    ]
    assert build({"server": {"proxy_protocol": True, "trusted_proxies": ["10.0.0.0/8"]}}).server.proxy_protocol


@pytest.mark.parametrize("pages", ["", "/.well-known/gatekeeper/", "/a/", "/a/b-c_d.e~f/", "/.a/", "/..a/"])
def test_the_pages_can_be_below_any_plain_prefix_or_nowhere(pages: str) -> None:
    assert build({"server": {"pages": pages}}).server.pages == pages


@pytest.mark.parametrize("pages", ["/", "a/", "/a", "//", "/a//b/", "/a b/", "/a?/", "/%61/", "/./", "/a/../", "/é/"])
def test_a_prefix_that_could_be_read_in_two_ways_or_is_the_whole_site_is_refused(pages: str) -> None:
    assert problems({"server": {"pages": pages}}) == [
        f'server.pages: "{pages}" is no prefix of paths; write "/.well-known/gatekeeper/", or "" for no pages at all'
    ]


def test_deadlines_and_sizes_reach_the_proxy() -> None:
    settings = build(
        {
            "server": {
                "max_head": 5000,
                "max_fields": 20,
                "head_timeout": "1s",
                "body_timeout": "2s",
                "idle_timeout": "3s",
                "tunnel_timeout": "4s",
            },
            "upstream": {"max_head": 6000, "queue_timeout": "5s"},
        }
    )
    assert limits_of(settings) == Limits(
        request_head=5000,
        request_fields=20,
        response_head=6000,
        head_timeout=1,
        body_idle=2,
        idle_timeout=3,
        tunnel_timeout=4,
        queue_wait=5,
    )
    assert limits_of(build()) == Limits()


def test_what_is_said_of_the_upstream_reaches_the_proxy() -> None:
    settings = build(
        {
            "upstream": {
                "url": "https://a",
                "ca": "/ca",
                "verify": False,
                "certificate": "/c",
                "key": "/k",
                "queue_timeout": "2s",
                "idle_timeout": "3s",
                "max_head": 5000,
            }
        }
    )
    assert upstream_of(settings.upstream) == Upstream(
        "https://a",
        ca_file="/ca",
        verify=False,
        client_cert="/c",
        client_key="/k",
        queue_timeout=2,
        idle_timeout=3,
        max_head=5000,
    )
    assert upstream_of(build().upstream) == Upstream("http://127.0.0.1:8000")


# --- every key of the program's own tables, given every other type --------------------------------------------------

TEXT, NUMBER, FLAG, DURATION, TEXTS = "text", "a whole number", "true or false", "a duration", "a list of texts"
KEYS = {
    "server.listen": TEXT,
    "server.workers": NUMBER,
    "server.trusted_proxies": TEXTS,
    "server.drain": DURATION,
    "server.certificate": TEXT,
    "server.key": TEXT,
    "server.proxy_protocol": FLAG,
    "server.pages": TEXT,
    "server.head_timeout": DURATION,
    "server.body_timeout": DURATION,
    "server.idle_timeout": DURATION,
    "server.tunnel_timeout": DURATION,
    "server.max_head": NUMBER,
    "server.max_fields": NUMBER,
    "server.state": TEXT,
    "server.unknown_host": TEXT,
    "upstream.url": TEXT,
    "upstream.host": TEXT,
    "upstream.connect_timeout": DURATION,
    "upstream.read_timeout": DURATION,
    "upstream.idle_timeout": DURATION,
    "upstream.queue_timeout": DURATION,
    "upstream.max_connections": NUMBER,
    "upstream.max_head": NUMBER,
    "upstream.ca": TEXT,
    "upstream.verify": FLAG,
    "upstream.certificate": TEXT,
    "upstream.key": TEXT,
    "log.destination": TEXT,
    "log.passes": FLAG,
    "log.repeat": DURATION,
}
VALUES: dict[str, object] = {
    TEXT: "x y",
    NUMBER: 7,
    FLAG: True,
    "a number": 1.5,
    "a list": ["x", 1],
    "a table": {"x": 1},
    "a date or time": date(2026, 1, 31),
}


@pytest.mark.parametrize("path", KEYS)
@pytest.mark.parametrize("kind", VALUES)
def test_a_value_of_another_type_is_refused_with_its_key_path(path: str, kind: str) -> None:
    if kind == KEYS[path] or (path == "log.destination" and kind == TEXT):
        return
    table, key = path.split(".")
    said = problems({table: {key: VALUES[kind]}})
    assert said
    assert all(one.startswith(path) for one in said), said


@pytest.mark.parametrize("table", ["server", "upstream", "log"])
@pytest.mark.parametrize("kind", [kind for kind in VALUES if kind != "a table"])
def test_a_table_of_another_type_is_refused(table: str, kind: str) -> None:
    (said,) = problems({table: VALUES[kind]})
    assert said.startswith(f"{table}: must be a table, not ")


@pytest.mark.parametrize("path", KEYS)
def test_a_misspelt_key_is_reported_with_the_one_that_was_meant(path: str) -> None:
    table, key = path.split(".")
    assert problems({table: {key[:-1]: "x"}}) == [f'{table}.{key[:-1]}: unknown key; did you mean "{key}"?']


def test_the_tables_here_name_every_key_of_the_programs_own() -> None:
    fields = {
        f"{table}.{key}"
        for table, cls in (("server", Server), ("upstream", UpstreamSettings), ("log", LogSettings))
        for key in cls.__dataclass_fields__
    }
    assert set(KEYS) == fields

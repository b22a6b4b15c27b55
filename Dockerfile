# docker build -t gatekeeper .
# docker run --rm --publish 8080:8080 --env GATEKEEPER_UPSTREAM__URL=http://app:8000 gatekeeper

FROM python:3.11-slim AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /src

# What the compiled parts need; nothing of it gets into the image that runs.
RUN apt-get update -qq && apt-get install -y -qq --no-install-recommends gcc libc6-dev && rm -rf /var/lib/apt/lists/*

# What changes seldom comes first: the locked dependencies, each checked against its hashes.
COPY requirements/run.txt requirements/build.txt requirements/
RUN python -m venv /opt/gatekeeper && /opt/gatekeeper/bin/pip install --require-hashes -r requirements/run.txt
RUN python -m venv /opt/build && /opt/build/bin/pip install --require-hashes -r requirements/build.txt

COPY pyproject.toml hatch_build.py README.md LICENSE ./
COPY gatekeeper/ gatekeeper/
RUN /opt/build/bin/pip wheel --no-deps --no-build-isolation --wheel-dir /tmp/wheel . \
    && /opt/gatekeeper/bin/pip install --no-deps /tmp/wheel/*.whl \
    && /opt/gatekeeper/bin/pip check


FROM python:3.11-slim
COPY --from=build /opt/gatekeeper /opt/gatekeeper
COPY examples/compose/healthcheck.py /opt/gatekeeper/healthcheck.py
ENV PATH=/opt/gatekeeper/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    GATEKEEPER_SERVER__LISTEN=0.0.0.0:8080

# A user of no rights, by number, so that an orchestrator can see that it is not root. Nothing is written, so the root may
# be read-only.
USER 10001:10001
WORKDIR /
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=10s --retries=3 CMD ["python", "/opt/gatekeeper/healthcheck.py"]

ENTRYPOINT ["gatekeeper"]
CMD ["run"]

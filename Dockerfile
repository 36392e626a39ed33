# The images of legwork. They use an external PostgreSQL (DATABASE_URL); the embedded one does not run in them.
#
#   docker build .                       legwork and root certificates, nothing else; pages are read over HTTP, or by a Chromium elsewhere
#   docker build --target browser .      legwork with a Chromium, for one container that does everything
#   docker build --target chromium .     a Chromium alone, which workers use over a network (docker-compose.yml)
#   docker build --target pgbouncer .    PgBouncer of Debian, for the profile pooler of docker-compose.yml
#
# All run as an unprivileged user and need no writable file system but /data (files of tasks) and /tmp.
#
# The program is compiled here. With --build-arg BINARY=prebuilt it is taken from bin/legwork instead, which `make build` has made with
# the same flags: for machines that have just compiled it, as CI has.
ARG BINARY=compiled

FROM --platform=$BUILDPLATFORM golang:1.26 AS compiled
WORKDIR /src
COPY go.mod go.sum ./
RUN --mount=type=cache,target=/go/pkg/mod go mod download
COPY . .
ARG VERSION=dev TARGETOS TARGETARCH
# The caches of modules and of compiled packages stay on the builder, so that the next build compiles only what has changed.
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build \
    CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH \
    go build -buildvcs=false -trimpath -ldflags "-s -w -X main.version=${VERSION}" -o /legwork ./cmd/legwork

FROM scratch AS prebuilt
COPY bin/legwork /legwork

FROM ${BINARY} AS binary

# Folders that named volumes take over with their owner, so that the unprivileged user can write to them.
FROM debian:12-slim AS folders
RUN mkdir -p /out/data /out/logs

# Chromium. It runs without its own sandbox, because that needs user namespaces, which Docker's default seccomp profile refuses to an
# unprivileged user. What confines it is the container: no privileges, no capabilities, nothing to write but memory, and in
# docker-compose.yml no network but the proxy of the workers.
FROM debian:12-slim AS debian-chromium
RUN apt-get update \
 && apt-get install -y --no-install-recommends ca-certificates chromium-headless-shell fonts-dejavu-core fonts-liberation fonts-noto-cjk \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --uid 65532 --create-home nonroot

FROM debian-chromium AS chromium
RUN apt-get update \
 && apt-get install -y --no-install-recommends socat \
 && rm -rf /var/lib/apt/lists/*
COPY --chmod=755 deploy/chromium/start.sh deploy/chromium/healthy.sh /usr/local/bin/
ENV HOME=/tmp
WORKDIR /tmp
USER 65532:65532
EXPOSE 9222
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 CMD ["/usr/local/bin/healthy.sh"]
ENTRYPOINT ["/usr/local/bin/start.sh"]

FROM debian:12-slim AS pgbouncer
RUN apt-get update \
 && apt-get install -y --no-install-recommends pgbouncer postgresql-client \
 && rm -rf /var/lib/apt/lists/*
COPY --chmod=755 deploy/pgbouncer/start.sh /usr/local/bin/start.sh
USER postgres
EXPOSE 6432
HEALTHCHECK --interval=5s --timeout=5s --start-period=10s --retries=3 CMD ["pg_isready", "-q", "-h", "127.0.0.1", "-p", "6432"]
ENTRYPOINT ["/usr/local/bin/start.sh"]

FROM debian-chromium AS browser
RUN printf '#!/bin/sh\nexec /usr/lib/chromium/chromium-headless-shell --no-sandbox "$@"\n' > /usr/local/bin/chromium \
 && chmod 755 /usr/local/bin/chromium
COPY --from=binary /legwork /legwork
COPY --from=folders --chown=65532:65532 /out/data /data
COPY --from=folders --chown=65532:65532 /out/logs /logs
ENV LEGWORK_HOME=/data BROWSER=/usr/local/bin/chromium
WORKDIR /
USER 65532:65532
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=10s --start-period=60s --retries=3 CMD ["/legwork", "health"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["/legwork"]
CMD ["serve"]

FROM gcr.io/distroless/static-debian12:nonroot AS plain
COPY --from=binary /legwork /legwork
COPY --from=folders --chown=65532:65532 /out/data /data
COPY --from=folders --chown=65532:65532 /out/logs /logs
ENV LEGWORK_HOME=/data
WORKDIR /
USER 65532:65532
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=10s --start-period=60s --retries=3 CMD ["/legwork", "health"]
# legwork hands running tasks back within SHUTDOWN_TIMEOUT (20 s) of SIGTERM; give docker stop more than that.
STOPSIGNAL SIGTERM
ENTRYPOINT ["/legwork"]
CMD ["serve"]

# legwork with an external PostgreSQL (DATABASE_URL); the embedded one does not run in these images. The last stage holds the
# program and root certificates, nothing else; the stage browser has Chromium too: docker build --target browser .
# See docker-compose.yml.
FROM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG VERSION=dev
RUN CGO_ENABLED=0 go build -buildvcs=false -trimpath -ldflags "-s -w -X main.version=${VERSION}" -o /out/legwork ./cmd/legwork \
 && mkdir -p /out/data

FROM debian:12-slim AS browser
RUN apt-get update \
 && apt-get install -y --no-install-recommends ca-certificates chromium-headless-shell fonts-dejavu-core fonts-liberation \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --uid 65532 --create-home nonroot
# Chromium's sandbox needs user namespaces, which Docker's default seccomp profile refuses to an unprivileged user. So it runs
# with --no-sandbox, and the container is what confines it. Where the profile allows them, BROWSER=auto keeps the sandbox.
RUN printf '#!/bin/sh\nexec /usr/lib/chromium/chromium-headless-shell --no-sandbox "$@"\n' > /usr/local/bin/chromium \
 && chmod 755 /usr/local/bin/chromium
COPY --from=build /out/legwork /legwork
COPY --from=build --chown=nonroot:nonroot /out/data /data
ENV LEGWORK_HOME=/data BROWSER=/usr/local/bin/chromium
WORKDIR /
USER nonroot
VOLUME /data
EXPOSE 8000
ENTRYPOINT ["/legwork"]
CMD ["serve"]

FROM gcr.io/distroless/static-debian12:nonroot AS plain
COPY --from=build /out/legwork /legwork
# A named volume takes over this folder's owner, so that the unprivileged user can write to it.
COPY --from=build --chown=nonroot:nonroot /out/data /data
ENV LEGWORK_HOME=/data
WORKDIR /
VOLUME /data
EXPOSE 8000
# legwork hands running tasks back within SHUTDOWN_TIMEOUT (20 s) of SIGTERM; give docker stop more than that.
ENTRYPOINT ["/legwork"]
CMD ["serve"]

# legwork with an external PostgreSQL (DATABASE_URL): the image holds the program and root certificates, nothing else, so the
# embedded PostgreSQL does not run in it. See docker-compose.yml.
FROM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG VERSION=dev
RUN CGO_ENABLED=0 go build -buildvcs=false -trimpath -ldflags "-s -w -X main.version=${VERSION}" -o /out/legwork ./cmd/legwork \
 && mkdir -p /out/data

FROM gcr.io/distroless/static-debian12:nonroot
COPY --from=build /out/legwork /legwork
# A named volume takes over this folder's owner, so that the unprivileged user can write to it.
COPY --from=build --chown=nonroot:nonroot /out/data /data
ENV LEGWORK_HOME=/data
VOLUME /data
EXPOSE 8000
# legwork hands running tasks back within SHUTDOWN_TIMEOUT (20 s) of SIGTERM; give docker stop more than that.
ENTRYPOINT ["/legwork"]
CMD ["serve"]

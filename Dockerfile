# syntax=docker/dockerfile:1

# Belay as one static binary on an empty file system: nothing to patch, no shell to break into.
#   docker build -t belay .
#   docker run --rm belay --help

FROM --platform=$BUILDPLATFORM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN --mount=type=cache,target=/go/pkg/mod go mod download
COPY . .
ARG TARGETOS
ARG TARGETARCH
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build \
    CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH \
    go build -trimpath -buildvcs=false -ldflags "-s -w" -o /belay ./cmd/belay
# What a static program still reads: roots of trust, and Go's own time zones in one file.
# And a directory for what a process keeps to begin without the database: a volume takes its owner from it.
RUN mkdir -p /root-of-image/etc/ssl/certs /state/var/lib/belay && \
    cp /etc/ssl/certs/ca-certificates.crt /root-of-image/etc/ssl/certs/ && \
    cp "$(go env GOROOT)/lib/time/zoneinfo.zip" /root-of-image/zoneinfo.zip && \
    cp /belay /root-of-image/belay

FROM scratch
LABEL org.opencontainers.image.title="Belay" \
      org.opencontainers.image.description="Durable escalation management on Temporal" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /root-of-image/ /
COPY --from=build --chown=65532:65532 /state/ /
ENV ZONEINFO=/zoneinfo.zip \
    BELAY_HTTP_ADDR=0.0.0.0:8080 \
    BELAY_WORKER_ADDR=0.0.0.0:8081 \
    BELAY_STATE_DIR=/var/lib/belay \
    BELAY_LOG_FORMAT=json
EXPOSE 8080 8081
# A number, so that Kubernetes can see that it is not root.
USER 65532:65532
# Of the default command; a worker is asked with `belay health --worker` (docker-compose.yml).
HEALTHCHECK --interval=10s --timeout=6s --start-period=30s CMD ["/belay", "health"]
ENTRYPOINT ["/belay"]
CMD ["serve"]

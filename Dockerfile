# The image of the service. Up to the line "what is ours" this file and Dockerfile.mock-api are the same, word for word (tests/tidy.rs
# compares them), so that the two images share the layer in which the dependencies are compiled. No BuildKit is needed.
#
#   docker build -t s3-sync:local .
#   docker build --build-arg CARGO_PROFILE=dev …        quicker to build, slower to run: for tests

# Any image with this Rust and a C compiler, any Debian of the same release or a later one.
ARG RUST_IMAGE=rust:1.95.0-slim-bookworm
ARG DEBIAN_IMAGE=debian:12.12-slim

FROM ${RUST_IMAGE} AS builder
ARG CARGO_PROFILE=release
ENV CARGO_PROFILE_DEV_DEBUG=none CARGO_INCREMENTAL=0 CARGO_TERM_COLOR=never
WORKDIR /build
# The manifests with empty sources: this layer is built again only when a dependency changes.
COPY Cargo.toml Cargo.lock ./
COPY .cargo .cargo
COPY mock-api/Cargo.toml mock-api/
COPY mock-s3/Cargo.toml mock-s3/
RUN for crate in . mock-api mock-s3; do \
        mkdir -p "$crate/src" && echo 'fn main() {}' >"$crate/src/main.rs" && : >"$crate/src/lib.rs" || exit 1; \
    done \
    && for target in $(awk -F '"' '/^\[/ { kind = $0 } /^name = / && kind == "[[bench]]" { print "benches/" $2 } \
        /^name = / && kind == "[[test]]" { print "tests/" $2 }' Cargo.toml); do \
        mkdir -p "$target" && echo 'fn main() {}' >"$target/main.rs" || exit 1; \
    done \
    && cargo build --locked --profile "$CARGO_PROFILE" -p s3-sync -p mock-api --bins \
    && rm -rf target/*/deps/*s3_sync* target/*/deps/*mock_api* target/*/.fingerprint/s3-sync-* target/*/.fingerprint/mock-api-*

# ---- what is ours ----
COPY src src
# The same packages as above, so that the dependencies' features stay the same.
RUN cargo build --locked --profile "$CARGO_PROFILE" -p s3-sync -p mock-api --bin s3-sync \
    && strip -o /s3-sync target/*/s3-sync

FROM ${DEBIAN_IMAGE}
# Installs nothing if the base already has the certificates.
RUN if [ ! -e /etc/ssl/certs/ca-certificates.crt ]; then \
        apt-get update -qq \
        && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends ca-certificates \
        && rm -rf /var/lib/apt/lists/* /var/cache/apt/*.deb; \
    fi \
    && groupadd --gid 10001 s3-sync && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /app --shell /usr/sbin/nologin s3-sync \
    && install -d -o 10001 -g 10001 -m 0750 /app/data
COPY LICENSE /usr/share/licenses/s3-sync/LICENSE
COPY --from=builder /s3-sync /usr/local/bin/s3-sync

WORKDIR /app
ENV DATABASE_PATH=/app/data/sync.db
VOLUME /app/data
USER 10001:10001
# SIGTERM ends the daemon gracefully: the stop timeout should be longer than SHUTDOWN_TIMEOUT (20 s).
STOPSIGNAL SIGTERM
# Every 30 s only, because a health check takes more processor time than the idle daemon.
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 CMD ["s3-sync", "health"]
ENTRYPOINT ["s3-sync"]
CMD ["daemon"]

ARG CARGO_PROFILE=release
ARG VERSION=0.1.0
ARG REVISION=unknown
ARG CREATED=unknown
LABEL s3-sync.profile="${CARGO_PROFILE}" \
      org.opencontainers.image.title="s3-sync" \
      org.opencontainers.image.description="Brings an S3 bucket into a file manager, and remembers what it did" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.created="${CREATED}"

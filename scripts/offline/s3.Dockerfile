# The replacement for a MinIO image: s3s-fs, an independent S3 server on a file system, from the package
# registry of Rust, behind an entry script that takes MinIO's command line and variables.
ARG DEBIAN_IMAGE
ARG RUST_IMAGE

FROM ${RUST_IMAGE} AS builder
ARG S3S_FS_VERSION
# It declares the keys of its listings as url-encoded and does not encode them.
RUN CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_OPT_LEVEL=2 CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 \
       CARGO_PROFILE_RELEASE_STRIP=true CARGO_TARGET_DIR=/target \
       cargo install --quiet --locked "s3s-fs@${S3S_FS_VERSION}" --features binary --root /out \
    && rm -rf /target "$CARGO_HOME/registry"

FROM ${DEBIAN_IMAGE}
# curl, for the compose file's health check, as in MinIO's own images.
RUN apt-get update -qq \
    && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends curl \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/*.deb
COPY --from=builder /out/bin/s3s-fs /usr/local/bin/s3s-fs
COPY s3-entry.sh /usr/local/bin/s3-entry
VOLUME /data
EXPOSE 9000
# The only signal on which s3s-fs ends.
STOPSIGNAL SIGINT
ENTRYPOINT ["/usr/local/bin/s3-entry"]
CMD ["server", "/data"]

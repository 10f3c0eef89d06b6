# The stand-in for the official Rust image: the local Debian, a C compiler, and the toolchain of this machine (`bin` and `lib`
# come with the build context).
ARG DEBIAN_IMAGE
FROM ${DEBIAN_IMAGE}
RUN apt-get update -qq \
    && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends gcc libc6-dev pkg-config \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/*.deb
COPY bin/ /usr/local/bin/
COPY lib/ /usr/local/lib/
ENV CARGO_HOME=/usr/local/cargo
RUN rustc --version && cargo --version

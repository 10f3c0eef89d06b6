# Every target says what it does behind `##`; `make` lists them.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.NOTPARALLEL:

# Where rustup and `make tools` put what they install.
export PATH := $(CURDIR)/.venv/bin:$(or $(CARGO_HOME),$(HOME)/.cargo)/bin:$(PATH)

CARGO_DENY_VERSION := 0.20.2
VENV := .venv/installed

.PHONY: help
help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: demo
demo: bootstrap ## see a day between a bucket and a file manager: an S3 server, a file manager and the service in one process
	@cargo run --quiet --example demo

.PHONY: test
test: bootstrap ## all tests that need nothing but Rust
	cargo test --workspace --features failpoints

.PHONY: model
model: bootstrap ## histories by chance against the whole of it, on every core: MINUTES=5, SEED= where to begin
	MODEL_SECONDS=$$((60 * $(or $(MINUTES),5))) MODEL_SEED=$(or $(SEED),$$(date +%s)000) \
		cargo test --profile model --features failpoints --test it model::histories -- --nocapture

.PHONY: model-mutants
model-mutants: bootstrap ## bugs planted one by one: the model must see each
	cargo test --profile model --features mutants --test it model::mutants -- --nocapture

.PHONY: test-moto
test-moto: bootstrap $(VENV) ## the workflow against moto, an S3 server that nobody here wrote (needs Python 3)
	MOTO_SERVER=$(CURDIR)/.venv/bin/moto_server cargo test --features moto --test it moto

.PHONY: check
check: lint docs test deny typos shellcheck test-bootstrap ## what a commit must pass

.PHONY: ci
ci: check test-moto ## check, and every test that needs more than Rust

.PHONY: bench
bench: bootstrap ## the numbers of docs/performance.md: minutes, on a machine that does nothing else (ROUNDS=5)
	cargo build --release --workspace --bins --bench initial_sync
	cargo bench --workspace --bench initial_sync -- --rounds $(or $(ROUNDS),5)

.PHONY: fmt
fmt: bootstrap ## format the code
	cargo fmt --all

.PHONY: lint
lint: bootstrap ## formatting and clippy; a warning is an error
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --all-features -- -D warnings
	cargo clippy -p s3-sync --lib --bins --no-default-features -- -D warnings

.PHONY: docs
docs: bootstrap ## the library's documentation; a warning is an error
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --all-features

.PHONY: deny
deny: bootstrap ## licences, sources, banned crates and advisories of the dependencies (cargo-deny)
	@scripts/optional.sh cargo-deny scripts/deny.sh

.PHONY: typos
typos: ## spelling (typos)
	@scripts/optional.sh typos typos --config .typos.toml

.PHONY: shellcheck
shellcheck: ## the scripts (shellcheck)
	@scripts/optional.sh shellcheck shellcheck .ci/run scripts/*.sh

.PHONY: test-bootstrap
test-bootstrap: ## the bootstrap script on pretended machines that lack things
	@scripts/test-bootstrap.sh

.PHONY: tools
tools: bootstrap $(VENV) ## install what check and test-moto can use: cargo-deny, and typos, shellcheck and moto into .venv
	CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_OPT_LEVEL=1 CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 \
		cargo install --quiet --locked cargo-deny@$(CARGO_DENY_VERSION)

.PHONY: bootstrap
bootstrap:
	@scripts/bootstrap.sh

$(VENV): scripts/python-tools.txt
	python3 -m venv .venv
	.venv/bin/pip install --quiet --disable-pip-version-check -r $<
	@touch $@

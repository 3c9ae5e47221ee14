# `make demo` and `make test` need nothing beforehand: each sets up what it uses.
# What a target does in more than a line is a script in scripts/, which can be run alone.

SHELL := /bin/bash
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

BIN := .venv/bin
# Give pytest more words: make test ARGS='-k publish -x'
ARGS ?=

.PHONY: help
help: ## Show this help.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: setup
setup: host-tools venv go-tools ## Bring all that the other targets need (Debian, Ubuntu; root or sudo).

.PHONY: host-tools
host-tools: ## Install the programs of the host: OCI runtime, skopeo, mmdebstrap, qemu, registry, ...
	@scripts/host-tools

.PHONY: venv
venv: ## Make or update .venv with keelway, its engine, its tools and what developing needs.
	@scripts/venv

.PHONY: go-tools
go-tools: venv ## Build what only the Go module proxy has (cosign, k6), once.
	@scripts/go-tools

.PHONY: demo
demo: setup ## Do the main job: build, scan, publish examples/orders for amd64 and arm64.
	@scripts/demo $(if $(KEEP),--keep)

.PHONY: examples
examples: setup ## Run the four systems of examples/ end to end; shows each demand met (ARGS=portal: one).
	@scripts/examples $(ARGS)

.PHONY: image
image: setup ## Release this project's own image by keelway: build, check, scan, run, sign.
	@scripts/image

.PHONY: lock-image
lock-image: venv ## Pin the packages of this project's own image again, with hashes.
	@scripts/image --lock

.PHONY: check
check: venv ## Check style, types, spelling and the import contracts; changes nothing.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/basedpyright --pythonpath $(BIN)/python
	$(BIN)/lint-imports
	$(BIN)/codespell

.PHONY: test
test: host-tools venv ## Run all tests; as root the engine's as an ordinary user too.
	@scripts/test $(ARGS)

.PHONY: test-rootless
test-rootless: setup ## Run the engine's tests as an ordinary user.
	@scripts/test-rootless $(ARGS)

.PHONY: test-chroot
test-chroot: setup ## Run the conformance suite as in an unprivileged container (root; ISOLATION=proot).
	@ISOLATION=$(or $(ISOLATION),chroot) scripts/test-chroot $(ARGS)

.PHONY: test-quick
test-quick: venv ## Run the tests that need neither an engine nor the host's tools.
	$(BIN)/python -m pytest tests/unit tests/contract $(ARGS)

.PHONY: soak
soak: setup ## Kill and load the engine for long: KILLS=5000 says how often it dies.
	@KEELWAY_TEST_SOAK=1 KEELWAY_TEST_KILLS=$(or $(KILLS),1000) $(BIN)/python -m pytest \
	  tests/engine/test_kills.py tests/engine/test_limits.py tests/engine/test_faults.py $(ARGS)

.PHONY: bench
bench: setup ## Measure releases, builds and the engine, beside others, and make a page of it (ARGS=--help).
	@$(BIN)/python -m bench $(ARGS)

.PHONY: fmt
fmt: venv ## Format the code and mend what can be mended without a person.
	$(BIN)/ruff check --fix-only --quiet . || true
	$(BIN)/ruff format .

.PHONY: registry
registry: ## Run the demo's registry in the foreground, with all that the demo pushed.
	@scripts/registry run

.PHONY: registry-stop
registry-stop: ## Stop the demo's registry, where it was kept (make demo KEEP=1).
	@scripts/registry stop

.PHONY: lock-example
lock-example: venv ## Pin the requirements of examples/orders again, with hashes.
	@scripts/lock-example

.PHONY: doctor
doctor: venv ## Say what is here and what is missing.
	-@scripts/host-tools --check
	-@$(BIN)/keelway doctor

.PHONY: clean
clean: ## Remove what the targets made here: caches, reports, the demo's registry. Not .venv.
	-@scripts/registry stop 2>/dev/null
	rm -rf .keelway keelway.lock examples/*/.keelway examples/*/keelway.lock dist build
	rm -rf .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
	find . -path ./.venv -prune -o -name __pycache__ -type d -print0 | xargs -0 rm -rf

.PHONY: clean-all
clean-all: clean ## Remove .venv too.
	rm -rf .venv

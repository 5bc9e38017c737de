# `make` alone says what there is. Each target sets up what it needs.
.DEFAULT_GOAL := help
.PHONY: help install run test lint docs deliver channels status lock clean \
	benchmark-intake benchmark-nightly benchmark-release scale crash-test

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
UV := $(shell command -v uv || echo .tools/uv/bin/uv)

export UV_COMPILE_BYTECODE = 1
export UV_PYTHON_DOWNLOADS = never
export DBT_SEND_ANONYMOUS_USAGE_STATS = false
export DO_NOT_TRACK = 1

help: ## say what there is
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):[^#]*## (.*)/  make \1	\2/' | expand -t 26

.tools/uv/bin/uv:
	@echo "uv is not here: getting it into .tools"
	@$(PYTHON) -m venv .tools/uv
	@.tools/uv/bin/python -m pip install --quiet --disable-pip-version-check uv

$(VENV)/.installed: requirements.lock pyproject.toml | $(if $(shell command -v uv),,.tools/uv/bin/uv)
	@echo "installing what requirements.lock names"
	@test -x $(BIN)/python || $(UV) venv --quiet --python $(PYTHON) $(VENV)
	@$(UV) pip sync --quiet --python $(BIN)/python requirements.lock
	@$(UV) pip install --quiet --python $(BIN)/python --no-deps --editable .
	@touch $@

install: $(VENV)/.installed ## install into .venv

run: install ## play three nights of the demo client, from raw files to campaign files
	@$(BIN)/python -m demo.nights

test: install ## run every test, those of SQL included
	@$(BIN)/python -m pytest

lint: install ## ruff, mypy, sqlfluff
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/sqlfluff lint models tests/data

docs: install ## build the documentation site of what is live into site/
	@$(BIN)/scv docs

deliver: install ## let the demo client deliver a date: make deliver DATE=2017-11-22
	@$(BIN)/python -m demo.client $(DATE)

channels: install ## let the demo client's channels receipt a date: make channels DATE=2017-11-22
	@$(BIN)/python -m demo.channel $(DATE)

status: install ## what is live, and what became of the last night
	@$(BIN)/scv status

benchmark-intake: install ## measure the intake against the bare readers beneath it (half an hour)
	@$(BIN)/python -m benchmarks.intake

benchmark-nightly: install ## measure nights of 200 thousand and 2 million customers (an hour)
	@$(BIN)/python -m benchmarks.nightly --customers 200000 --customers 2000000

benchmark-release: install ## measure what a release costs with up to 20 million customers (an hour)
	@$(BIN)/python -m benchmarks.release --customers 200000 --customers 2000000 \
		--customers 20000000 --redeployed 200000 --redeployed 2000000

N ?= 2000000
SCALE ?= warehouse/scale
scale: install ## a client of N customers and its nights, kept in SCALE: make scale N=2000000
	@$(BIN)/python -m benchmarks.nightly --customers $(N) --folder $(SCALE) \
		--results $(SCALE)/results.json --out $(SCALE)

KILLS ?= 200
crash-test: install ## kill nights, reruns and redeploys KILLS times each, and check what is left (hours)
	@$(BIN)/python -u -m tests.crashes --kills $(KILLS)

lock: ## resolve the dependencies anew into requirements.lock
	@$(UV) pip compile pyproject.toml --group demo --group dev --universal --python-version 3.11 \
		--generate-hashes --no-annotate --no-header --quiet -o requirements.lock

clean: ## remove what runs have made: deliveries, warehouse, site
	@git clean -fdxq deliveries warehouse site

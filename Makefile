# The commands of a checkout. Each works from nothing but Python 3.11 to 3.13.
.PHONY: help setup setup-dev browser pictures serve test lint bench soak students gate-worlds lora-check lock audit-deps long circle

PYTHON ?= python3
# Compiled modules are kept, whatever the environment says: the tests start hundreds of processes.
export PYTHONDONTWRITEBYTECODE =
UV := $(shell command -v uv 2>/dev/null)
INSTALL = $(if $(UV),VIRTUAL_ENV=$(CURDIR)/.venv $(UV) pip install -q,.venv/bin/uv pip install -q --python .venv/bin/python)

help:  ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 12

setup: .venv/app.done  ## make .venv with what the program needs

setup-dev: .venv/dev.done  ## add what tests and checks need

browser: setup-dev  ## find the Chromium that tests use, or install one: KAKARI_CHROMIUM, PATH, Playwright's own
	.venv/bin/python -m tests.browser.chromium

pictures: setup-dev  ## take the README's pictures of the desk anew, of the demo pharmacy
	.venv/bin/python -m tests.browser.pictures

serve: setup  ## start Kakari (database, worker, HTTP) with sample patients: http://127.0.0.1:8000
	.venv/bin/kakari serve $(if $(ARGS),$(ARGS),--demo)

test: setup-dev  ## every test, against a real PostgreSQL and in a real Chromium; ARGS chooses some
ifdef ARGS
	.venv/bin/python -m pytest $(ARGS)
else
	-@$(MAKE) --no-print-directory browser  # without one, everything else is tested still, and the tests in a browser fail
	.venv/bin/python -m pytest -n 4 --dist loadfile --no-loadscope-reorder -m "not timed and not long"
	.venv/bin/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder -m "timed and not long"
endif

long: setup-dev  ## the tests that take a minute or more: a morning at the desk, ten thousand conversations, every labelled message, a small circle
	.venv/bin/python -m pytest -m long

circle: setup  ## the whole circle from an empty system on local models, at the plans' own counts: an hour; docs/circle.md
	bash docs/circle.sh

lint: setup-dev  ## ruff, mypy --strict, import-linter
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv/bin/lint-imports

bench: setup-dev  ## measure gate, flow, command line, the flow beside other ways of writing it (speed), and what a message costs (cost); PART chooses one, KEEP=1 puts speed and cost into docs/ and README
	.venv/bin/python -m tests.bench $(PART) $(if $(KEEP),--keep)

soak: setup-dev  ## long fault runs and the table of promises; PART, SEED and ARGS (--list, --scale, --state) choose
	.venv/bin/python -m tests.soak $(PART) --seed $(or $(SEED),1) $(ARGS)

audit-deps: setup-dev  ## known vulnerabilities, dangerous code, and what the program is made of (build/sbom.json)
	mkdir -p build
	.venv/bin/cyclonedx-py requirements requirements/app.txt --pyproject pyproject.toml --output-reproducible -o build/sbom.json
	.venv/bin/bandit --quiet --recursive -lll cli server distillation evaluation graph nodes prompts pharmacy
	.venv/bin/pip-audit --strict --disable-pip --require-hashes -r requirements/app.txt

students: setup-dev  ## train the local students anew from the shipped examples
	.venv/bin/python -m distillation.train_local $(ARGS)

gate-worlds: setup-dev  ## does the gate before a student keep its word? 4,000 imagined worlds of each kind; NODE chooses one
	.venv/bin/python -m distillation.gate_worlds $(NODE)

lora-check: .venv-lora/done  ## the recipe for open-weight students on a tiny random model, in an environment of its own; LORA_PIP adds to pip
	.venv-lora/bin/python -m tests.lora.check

lock: setup  ## resolve the dependencies anew
	$(if $(UV),$(UV),.venv/bin/uv) pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate pyproject.toml -o requirements/app.txt
	$(if $(UV),$(UV),.venv/bin/uv) pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --extra dev -c requirements/app.txt --override requirements/overrides.in pyproject.toml -o requirements/dev.txt

.venv/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Kakari needs Python 3.11 or newer, this is " + sys.version.split()[0])'
	$(PYTHON) -m venv .venv
	$(if $(UV),,.venv/bin/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements/setup.txt)

.venv/app.done: .venv/bin/python requirements/app.txt pyproject.toml
	$(INSTALL) --require-hashes -r requirements/app.txt
	printf '#!%s\nimport sys\nsys.path.insert(0, "%s")\nfrom cli.main import main\nmain()\n' "$(CURDIR)/.venv/bin/python" "$(CURDIR)" > .venv/bin/kakari
	chmod +x .venv/bin/kakari
	touch $@

.venv/dev.done: .venv/app.done requirements/dev.txt
	$(INSTALL) --no-deps --require-hashes -r requirements/dev.txt
	touch $@

.venv-lora/done: pyproject.toml requirements/app.txt
	$(PYTHON) -m venv .venv-lora
	.venv-lora/bin/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements/app.txt
	.venv-lora/bin/python -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["project"]["optional-dependencies"]["lora"], sep="\n")' > .venv-lora/lora.txt
	.venv-lora/bin/python -m pip install -q --disable-pip-version-check $(LORA_PIP) -r .venv-lora/lora.txt
	touch $@

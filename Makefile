# Everything does its own set-up: a clean clone needs Python 3.11 or newer and make, nothing else.
.POSIX:
VENV = .venv
PY = $(VENV)/bin/python
PORT = 8000

run: $(VENV)/.server
	@NIGHTLATCH_DEVELOPMENT=1 $(VENV)/bin/nightlatch --data data serve --port $(PORT)

test: $(VENV)/.dev
	$(PY) -m pytest -n 2 $(ARGS)

check: $(VENV)/.dev
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports

bench: $(VENV)/.dev
	$(PY) bench/run.py $(ARGS)

fuzz: $(VENV)/.fuzz
	$(PY) -m fuzz.run $(ARGS)

timing: $(VENV)/.dev
	$(PY) bench/timing.py --write $(ARGS)

# Kill nodes at random while people use them: ARGS="--kills 200".
soak: $(VENV)/.dev
	$(PY) tests/soak.py $(ARGS)

clean:
	rm -rf $(VENV) .venvs .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis .schemathesis bench/work fuzz/work dist build

$(VENV)/.dev: requirements/dev.lock requirements/mysqlclient.lock pyproject.toml
	@sh requirements/install $(VENV) requirements/dev.lock
	@sh requirements/install-mysqlclient $(VENV)
	@touch $(VENV)/.dev $(VENV)/.server

$(VENV)/.fuzz: $(VENV)/.dev requirements/fuzz.lock
	@$(PY) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/fuzz.lock
	@touch $(VENV)/.fuzz

$(VENV)/.server: requirements/server.lock pyproject.toml
	@test -e $(VENV)/.dev || sh requirements/install $(VENV) requirements/server.lock
	@touch $(VENV)/.server

.PHONY: run test check bench fuzz timing soak clean

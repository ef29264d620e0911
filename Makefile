# Two commands matter: `make lab` to use headwidgets, `make test` to know that it works.
#
#   TORCH_INDEX_URL=URL   an index that holds PyTorch's CPU build, asked besides pip's own
#   LAB_ARGS="..."        passed on to JupyterLab, e.g. LAB_ARGS="--no-browser --port=8890"
#   CHROMIUM=/path        the browser for the tests, where it is not found by itself
#   RECIPE_ARGS="..."     passed on to the recipe of the bundled model, or of the emergence runs
#   PYTEST_ARGS="..."     passed on to pytest, e.g. PYTEST_ARGS="tests/package -x"
#   WORKERS=1             processes that run the tests (2: one a core, file by file)

VENV := .venv
BIN := $(VENV)/bin
PY := $(BIN)/python
WORKERS := 2
NOTEBOOK := notebooks/00_first_look.ipynb
OVERLAYS := $(foreach version,6.31.0 7.0.1 7.4.0,.overlays/ipykernel-$(version)/.stamp)
PIP_INSTALL := $(PY) -m pip install -c constraints.txt \
	$(if $(TORCH_INDEX_URL),--extra-index-url $(TORCH_INDEX_URL))
SET := pyproject.toml constraints.txt

.DEFAULT_GOAL := help
.PHONY: help venv lab test test-setup verify bench model checkpoints emergence card lint js clean
.NOTPARALLEL:
.DELETE_ON_ERROR:

help: ## show this list
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

venv: $(VENV)/.stamp-lab ## make the environment in .venv

lab: venv ## open JupyterLab on the first notebook
	JUPYTER_PREFER_ENV_PATH=1 $(PY) -m jupyterlab $(NOTEBOOK) \
		$(if $(filter 0,$(shell id -u)),--allow-root) $(LAB_ARGS)

test: lint ## run every test at its smallest size
	cd js && npm run test
	$(call with_chromium,-m "not slow")

verify: lint ## run every test and notebook, and write reports/
	cd js && npm run test
	mkdir -p .verify
	$(call with_chromium,--junitxml=.verify/tests.xml)
	failed=; for report in scripts/report_*.py; do $(PY) "$$report" || failed="$$failed $$report"; done; \
		test -z "$$failed" || { echo "missed a bar or failed:$$failed" >&2; exit 1; }

bench: $(VENV)/.stamp-test .overlays/bertviz/.stamp ## measure, and write reports/bench_*.md (BENCH="widgets sweeps": these only)
	$(PY) scripts/bench.py $(BENCH)

model: venv ## train a model like the bundled one, an evening on two cores (RECIPE_ARGS="--steps 9000 --resume")
	$(PY) -m headwidgets.zoo.recipe --out .recipe --export $(RECIPE_ARGS)

checkpoints: venv ## train the twenty checkpoints of its sibling again, 20 minutes on a core
	$(PY) -m headwidgets.zoo.recipe --out .recipe/sibling --steps 2500 --threads 1
	$(PY) -m headwidgets.zoo.checkpoints .recipe/sibling checkpoints

emergence: venv ## train the finished runs of the emergence lab (RECIPE_ARGS="--long --again")
	$(PY) -m headwidgets.labs.emergence.recipe $(RECIPE_ARGS)

card: venv ## measure the bundled model: the table of hw.report_card()
	$(PY) scripts/card.py

lint: test-setup ## check style and types, Python and TypeScript
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	cd js && npm run lint && npm run check

js: js/node_modules/.stamp ## build the browser's half into headwidgets/static
	cd js && npm run build

clean: ## remove everything that make made
	rm -rf $(VENV) .overlays .verify dist js/node_modules
	rm -rf .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# --- what the commands above need -----------------------------------------------------

test-setup: $(VENV)/.stamp-test js/node_modules/.stamp $(OVERLAYS)

with_chromium = chromium=$$(sh scripts/find_chromium.sh) || exit 1; \
	CHROMIUM="$$chromium" HEADWIDGETS_REQUIRE_OVERLAYS=1 OMP_NUM_THREADS=1 \
	$(PY) -m pytest -n $(WORKERS) --dist loadfile $(1) $(PYTEST_ARGS)

$(PY):
	python=$$(sh scripts/find_python.sh) && "$$python" -m venv $(VENV) \
		|| { rm -rf $(VENV); exit 1; }

# ipykernel's own kernelspec says "python"; ours names this environment, as python3, which
# is what the notebooks ask for: no dialog, and no other environment's kernel by accident.
$(VENV)/.stamp-lab: $(SET) | $(PY)
	$(PIP_INSTALL) -e ".[lab]"
	$(PY) -m ipykernel install --sys-prefix
	$(BIN)/jupyter labextension disable --level=sys_prefix \
		"@jupyterlab/apputils-extension:announcements"
	touch $@

$(VENV)/.stamp-test: $(SET) $(VENV)/.stamp-lab
	$(PIP_INSTALL) -e ".[lab,test]"
	touch $@

js/node_modules/.stamp: js/package.json js/package-lock.json
	@command -v npm > /dev/null || { \
		echo "npm is missing: the tests need Node.js 20 or newer with npm (using headwidgets does not)"; \
		exit 1; } >&2
	cd js && npm ci
	touch $@

# The kernel tests run on three generations of ipykernel, each laid over .venv.
.overlays/ipykernel-%/.stamp: | $(PY)
	rm -rf $(@D)
	$(PY) -m pip install --no-deps --target $(@D) ipykernel==$*
	touch $@

# A peer of the benchmarks, alone: with all that it asks for, pip finds no set that fits ours.
.overlays/bertviz/.stamp: | $(PY)
	rm -rf $(@D)
	$(PY) -m pip install --no-deps --target $(@D) bertviz==1.4.1
	touch $@

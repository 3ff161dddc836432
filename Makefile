PYTHON ?= python3
BIN := .venv/bin
SITE := _build/html
LIBRARY := $(shell find lib -type f -not -name '*.pyc')
NOTEBOOKS := $(shell find chapters exercises -name '*.ipynb' -not -path '*/.*' 2>/dev/null | sort)

# uv trusts what the machine trusts, as pip does.
export UV_SYSTEM_CERTS ?= 1

.PHONY: help book serve test lint unit nbval bench notebooks lock clean

help:  ## show this list
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' Makefile | expand -t 12

# Sphinx warns of a page only when it reads it: after a failure the next run reads them all.
book: $(BIN)/ready _build/fresh  ## build the site
	$(BIN)/jupyter-book build . -W -n --keep-going || { rm -rf _build/.doctrees; false; }
	@echo "The book: $(abspath $(SITE))/index.html"

serve: book  ## build the site and serve it on port 8000
	$(BIN)/python -m http.server --directory $(SITE) 8000

test: lint book unit nbval  ## everything that has to hold; CI runs this

lint: $(BIN)/ready
	$(BIN)/ruff check .
	$(BIN)/codespell
	$(if $(NOTEBOOKS),$(BIN)/python tools/notebooks.py check $(NOTEBOOKS))

unit: $(BIN)/ready
	$(BIN)/pytest -n 2 --dist loadfile

nbval: $(BIN)/ready
ifdef NOTEBOOKS
	$(BIN)/pytest -n 2 --dist loadfile --nbval --nbval-current-env --nbval-cell-timeout 120 \
		--nbval-sanitize-with tests/nbval_sanitize.cfg $(NOTEBOOKS)
else
	@echo "no notebooks yet"
endif

bench: $(BIN)/ready  ## measure against the goals
	$(BIN)/python -m benchmarks

notebooks: $(BIN)/ready  ## execute the notebooks and store their outputs
	$(BIN)/python tools/notebooks.py run $(NOTEBOOKS)

lock: $(BIN)/ready  ## update every locked dependency
	echo uv | $(RESOLVE) - -o requirements-uv.lock
	$(RESOLVE) requirements.in -o requirements.lock

RESOLVE := $(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --custom-compile-command "make lock"

clean:  ## remove what was built, the environment included
	rm -rf .venv _build

# matplotlib is imported once, because its first import may print into a notebook that it builds a font cache.
$(BIN)/ready: requirements.lock requirements-uv.lock pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --require-hashes -r requirements-uv.lock
	$(BIN)/uv pip sync --quiet --require-hashes requirements-uv.lock requirements.lock
	$(BIN)/uv pip install --quiet --no-deps --no-build-isolation --editable .
	$(BIN)/python -c "import matplotlib.pyplot"
	touch $@

# The cache of executed notebooks looks at their code only, and Sphinx at the pages: when the library or a package
# changes, both start again. When the contents change, Sphinx would leave the old ones beside finished pages.
_build/library: $(LIBRARY) $(BIN)/ready
	rm -rf _build
	mkdir _build
	touch $@

_build/fresh: _build/library _toc.yml
	rm -rf _build/.doctrees $(SITE)
	touch $@

# All there is to do in a checkout. It needs Python 3.11 or newer, make and package registries; the rest it fetches.

PYTHON ?= $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)
export PATH := $(CURDIR)/.venv/bin:$(PATH)
PIP = .venv/bin/python -m pip install -qq --disable-pip-version-check

.PHONY: help demo test pages bench faults kills pythons audit frontends languages wordpress fuzz lint build build-dist plug-in clean

help: ## Say what there is to do: this list.
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1|\2/p' Makefile | awk -F'|' '{ printf "%-18s%s\n", $$1, $$2 }'

demo: .venv/ready ## Run everything here, with a shop to try it on; PORT=8080 chooses the port, Ctrl-C ends it.
	@exec .venv/bin/consent-server demo $(if $(PORT),--port $(PORT))

test: lint ## Check style and types, then run the tests, but for the long ones below; fetches what they need.
	@echo "Tests ..."
	@.venv/bin/python -m pytest --few --numprocesses 4 --dist loadfile --no-loadscope-reorder

pages: .venv/ready-for-tests snippet/node_modules/ready ## Try every case of every table in real browsers, of which `test` tries a few; half an hour.
	@.venv/bin/python -m pytest --numprocesses 4 --dist loadfile --no-loadscope-reorder tests/browser

bench: .venv/ready-for-tests snippet/node_modules/ready ## Measure speed, memory and bytes on this machine.
	@.venv/bin/python -m tests.bench

faults: .venv/ready-for-tests ## Break a hundred things while shoppers decide; SEED=1 draws others.
	@FAULTS=100 .venv/bin/python -m pytest -s tests/faults

kills: .venv/ready-for-tests ## Kill archive, seal and erasure at each place where it can end; takes a quarter of an hour.
	@KILLS=1 .venv/bin/python -m pytest -s tests/proof/test_killed.py

pythons: .venv/ready-for-tests ## Install the package in each Python that this machine has, and take decisions.
	@PYTHONS=1 .venv/bin/python -m pytest tests/test_wheel.py

audit: .venv/ready-for-tests ## Plant every leak and look for it in every state of consent; takes some minutes.
	@AUDIT=1 .venv/bin/python -m pytest tests/audit

frontends: .venv/ready-for-tests snippet/node_modules/ready ## Build apps with Vite, Next, Nuxt, SvelteKit and Astro, and drive them; takes some minutes.
	@FRONTENDS=1 .venv/bin/python -m pytest tests/browser/test_frontends.py

languages: .venv/ready-for-tests ## Lay out each of the 47 languages in every layout, narrow and wide; takes some minutes.
	@LANGUAGES=1 .venv/bin/python -m pytest tests/browser/test_languages.py

wordpress: .venv/ready-for-tests ## Install Debian's WordPress, PHP and MariaDB, and drive the plug-in in it; takes some minutes.
	@sh tests/needs.sh wordpress
	@WORDPRESS=1 .venv/bin/python -m pytest tests/browser/test_wordpress.py

fuzz: .venv/ready-for-tests ## Send a hundred thousand odd requests, tokens and settings, then whatever leads to new code.
	@CASES=14000 .venv/bin/python -m pytest tests/test_fuzz.py tests/web/test_openapi.py
	@if $(PIP) --only-binary atheris 'atheris>=3' 2>/dev/null; then \
		for parser in token decision; do .venv/bin/python -m tests.guided $$parser $(or $(SECONDS),60) || exit; done; \
	else echo "There is no atheris for this Python, so no fuzzing that is led by coverage."; fi

lint: .venv/ready-for-tests snippet/node_modules/ready ## Check style, types and safety only: ruff, bandit, mypy --strict, tsc --strict.
	@echo "ruff ..." && ruff check --quiet . && ruff format --check --quiet .
	@echo "bandit ..." && bandit --quiet --recursive consent_server
	@echo "mypy --strict ..." && mypy --no-error-summary
	@echo "tsc --strict ..." && cd snippet && npm run --silent check

build: .venv/ready-for-tests snippet/node_modules/ready ## Make the scripts of the snippet and the documentation's tables anew.
	@cd snippet && node build.js && node companies.js
	@.venv/bin/python -m tests.generated

build-dist: .venv/ready ## Make the wheel that other machines install, in dist/.
	@.venv/bin/python -m pip wheel -qq --disable-pip-version-check --no-deps --wheel-dir dist .
	@ls dist/*.whl

plug-in: .venv/ready ## Make the zip that a WordPress takes as a new plug-in, in dist/.
	@rm -rf build/consent-server dist/consent-server.zip && mkdir -p build dist
	@cp -R snippet/wordpress build/consent-server && cp LICENSE build/consent-server/
	@cd build && ../.venv/bin/python -m zipfile -c ../dist/consent-server.zip consent-server
	@ls dist/consent-server.zip

clean: ## Remove what make has made in this checkout.
	@rm -rf .venv snippet/node_modules test-results build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis

.venv/ready: pyproject.toml
	@test -n "$(PYTHON)" || { echo "consent-server needs Python 3.11 or newer, and there is none on PATH." \
		"Type: make $(MAKECMDGOALS) PYTHON=/path/to/python3"; exit 2; }
	@echo "Making the virtual environment .venv with $$($(PYTHON) --version); once, and when pyproject.toml changes ..."
	@.venv/bin/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear .venv || { \
		echo "This Python cannot make a virtual environment. On Debian, type: apt-get install python3-venv"; exit 2; }
	@$(PIP) --editable . || { echo "The packages named in pyproject.toml could not be installed: see above."; exit 2; }
	@touch $@

# Besides Python packages the tests need Node, browsers, servers and PHP; needs.sh has the list, and says what it fetched.
.venv/ready-for-tests: .venv/ready tests/needs.sh
	@echo "Installing what the tests need ..."
	@$(PIP) --editable '.[test]' || { echo "The test packages could not be installed: see above."; exit 2; }
	@sh tests/needs.sh
	@touch $@

snippet/node_modules/ready: snippet/package.json snippet/package-lock.json | .venv/ready-for-tests
	@cd snippet && npm ci --no-audit --no-fund --loglevel=error --foreground-scripts=false >/dev/null || { \
		echo "The npm packages of snippet/ could not be installed: see above."; exit 2; }
	@touch $@

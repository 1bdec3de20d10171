# Facegate: make demo | test | whole | check | bench | soak | board | arm64 | deb | stick | image. Each sets up what it needs, in .venv and .cache alone.

PYTHON ?= python3
BIN := .venv/bin
QUICK := "not whole and not soak and not board and not arm64"
WHOLE := "whole and not soak"
export FACEGATE_MODELS__DIR ?= $(CURDIR)/.cache/models

.PHONY: demo test whole check bench soak board arm64 deb stick image fuzz mutants coverage messages lock format clean

# make demo GATES=3: a centre and three gates instead.
demo: $(BIN)/facegate
	$(BIN)/facegate demo $(if $(GATES),--gates $(GATES))

# In random order, the longest files first (tests/conftest.py). Some hundred programs are started: without its bytecode
# each would compile the house anew.
# Three at once want more than two cores at times, and a door that answers late there is no finding: what failed is asked
# once more by itself, and what fails then has failed. One that hangs is ended and named.
TEST = $(BIN)/python -m pytest --timeout 600
test whole: export PYTHONDONTWRITEBYTECODE =
# Threads of linear algebra that wait for one another would take the cores from the others.
test whole: export OPENBLAS_NUM_THREADS = 1
test: $(BIN)/facegate
	$(TEST) -m $(QUICK) -n 3 --dist loadfile --no-loadscope-reorder || \
	    { test $$? -eq 1 && $(TEST) -m $(QUICK) --last-failed --last-failed-no-failures none; }

# What takes whole gates, a browser, programs with their models, or an installation; CI runs it after the tests.
whole: $(BIN)/facegate
	$(TEST) -m $(WHOLE) -n 3 --dist loadfile --no-loadscope-reorder || \
	    { test $$? -eq 1 && $(TEST) -m $(WHOLE) --last-failed --last-failed-no-failures none; }

check: $(BIN)/facegate
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/mypy --scripts-are-modules systemd/install
	$(BIN)/mypy --scripts-are-modules systemd/facegate-switch
	$(BIN)/mypy --scripts-are-modules systemd/facegate-upgrade
	$(BIN)/mypy --scripts-are-modules systemd/package
	$(BIN)/mypy --scripts-are-modules systemd/stick
	$(BIN)/mypy --scripts-are-modules systemd/image
	$(BIN)/lint-imports --no-logo

bench: $(BIN)/facegate
	$(BIN)/facegate bench

# The slow proofs, in their order: one installs what the next upgrades. They print their tables.
soak: $(BIN)/facegate
	$(BIN)/python -m pytest -m soak -s -p no:randomly

# A virtual board with systemd, pins, a camera and power that is cut: docs/board.md. Says what to install where it cannot.
board: $(BIN)/facegate
	$(BIN)/python -m tests.board.build
	$(BIN)/python -m pytest tests/board -m board -s -p no:randomly --basetemp=.cache/board-run

# The gate on a processor that is emulated, an aarch64: docs/arm64.md.
arm64: $(BIN)/facegate
	$(BIN)/python -m tests.arm64.build
	$(BIN)/python -m pytest tests/arm64 -m arm64 -s -p no:randomly --basetemp=.cache/arm64-run

# Debian packages into dist/. For another system than this machine's: make deb SUITE=trixie ARCH=arm64
# (bookworm, trixie or noble; amd64 or arm64).
deb: $(BIN)/facegate
	test -d $(FACEGATE_MODELS__DIR)/open || $(BIN)/facegate models install open
	systemd/package --models $(FACEGATE_MODELS__DIR) \
	    $(if $(SUITE),--suite $(SUITE)) $(if $(ARCH),--architecture $(ARCH)) $(if $(VERSION),--version $(VERSION))

# A signed archive of the packages, for gates without a network, into the folder of a stick: make stick TO=/media/me/STICK
# (docs/building.md). SUITE and ARCH as with deb; OPTIONS=--without-codecs for gates that are not your own.
stick: deb
	systemd/stick --to "$(TO)" $(OPTIONS)

# The image of a card into dist/, out of the packages for Debian 12 on a PC; as root, on Debian: docs/building.md.
image: SUITE = bookworm
image: ARCH = amd64
image: deb
	systemd/image $(if $(VERSION),--version $(VERSION))

# The whole API against its own description, by schemathesis.
fuzz: $(BIN)/facegate
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/fuzz.txt
	$(BIN)/python -m pytest -m soak -s -p no:randomly tests/soak/test_api_schema.py

# Mutation testing of the door's pure core; the rows of its table are altered by tests/soak/test_table_rows.py.
mutants: $(BIN)/facegate
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/mutants.txt
	rm -rf mutants
	$(BIN)/mutmut run
	$(BIN)/mutmut results

coverage: $(BIN)/facegate
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest -m "$(QUICK) or $(WHOLE)"
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report --fail-under=90

format: $(BIN)/facegate
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# The catalogues of the console after a change of its sentences.
messages: $(BIN)/facegate
	$(BIN)/python -m api.languages.update

# Needs uv. Writes pins with hashes and without addresses. What a gate installs names all it needs, for pip's --no-deps:
# colorzero asks for setuptools, which it does not import, and insightface for OpenCV with windows.
LOCK := uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --quiet
lock:
	$(LOCK) pyproject.toml -o requirements/run.txt
	$(LOCK) --group gate -c requirements/run.txt --no-emit-package setuptools -o requirements/gate.txt
	$(LOCK) --group measure -c requirements/run.txt -o requirements/measure.txt
	$(LOCK) --group fleet -c requirements/run.txt -o requirements/fleet.txt
	$(LOCK) --group centre -c requirements/run.txt -o requirements/centre.txt
	$(LOCK) --group mqtt -c requirements/run.txt -o requirements/mqtt.txt
	$(LOCK) --group insightface -c requirements/run.txt --no-emit-package opencv-python -o requirements/insightface.txt
	$(LOCK) --group build -c requirements/run.txt -o requirements/build.txt
	$(LOCK) pyproject.toml --group dev -c requirements/run.txt -o requirements/dev.txt
	$(LOCK) pyproject.toml --group mutants -c requirements/dev.txt -o requirements/mutants.txt
	$(LOCK) pyproject.toml --group fuzz -c requirements/dev.txt -o requirements/fuzz.txt

$(BIN)/facegate: requirements/dev.txt pyproject.toml
	test -d .venv || $(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $@

clean:
	rm -rf .venv .cache

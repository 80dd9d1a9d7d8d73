# Everything is installed into $(VENV) and built in build/; nothing outside this folder changes.
#
#   make demo     install what the main job needs, then run it
#   make test     install the development tools too, then run all tests
#   make lint     check style and types
#   make format   rewrite the sources in the project's style
#   make accuracy compare the timing model with the RTL recordings; writes docs/accuracy.md
#   make gemm     measure matrix products on the timing model; writes docs/gemm.md
#   make clean    remove the environment and everything that was built

PYTHON ?= python3
VENV ?= .venv
JOBS ?= 2
PYTEST_ARGS ?=

BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
STAMPS := $(VENV)/.stamps

# An editable installation follows the Python sources by itself, not what CMake builds.
BUILD_INPUTS := pyproject.toml CMakeLists.txt gemmini_xdsl/__init__.py \
    $(shell find runtime_c -name CMakeLists.txt -o -name '*.cmake' -o -name '*.[ch]')
PACKAGES := hardware dialects passes targets tvm_bridge runtime_c tools
C_SOURCES = $(shell find runtime_c tests -name '*.[ch]' -not -path '*/Output/*')

.DELETE_ON_ERROR:
.NOTPARALLEL:
.PHONY: help demo test lint format accuracy gemm clean

help:
	@sed -n 's/^#   //p' Makefile

demo: $(STAMPS)/demo
	$(BIN)/python examples/dense.py

test: $(STAMPS)/dev
	$(BIN)/python -m pytest -n $(JOBS) --dist worksteal $(PYTEST_ARGS) tests

lint: $(STAMPS)/dev build/typing
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(if $(C_SOURCES),$(BIN)/clang-format --dry-run --Werror $(C_SOURCES))

format: $(STAMPS)/dev
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format .
	$(if $(C_SOURCES),$(BIN)/clang-format -i $(C_SOURCES))

accuracy: $(STAMPS)/dev
	$(BIN)/python benchmarks/accuracy.py

gemm: $(STAMPS)/dev
	$(BIN)/python benchmarks/gemm.py --jobs $(JOBS) --page

clean:
	rm -rf $(VENV) build .mypy_cache .ruff_cache .pytest_cache

# mypy cannot see the mapping of folders to subpackages; it sees links in this folder.
build/typing: pyproject.toml
	@mkdir -p $@/gemmini_xdsl
	@ln -sfn $(CURDIR)/gemmini_xdsl/__init__.py $(CURDIR)/gemmini_xdsl/py.typed $@/gemmini_xdsl
	@ln -sfn $(addprefix $(CURDIR)/,$(PACKAGES)) $@/gemmini_xdsl
	@touch $@

# pip shows its progress to people only.
define install
	@echo "Installing $(1) into $(VENV)"
	@if [ -t 1 ]; then quiet=; else quiet=--quiet; fi; $(PIP) install $$quiet --editable "$(1)"
	@touch $@
endef

$(STAMPS)/demo: $(STAMPS)/venv $(BUILD_INPUTS)
	$(call install,.[tvm])

$(STAMPS)/dev: $(STAMPS)/venv $(BUILD_INPUTS)
	$(call install,.[dev$(comma)mlir$(comma)tvm])
	@touch $(STAMPS)/demo

$(STAMPS)/venv:
	@command -v $(PYTHON) >/dev/null || { \
	    echo "error: '$(PYTHON)' not found: install Python 3.11 or later," \
	        "or name it: make PYTHON=/path/to/python3 ..." >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	    echo "error: $$($(PYTHON) --version) is too old: install Python 3.11 or later," \
	        "or name it: make PYTHON=/path/to/python3 ..." >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	    echo "error: $(PYTHON) lacks the venv module" \
	        "(Debian and Ubuntu: apt-get install python3-venv)" >&2; exit 1; }
	@command -v "$${CC:-cc}" >/dev/null || command -v gcc >/dev/null || command -v clang >/dev/null || { \
	    echo "error: no C compiler found: install gcc or clang" \
	        "(Debian and Ubuntu: apt-get install gcc), or set CC" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@mkdir -p $(@D)
	@touch $@

comma := ,

"""Which parts of upstream MLIR are installed, and modules to try them on."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from xdsl.context import Context

from gemmini_xdsl.passes.upstream_mlir import UpstreamMlir
from gemmini_xdsl.passes.upstream_mlir.bindings import BindingsBackend, find_bindings
from gemmini_xdsl.passes.upstream_mlir.mlir_opt import MlirOptBackend, find_mlir_opt
from gemmini_xdsl.tools.inputs import make_context

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture
def context() -> Context:
    return make_context()


@pytest.fixture
def bindings() -> BindingsBackend:
    found, _ = find_bindings()
    if found is None:
        pytest.skip("upstream MLIR's Python bindings (torch-mlir) are not installed")
    return BindingsBackend(found)


@pytest.fixture
def mlir_opt() -> MlirOptBackend:
    found = find_mlir_opt()
    if found is None:
        pytest.skip("mlir-opt (Debian: mlir-22-tools) is not installed")
    return MlirOptBackend(found.path)


@pytest.fixture(params=["bindings", "mlir_opt"])
def upstream(request: pytest.FixtureRequest) -> UpstreamMlir:
    """Upstream MLIR, each way that it may be installed."""
    return request.getfixturevalue(request.param)

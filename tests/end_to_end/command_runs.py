"""Products by emitted C and by their commands, against numpy, and whether a schedule fits one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from xdsl.dialects import func, memref
from xdsl.dialects.builtin import ModuleOp

from gemmini_xdsl.dialects.attributes import ScheduleAttr
from gemmini_xdsl.dialects.linear_parser import LinearParser
from gemmini_xdsl.hardware import GemminiConfig
from gemmini_xdsl.passes.schedule_rules import Problem, schedule_problem
from gemmini_xdsl.runtime_c.simulator import Simulator
from gemmini_xdsl.targets.command_stream import command_stream
from gemmini_xdsl.tools.inputs import make_context


def run_commands(module: ModuleOp, name: str, inputs: Sequence[Any], result: Any) -> Any:
    """What the commands of function `name` leave in the checked simulator."""
    stream = command_stream(module, name)
    output = np.zeros_like(result)
    with_output = [*(np.ascontiguousarray(value) for value in inputs), output]
    simulator = Simulator(load_config_of(module), checked=True)
    for placement, array in zip(stream.placements, with_output, strict=True):
        array.flags.writeable = array is output
        simulator.map(placement.address, array)
    for constant in stream.constants:
        simulator.map(constant.address, constant.contents)
    for copy in stream.copies:
        elements = with_output[copy.argument].reshape(-1)[list(copy.elements)]
        simulator.map(copy.address, elements)
    for item in stream.items:
        if item is None:
            simulator.fence()
        else:
            simulator.command(item.funct, item.rs1, item.rs2)
    return output


def load_config_of(module: ModuleOp) -> GemminiConfig:
    config: GemminiConfig = module.attributes["gemmini.config"].data  # type: ignore[attr-defined]
    return config


def core_writes(module: ModuleOp, name: str) -> bool:
    """Whether function `name` has the core write memory, which commands alone do not."""
    functions = (op for op in module.ops if isinstance(op, func.FuncOp))
    (function,) = (op for op in functions if op.sym_name.data == name)
    return any(isinstance(op, memref.StoreOp) for op in function.walk())


def check(products: Sequence[Any], compiled: Any, kernels: Any, seed: int) -> None:
    """Each product by both ways."""
    rng = np.random.default_rng(seed)
    for number, product in enumerate(products):
        name = f"f{number}"
        inputs = product.inputs(rng)
        expected = product.reference(inputs)
        np.testing.assert_array_equal(
            kernels.run(name, inputs, expected), expected, f"C of {product}"
        )
        if not core_writes(compiled.module, name):
            got = run_commands(compiled.module, name, inputs, expected)
            np.testing.assert_array_equal(got, expected, f"commands of {product}")


def legal(product: Any, config: GemminiConfig) -> bool:
    """Whether the product's schedule fits it."""
    text = f"#gemmini.schedule<{product.schedule}>"
    attribute = LinearParser(make_context(), text, "schedule").parse_attribute()
    assert isinstance(attribute, ScheduleAttr)
    problem = Problem(
        product.m,
        product.n,
        product.k,
        product.transpose_a,
        product.transpose_b,
        product.wide,
        product.bias != "none",
    )
    return schedule_problem(attribute.data, problem, config) is None

"""Checking products in the simulator, bit by bit, with the default schedule."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from xdsl.utils.exceptions import DiagnosticException

from gemmini_xdsl.dialects.attributes import Activation, ConfigAttr
from gemmini_xdsl.dialects.config_lookup import CONFIG_ATTRIBUTE
from gemmini_xdsl.hardware import load_config
from gemmini_xdsl.passes.pipelines import default_pipeline
from gemmini_xdsl.runtime_c.simulator import Simulator, SimulatorError
from gemmini_xdsl.targets.arguments import annotate_arguments
from gemmini_xdsl.targets.command_stream import command_stream
from gemmini_xdsl.targets.errors import TargetError
from gemmini_xdsl.tools.inputs import make_context
from gemmini_xdsl.tools.shorthand import Bias, GemmSpec, build_gemm

Array = NDArray[Any]
SCALES = (1.0, 0.5, 0.0123, 0.0004)


@dataclass(frozen=True)
class RandomProduct:
    """A product, the seed of its operands, and the configuration that executes it."""

    spec: GemmSpec
    seed: int
    config: str = "default"

    def __str__(self) -> str:
        spec = self.spec
        text = f"{spec.m}x{spec.n}x{spec.k} bias={spec.bias} act={spec.activation}"
        text += f" out={spec.result} ta={spec.transpose_a:d} tb={spec.transpose_b:d}"
        return f"{text} scale={spec.scale} seed={self.seed}"


def random_product(size: tuple[int, int, int], seed: int, config: str = "default") -> RandomProduct:
    """A product of this size with everything else drawn from `seed`.

    No bias of a single element: the core may spread it over a row, which commands do not show.
    """
    rng = random.Random(seed)
    wide = rng.random() < 0.25
    biases = (Bias.NONE, Bias.FULL, Bias.FULL if size[1] == 1 else Bias.ROW)
    spec = GemmSpec(
        *size,
        bias=rng.choice(biases),
        activation=Activation.NONE if wide else rng.choice((Activation.NONE, Activation.RELU)),
        scale=1.0 if wide else rng.choice(SCALES),
        result="i32" if wide else "i8",
        transpose_a=rng.random() < 0.25,
        transpose_b=rng.random() < 0.25,
    )
    return RandomProduct(spec, seed, config)


def check(product: RandomProduct) -> str | None:
    """Compile, run the commands in the checked simulator, compare; None or what is wrong."""
    config = load_config(product.config)
    module = build_gemm(product.spec)
    module.attributes[CONFIG_ATTRIBUTE] = ConfigAttr(config)
    context = make_context()
    try:
        annotate_arguments(module)
        for step in default_pipeline():
            step.apply(context, module)
        program = command_stream(module)
    except (DiagnosticException, TargetError) as error:
        return f"{product}: {' '.join(str(error).split())}"
    operands, expected = _operands(product)
    # What lies before and behind the result may not be written: nothing is mapped there.
    result = np.full(expected.shape, 0x5A, expected.dtype)
    simulator = Simulator(config, checked=True)
    remaining = iter(operands)
    for placement in program.placements:
        is_output = placement.argument.role == "output"
        simulator.map(placement.address, result if is_output else next(remaining))
    for constant in program.constants:
        simulator.map(constant.address, constant.contents)
    try:
        for item in program.items:
            if item is None:
                simulator.fence()
            else:
                simulator.command(item.funct, item.rs1, item.rs2)
    except SimulatorError as error:
        return f"{product}: {error}"
    wrong = np.argwhere(result != expected)
    if not len(wrong):
        return None
    return f"{product}: {len(wrong)} of {result.size} results are wrong, first at {wrong[0]}"


def _operands(product: RandomProduct) -> tuple[list[Array], Array]:
    """A, B and the bias as they lie in memory, and the result that numpy computes from them."""
    spec, rng = product.spec, np.random.default_rng(product.seed)
    m, n, k = spec.m, spec.n, spec.k
    a = rng.integers(-128, 128, (k, m) if spec.transpose_a else (m, k), np.int8)
    b = rng.integers(-128, 128, (n, k) if spec.transpose_b else (k, n), np.int8)
    operands: list[Array] = [a, b]
    left = (a.T if spec.transpose_a else a).astype(np.int64)
    right = (b.T if spec.transpose_b else b).astype(np.int64)
    total = left @ right
    if spec.bias != Bias.NONE:
        shape = (n,) if spec.bias == Bias.ROW else (m, n)
        span = int(rng.choice([100, 1 << 15, 1 << 30]))
        bias = rng.integers(-span, span, shape, np.int32)
        operands.append(bias)
        total = total + bias
    for array in operands:
        array.flags.writeable = False
    sums = total.astype(np.int32)
    if spec.result == "i32":
        return operands, sums
    if spec.activation == Activation.RELU:
        sums = np.maximum(sums, 0)
    scaled = np.rint(sums.astype(np.float32) * np.float32(spec.scale))
    return operands, np.clip(scaled, -128, 127).astype(np.int8)

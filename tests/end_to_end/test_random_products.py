"""Random products through the whole pipeline, emitted C and the simulator, against numpy."""

from __future__ import annotations

import random

import numpy as np
import pytest

from gemmini_xdsl.hardware import load_config, preset_names
from gemmini_xdsl.tools.compile import compile_module

PER_MODULE = 24
SEEDS = (1, 2, 3)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("preset", preset_names())
def test_random_products(preset, seed, build, products_module, random_product):
    """3 seeds of 24 products on each of 6 presets: 432 products."""
    config = load_config(preset)
    draw = random.Random(f"{preset} {seed}")
    products = [random_product(draw, config) for _ in range(PER_MODULE)]
    kernels = build(compile_module(products_module(preset, products)))
    rng = np.random.default_rng(seed)
    for number, product in enumerate(products):
        inputs = product.inputs(rng)
        expected = product.reference(inputs)
        got = kernels.run(f"f{number}", inputs, expected)
        wrong = np.argwhere(got != expected)
        assert wrong.size == 0, f"{product}: {len(wrong)} elements differ, first at {wrong[0]}"


def test_number_of_products():
    assert len(preset_names()) * len(SEEDS) * PER_MODULE >= 400

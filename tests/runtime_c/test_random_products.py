"""Random matrix products on every preset, instruction by instruction, against numpy."""

from __future__ import annotations

import zlib

import isa_encoder as isa
import numpy as np
import pytest
from isa_encoder import ACC, ACCUMULATE, FULL, GARBAGE

from gemmini_xdsl.hardware import GemminiConfig, load_config, preset_names
from gemmini_xdsl.runtime_c.simulator import Simulator

BASES = {"a": 0x10_0000, "b": 0x20_0000, "d": 0x30_0000, "c": 0x40_0000}


def requantise(sums, scale, relu):
    """The store path of the hardware in numpy's float32 arithmetic."""
    with np.errstate(all="ignore"):
        values = np.maximum(sums, 0) if relu else sums
        product = values.astype(np.float32) * np.float32(scale)
        rounded = np.where(np.isnan(product), 127, np.clip(np.rint(product), -128, 127))
    return rounded.astype(np.int8)


class Product:
    """One random C = A*B (+ D) with its expected result; operands as stored in DRAM."""

    def __init__(self, rng, config, *, transposes):
        limit = 3 * config.dim
        self.m, self.n, self.k = (int(x) for x in rng.integers(1, limit + 1, 3))
        self.ta, self.tb = transposes
        # Sums of 32 products wrap only if all of them are (-128)^2, which these seeds never draw.
        extreme = rng.random() < 0.3
        values = [-128, 127] if extreme else np.arange(-128, 128)
        a = rng.choice(values, (self.m, self.k)).astype(np.int8)
        b = rng.choice(values, (self.k, self.n)).astype(np.int8)
        self.relu = bool(rng.random() < 0.5)
        self.scale = float(np.float32(rng.choice([1.0, 0.003, -0.02, 0.5, 1e-4])))
        self.full = config.acc_read_full_width and bool(rng.random() < 0.4)
        self.bias = rng.integers(-(2**30), 2**30, (self.m, self.n), dtype=np.int32)
        if rng.random() < 0.5:
            self.bias //= 2**18
        sums = a.astype(np.int64) @ b.astype(np.int64) + self.bias
        self.expected = (
            sums.astype(np.int32) if self.full else requantise(sums, self.scale, self.relu)
        )
        self.a = np.ascontiguousarray(a.T if self.ta else a)
        self.b = np.ascontiguousarray(b.T if self.tb else b)
        self.c = np.zeros_like(self.expected)

    def map(self, sim):
        for name, array in (("a", self.a), ("b", self.b), ("d", self.bias), ("c", self.c)):
            array.flags.writeable = name == "c"
            sim.map(BASES[name], array)

    def stored_tile(self, name, row, col, rows, cols):
        """DRAM address, rows and columns of a tile of A or B as stored."""
        array, transpose = {"a": (self.a, self.ta), "b": (self.b, self.tb)}[name]
        if transpose:
            row, col, rows, cols = col, row, cols, rows
        return BASES[name] + row * array.shape[1] + col, rows, cols


def blocks(size, dim):
    return [(start, min(dim, size - start)) for start in range(0, size, dim)]


def commands(product, config, dataflow):
    """Explicit instructions, one tile at a time; OS drains after each tile, as WS does."""
    dim = config.dim
    acc_bytes = 4
    out_bytes = product.c.dtype.itemsize
    ws = dataflow == "ws"
    yield isa.config_ex(ws=ws, ta=product.ta, tb=product.tb)
    yield isa.config_ld(product.a.shape[1], id=0, block_stride=dim)
    yield isa.config_ld(product.b.shape[1], id=1, block_stride=dim)
    yield isa.config_ld(product.n * acc_bytes, id=2, block_stride=dim)
    yield isa.config_st(product.n * out_bytes, scale=product.scale, activation=int(product.relu))
    for i, rows in blocks(product.m, dim):
        for j, cols in blocks(product.n, dim):
            offset = i * product.n + j
            yield isa.mvin(BASES["d"] + offset * acc_bytes, ACC, rows, cols, id=2)
            # Deeper than `exact_depth` the array's registers could wrap.
            for k, depth in blocks(product.k, config.exact_depth):
                yield isa.mvin(*_at(product.stored_tile("a", i, k, rows, depth), 0), id=0)
                yield isa.mvin(*_at(product.stored_tile("b", k, j, depth, cols), dim), id=1)
                a, b, c = (rows, depth), (depth, cols), (rows, cols)
                stationary, moving = (dim, GARBAGE) if ws else (GARBAGE, dim)
                yield isa.preload(stationary, ACC | ACCUMULATE, shape=b if ws else c, c_shape=c)
                yield isa.compute(0, moving, a_shape=a, bd_shape=c if ws else b)
            source = ACC | (FULL if product.full else 0)
            yield isa.mvout(BASES["c"] + offset * out_bytes, source, rows, cols)


def _at(stored, local):
    address, rows, cols = stored
    return address, local, rows, cols


CASES = [
    (preset, dataflow, ta, tb)
    for preset in preset_names()
    for dataflow in ("ws", "os")
    if load_config(preset).supports_dataflow(dataflow)
    for ta in (False, True)
    for tb in (False, True)
    if (not (ta and tb) if dataflow == "ws" else ta or not tb)
]


@pytest.mark.parametrize(("preset", "dataflow", "ta", "tb"), CASES)
def test_random_products(preset, dataflow, ta, tb):
    config = load_config(preset)
    rng = np.random.default_rng(zlib.crc32(f"{preset} {dataflow} {ta} {tb}".encode()))
    sim = Simulator(config, checked=True)
    for _ in range(5):
        product = Product(rng, config, transposes=(ta, tb))
        sim.reset()
        sim.unmap_all()
        product.map(sim)
        for command in commands(product, config, dataflow):
            sim.command(*command)
        sim.fence()
        np.testing.assert_array_equal(product.c, product.expected)


CUSTOM = [
    GemminiConfig(name="dim_2", mesh_rows=2, mesh_columns=2, scratchpad_kib=4, accumulator_kib=4),
    GemminiConfig(name="dim_64", mesh_rows=64, mesh_columns=64, array_bits=24),
    GemminiConfig(name="tiles", mesh_rows=4, mesh_columns=4, tile_rows=2, tile_columns=2),
    GemminiConfig(name="narrow_sums", array_bits=18),
    GemminiConfig(name="wide_sums", array_bits=32, dma_max_bytes=128),
]


@pytest.mark.parametrize("config", CUSTOM, ids=lambda config: config.name)
@pytest.mark.parametrize("dataflow", ["ws", "os"])
def test_random_products_on_other_arrays(config, dataflow):
    rng = np.random.default_rng(zlib.crc32(f"{config.name} {dataflow}".encode()))
    for _ in range(5):
        sim = Simulator(config, checked=True)
        product = Product(rng, config, transposes=(False, False))
        product.map(sim)
        for command in commands(product, config, dataflow):
            sim.command(*command)
        np.testing.assert_array_equal(product.c, product.expected)


@pytest.mark.parametrize("preset", preset_names())
@pytest.mark.parametrize(("ta", "tb"), [(False, False), (True, False), (False, True)])
def test_random_loops(preset, ta, tb):
    """LOOP_WS over whole products, with pads and bias, twice in a row to use both slots."""
    config = load_config(preset)
    dim = config.dim
    rng = np.random.default_rng(zlib.crc32(f"{preset} loop {ta} {tb}".encode()))
    sim = Simulator(config, checked=True)
    for _ in range(4):
        product = Product(rng, config, transposes=(ta, tb))
        sim.reset()
        sim.unmap_all()
        product.map(sim)
        out_bytes = product.c.dtype.itemsize
        run = [
            isa.config_ex(ta=ta, tb=tb),
            isa.config_ld(product.a.shape[1], id=0, block_stride=dim),
            isa.config_ld(product.b.shape[1], id=1, block_stride=dim),
            isa.config_ld(product.n * 4, id=2, block_stride=dim),
            isa.config_st(product.n * out_bytes, scale=product.scale, activation=int(product.relu)),
        ]
        i, j, k = (-(-size // dim) for size in (product.m, product.n, product.k))
        run += 2 * isa.loop_ws(
            i,
            j,
            k,
            a=BASES["a"],
            b=BASES["b"],
            d=BASES["d"],
            c=BASES["c"],
            a_stride=product.a.shape[1],
            b_stride=product.b.shape[1],
            d_stride=product.n,
            c_stride=product.n,
            pad_i=-product.m % dim,
            pad_j=-product.n % dim,
            pad_k=-product.k % dim,
            accumulate=True,
            full_c=product.full,
            ta=ta,
            tb=tb,
        )
        for command in run:
            sim.command(*command)
        sim.fence()
        np.testing.assert_array_equal(product.c, product.expected)


def test_scales_against_numpy():
    """The integer implementation of float32 scaling, over all kinds of bit patterns."""
    rng = np.random.default_rng(7)
    config = load_config("default")
    sim = Simulator(config)
    dim = config.dim
    out = np.zeros((dim, dim), np.int8)
    sim.map(BASES["c"], out)
    for _ in range(1500):
        bits = int(rng.integers(0, 2**32))
        if rng.random() < 0.7:  # exponents that give results around the int8 range
            bits = bits & 0x807FFFFF | int(rng.integers(90, 135)) << 23
        if bits == isa.KEEP_SCALE:
            continue
        scale = np.array(bits, np.uint32).view(np.float32)[()]
        magnitude = rng.integers(0, 32, (dim, dim))
        values = rng.integers(-(2**31), 2**31, (dim, dim)) >> magnitude
        for row in range(dim):
            sim.write_accumulator(row, values[row])
        relu = bool(rng.random() < 0.5)
        sim.command(*isa.config_st(dim, scale=bits, activation=int(relu)))
        sim.command(*isa.mvout(BASES["c"], ACC, dim, dim))
        np.testing.assert_array_equal(out, requantise(values.astype(np.int32), scale, relu))


def test_mvin_scales_against_numpy():
    rng = np.random.default_rng(8)
    sim = Simulator(load_config("default"))
    source = np.arange(-128, 128, dtype=np.int8).reshape(4, 64)
    sim.map(BASES["a"], source)
    for _ in range(1500):
        bits = int(rng.integers(0, 2**32))
        if rng.random() < 0.7:
            bits = bits & 0x807FFFFF | int(rng.integers(110, 140)) << 23
        scale = np.array(bits, np.uint32).view(np.float32)[()]
        sim.command(*isa.config_ld(64, scale=bits))
        sim.command(*isa.mvin(BASES["a"], 0, 4, 64))
        rows = [[sim.read_scratchpad(16 * b + r) for b in range(4)] for r in range(4)]
        np.testing.assert_array_equal(
            np.array(rows).reshape(4, 64), requantise(source, scale, relu=False)
        )

"""Short command streams for the tests of the timing model."""

from __future__ import annotations

from collections.abc import Iterable

from gemmini_xdsl.hardware import GemminiConfig, load_config
from gemmini_xdsl.runtime_c.timing import TimingModel

CONFIG, MVIN2, MVIN, MVOUT, COMPUTE, COMPUTE_STAY, PRELOAD = range(7)
MVIN3 = 14

GARBAGE = 0xFFFFFFFF
ACC = 1 << 31
ACCUMULATE = ACC | 1 << 30
FULL = ACC | 1 << 29
DRAM = 0x8000_0000
ONE = 0x3F80_0000

Command = tuple[int, int, int]


def dims(local: int, rows: int = 16, cols: int = 16) -> int:
    """The operand `rows` x `cols` at a local address."""
    return rows << 48 | cols << 32 | local


def config_ex(*, ws: bool = True, a_transpose: bool = False, b_transpose: bool = False) -> Command:
    return (
        CONFIG,
        ONE << 32 | 1 << 16 | b_transpose << 9 | a_transpose << 8 | ws << 2,
        1 << 48,
    )


def config_ld(stride: int, state: int = 0, scale: int = ONE, shrink: bool = False) -> Command:
    return CONFIG, scale << 32 | 16 << 16 | state << 3 | shrink << 2 | 1, stride


def config_st(stride: int) -> Command:
    return CONFIG, 2, ONE << 32 | stride


def pair(
    a: int, b: int, c: int, *, rows: int = 16, d: int = GARBAGE, stay: bool = False
) -> list[Command]:
    """PRELOAD of `b` and COMPUTE of `a`, with `rows` rows of A and C."""
    return [
        (PRELOAD, dims(b), dims(c, rows)),
        (COMPUTE_STAY if stay else COMPUTE, dims(a, rows), dims(d)),
    ]


def model(config: GemminiConfig | None = None, *settings: Command) -> TimingModel:
    """A configured model whose data are in the L2."""
    result = TimingModel(config or load_config("default"))
    result.host_write(DRAM, 256 * 1024)
    for setting in settings or (config_ex(), config_ld(256), config_ld(256, 1), config_st(256)):
        result.configure(*setting)
    return result


def run(timing: TimingModel, commands: Iterable[Command], gap: int = 1) -> int:
    """Cycles from the first command until the accelerator is idle."""
    timing.restart()
    for command in commands:
        timing.command(gap, *command)
    return timing.fence()


def per_command(timing: TimingModel, one: list[list[Command]], few: int = 32) -> float:
    """Cycles per repetition in the steady state: the difference of two lengths."""
    first = run(timing, [c for n in range(few) for c in one[n % len(one)]])
    second = run(timing, [c for n in range(2 * few) for c in one[n % len(one)]])
    return (second - first) / few

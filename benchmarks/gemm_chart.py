"""The chart of `benchmarks/gemm.py`: how busy the array is, for each product and contender."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape

from gemm_measure import DEFAULT, FSM, LOOP_WS, TUNED
from gemm_report import Row

from gemmini_xdsl.hardware import GemminiConfig

_LEFT, _TOP, _PLOT, _LINE, _RIGHT = 190, 70, 560, 24, 30

_SERIES: tuple[tuple[str, str, Callable[[Row], float | None]], ...] = (
    ("bound", "#999999", lambda row: row.bound.cycles),
    ("library FSM (paper, fpga)", "#d68910", lambda row: row.figures.paper_fsm),
    ("tuned (paper, fpga)", "#8e44ad", lambda row: row.figures.paper_tuned),
    ("library FSM (rtl)", "#c0392b", lambda row: row.figures.rtl_fsm),
    ("library FSM (model)", "#e59890", lambda row: row.cycles(FSM)),
    ("best LOOP_WS (model)", "#34495e", lambda row: row.cycles(LOOP_WS)),
    ("tuned (model)", "#2e8b57", lambda row: row.cycles(TUNED)),
    ("default (model)", "#1b6ca8", lambda row: row.cycles(DEFAULT)),
)


def chart(rows: Sequence[Row], config: GemminiConfig) -> str:
    """An SVG with one line for each product and one mark for each contender."""
    width, bottom = _LEFT + _PLOT + _RIGHT, _TOP + _LINE * len(rows)
    height = bottom + 50

    def x(utilisation: float) -> float:
        return _LEFT + min(utilisation, 1.0) * _PLOT

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        'font-family="sans-serif" font-size="12">',
        f'<rect width="{width}" height="{height}" fill="white"/>',
    ]
    for percent in range(0, 101, 10):
        at = x(percent / 100)
        parts.append(
            f'<line x1="{at}" y1="{_TOP}" x2="{at}" y2="{bottom}" stroke="#eee"/>'
            f'<text x="{at}" y="{bottom + 18}" text-anchor="middle">{percent} %</text>'
        )
    parts.append(
        f'<text x="{_LEFT + _PLOT / 2}" y="{bottom + 40}" text-anchor="middle">'
        "cycles in which the array works (blocks at the edges count as full)</text>"
    )
    parts += _legend()
    for index, row in enumerate(rows):
        y = _TOP + _LINE * (index + 0.5)
        parts.append(
            f'<text x="{_LEFT - 10}" y="{y + 4}" text-anchor="end">{escape(row.case.name)}</text>'
            f'<line x1="{_LEFT}" y1="{y}" x2="{_LEFT + _PLOT}" y2="{y}" stroke="#eee"/>'
        )
        for name, colour, cycles in _SERIES:
            utilisation = row.utilisation(cycles(row), config)
            if utilisation is not None:
                parts.append(_mark(name, colour, x(utilisation), y))
    return "\n".join([*parts, "</svg>"]) + "\n"


def _mark(name: str, colour: str, x: float, y: float) -> str:
    if name == "bound":
        return (
            f'<line x1="{x:.1f}" y1="{y - 9}" x2="{x:.1f}" y2="{y + 9}" '
            f'stroke="{colour}" stroke-width="2"/>'
        )
    radius = 5 if name == "default (model)" else 4
    return f'<circle cx="{x:.1f}" cy="{y}" r="{radius}" fill="{colour}" fill-opacity="0.8"/>'


def _legend() -> list[str]:
    parts = []
    columns = 4
    for index, (name, colour, _) in enumerate(reversed(_SERIES)):
        x = 20 + index % columns * (_LEFT + _PLOT) / columns
        y = 20 + index // columns * 20
        parts.append(_mark(name, colour, x, y) + f'<text x="{x + 10}" y="{y + 4}">{name}</text>')
    return parts

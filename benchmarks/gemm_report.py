"""Tables of `benchmarks/gemm.py`: on the terminal, as CSV and JSON, and the page of the docs."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gemm_cases import PAPER_MHZ, Case, Figures, figures_of
from gemm_measure import DEFAULT, FSM, LOOP_WS, TUNED, VARIANTS, Measurement

from gemmini_xdsl.hardware import GemminiConfig
from gemmini_xdsl.passes.lower_bound import LowerBound, lower_bound
from gemmini_xdsl.passes.schedule_rules import Problem

BOUND_FACTOR, BOUND_SLACK = 1.05, 450
TUNED_FACTOR = 1.05
MAX_CODE_BYTES = 12 * 1024


@dataclass(frozen=True)
class Row:
    """All about one product."""

    case: Case
    figures: Figures
    bound: LowerBound
    pairs: int
    measured: Mapping[str, Measurement]

    @staticmethod
    def of(case: Case, config: GemminiConfig, measured: Mapping[str, Measurement | None]) -> Row:
        """Put what was measured beside the figures and the bound."""
        problem = Problem(case.m, case.n, case.k, has_bias=case.bias != "none")
        m, n, k = problem.blocks(config)
        return Row(
            case,
            figures_of(case),
            lower_bound(problem, config, case.bias),
            m * n * k,
            {name: found for name, found in measured.items() if found is not None},
        )

    def cycles(self, variant: str) -> int | None:
        """Modelled cycles of a variant, if it has a schedule and gave the right result."""
        found = self.measured.get(variant)
        return None if found is None or found.problem is not None else found.cycles

    @property
    def problems(self) -> list[str]:
        """What went wrong, one line each."""
        return [
            f"{self.case.name}, {variant}: {found.problem}"
            for variant, found in self.measured.items()
            if found.problem is not None
        ]

    def utilisation(self, cycles: float | None, config: GemminiConfig) -> float | None:
        """The part of `cycles` in which the array works, blocks at the edges counted as full."""
        return None if cycles is None else self.pairs * config.dim / cycles

    def verdicts(self) -> dict[str, bool]:
        """Whether the default schedule keeps each promise that can be judged."""
        ours = self.cycles(DEFAULT)
        if ours is None:
            return {"correct": False}
        result = {"correct": not self.problems}
        if self.figures.target is not None:
            result["target"] = ours <= self.figures.target
        result["bound"] = ours <= BOUND_FACTOR * self.bound.cycles + BOUND_SLACK
        for variant, factor in ((FSM, 1.0), (LOOP_WS, 1.0), (TUNED, TUNED_FACTOR)):
            rival = self.cycles(variant)
            if rival is not None:
                result[variant] = ours <= factor * rival
        result["code"] = self.measured[DEFAULT].code_bytes < MAX_CODE_BYTES
        return result

    def to_dict(self) -> dict[str, Any]:
        """Everything, for programs; cycles say their source in their name."""
        result: dict[str, Any] = {"m": self.case.m, "n": self.case.n, "k": self.case.k}
        result["bias"] = self.case.bias
        for variant in VARIANTS:
            result[f"model_{variant}"] = self.cycles(variant)
        result["rtl_fsm"] = self.figures.rtl_fsm
        result["paper_tuned_fpga"] = self.figures.paper_tuned
        result["paper_fsm_fpga"] = self.figures.paper_fsm
        result["bound"] = round(self.bound.cycles)
        result["target"] = self.figures.target
        ours = self.cycles(DEFAULT)
        result["gops"] = None if ours is None else round(self.case.gops(ours), 2)
        for name, value in self.ratios().items():
            result[f"ratio_to_{name}"] = value
        found = self.measured.get(DEFAULT, Measurement())
        result["code_bytes"] = found.code_bytes
        result["operations"] = found.operations
        result["compile_seconds"] = round(found.compile_seconds, 3)
        result["commands"] = found.commands
        result["instructions"] = found.instructions
        for variant in VARIANTS:
            measured = self.measured.get(variant)
            result[f"schedule_{variant}"] = None if measured is None else measured.schedule
        verdicts = self.verdicts()
        result["missed"] = ",".join(name for name, kept in verdicts.items() if not kept)
        return result

    def ratios(self) -> dict[str, float | None]:
        """Our default cycles over those of each rival; below 1 is faster."""
        ours = self.cycles(DEFAULT)
        rivals = {
            "bound": self.bound.cycles,
            "fsm": self.cycles(FSM),
            "loop_ws": self.cycles(LOOP_WS),
            "tuned": self.cycles(TUNED),
            "rtl_fsm": self.figures.rtl_fsm,
            "paper": self.figures.paper_tuned,
        }
        return {
            name: round(ours / rival, 3) if ours is not None and rival else None
            for name, rival in rivals.items()
        }


COLUMNS = (
    "MxNxK",
    "bias",
    "default (model)",
    "tuned (model)",
    "FSM (model)",
    "best LOOP_WS (model)",
    "FSM (rtl)",
    "tuned (paper, fpga)",
    "FSM (paper, fpga)",
    "bound",
    "target",
    f"GOPs at {PAPER_MHZ} MHz",
    "/ bound",
    "/ FSM",
    "/ best LOOP_WS",
    "/ tuned",
    "/ FSM (rtl)",
    "/ paper",
    "code B",
    "IR ops",
    "compile s",
    "missed",
)


def cells(row: Row) -> list[str]:
    """The row as texts, one for each of `COLUMNS`."""
    values = row.to_dict()
    numbers = [values[f"model_{variant}"] for variant in VARIANTS]
    numbers += [values[key] for key in ("rtl_fsm", "paper_tuned_fpga", "paper_fsm_fpga")]
    numbers += [values["bound"], values["target"]]
    ratios = row.ratios()
    order = ("bound", "fsm", "loop_ws", "tuned", "rtl_fsm", "paper")
    return [
        row.case.size,
        row.case.bias,
        *("-" if number is None else f"{number:,}" for number in numbers),
        "-" if values["gops"] is None else f"{values['gops']:.2f}",
        *("-" if ratios[name] is None else f"{ratios[name]:.3f}" for name in order),
        f"{values['code_bytes']:,}",
        f"{values['operations']}",
        f"{values['compile_seconds']:.2f}",
        values["missed"].replace(",", ", ") or "none",
    ]


def print_table(rows: Iterable[Row]) -> None:
    """The table on standard output."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    console = Console()
    if not console.is_terminal:
        console = Console(width=320)
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for name in COLUMNS:
        textual = name in ("MxNxK", "bias", "missed")
        table.add_column(name, justify="left" if textual else "right", no_wrap=textual)
    for row in rows:
        table.add_row(*cells(row))
    console.print(table)


def to_csv(rows: Iterable[Row]) -> str:
    """One line for each product."""
    records = [row.to_dict() for row in rows]
    text = io.StringIO()
    writer = csv.DictWriter(text, list(records[0]) if records else [], lineterminator="\n")
    writer.writeheader()
    writer.writerows(records)
    return text.getvalue()


def to_json(rows: Iterable[Row]) -> str:
    """A list of objects."""
    return json.dumps([row.to_dict() for row in rows], indent=2) + "\n"


def summary(rows: Sequence[Row]) -> str:
    """How many rows keep each promise."""
    counts: dict[str, list[int]] = {}
    for row in rows:
        for name, kept in row.verdicts().items():
            entry = counts.setdefault(name, [0, 0])
            entry[0] += kept
            entry[1] += 1
    return ", ".join(f"{name} {kept} of {total}" for name, (kept, total) in counts.items())


_VERDICTS = (
    "`correct`: the results of every schedule named equal numpy's, bit by bit; `target`: cycles of "
    f"the target; `bound`: at most {BOUND_FACTOR} x bound + {BOUND_SLACK}; `fsm`, `loop_ws`: not "
    "slower than the library's or the best LOOP_WS schedule; `tuned`: within 5 % of the tuned "
    f"record; `code`: less than {MAX_CODE_BYTES // 1024} KiB of machine code"
)


def page(rows: Sequence[Row], chart: str) -> str:
    """The documentation page."""

    def table(indices: Sequence[int]) -> str:
        lines = [
            "| " + " | ".join(COLUMNS[i] for i in indices) + " |",
            "|" + "---|" * len(indices),
        ]
        for row in rows:
            texts = cells(row)
            lines.append("| " + " | ".join(texts[i] for i in indices) + " |")
        return "\n".join(lines)

    split = COLUMNS.index("/ bound")
    sections = [
        "# How fast are matrix products?",
        "This page is written by `benchmarks/gemm.py` (`make gemm`). All products take int8 and "
        "give int8 by a scale and ReLU. Cycles are those of one call, including configuration and "
        "final fence, and come from the timing model (`model`) unless their column names another "
        "source: `rtl` are recordings of the real RTL, `paper, fpga` published throughputs. A "
        "modelled figure is the second call of a RISC-V program in the emulated hart, so that "
        "code and operands are in the caches and the core's instructions count; the program "
        "compares its result with numpy's. [accuracy.md](accuracy.md) says how far the model is "
        "from the RTL.",
        "* default: the heuristic's schedule, without any record of tuning\n"
        "* tuned: the shipped record, where there is one for the product\n"
        "* FSM: the tiles that Gemmini's C library chooses, by the hardware's LOOP_WS, without the "
        "library's search at run time. Where the library reuses operands between tiles, which our "
        "lowering does not, it is a stream of commands at a constant pace instead of a program\n"
        "* best LOOP_WS: the fastest LOOP_WS schedule that a search on the model finds\n"
        "* bound: what the slowest of array, loads and stores needs, and a start of typical length "
        "(`passes/lower_bound.py`)",
        f"![Utilisation by product]({chart})",
        "## Cycles",
        table(range(split)),
        "## Ratios, code, and promises missed",
        f"Ratios are default cycles over the rival's: below 1 is faster. Promises: {_VERDICTS}. "
        f"Kept: {summary(rows)}.",
        table([0, 1, *range(split, len(COLUMNS))]),
        "## Schedules",
        "\n".join(
            f"* {row.case.name}: "
            + "; ".join(
                f"{variant} `{row.measured[variant].schedule}`"
                for variant in VARIANTS
                if variant in row.measured
            )
            for row in rows
        ),
    ]
    return "\n\n".join(sections) + "\n"

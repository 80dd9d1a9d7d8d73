"""How fast are matrix products, beside the library's FSM, the paper and the bound?

    python benchmarks/gemm.py                      # the whole list
    python benchmarks/gemm.py 100x60x200 64x64x64  # these sizes (M x N x K)
    python benchmarks/gemm.py --random 20 --seed 1 # random sizes
    python benchmarks/gemm.py --random 300 --check-only

Cycles come from the timing model by way of a RISC-V program in the emulated hart: the second call
of the kernel in one program, with its configuration and final fence. The program compares its
result with numpy's. `--check-only` measures nothing: it checks results in the simulator, with
random transposes, biases, activations and result types, instruction by instruction.

Ends with status 1 if a result is wrong, and with `--strict` also if a promise is missed.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path
from typing import TypeVar

from gemm_cases import BIASES, Case, listed_sizes, parse_size, random_sizes
from gemm_chart import chart
from gemm_check import check, random_product
from gemm_measure import LOOP_WS, VARIANTS, Job, Measurement, measure
from gemm_report import Row, page, print_table, summary, to_csv, to_json

from gemmini_xdsl.hardware import ConfigError, load_config

PAGE = Path(__file__).parent.parent / "docs" / "gemm.md"

Item = TypeVar("Item")
Result = TypeVar("Result")


def in_pool(
    function: Callable[[Item], Result],
    items: Sequence[Item],
    jobs: int,
    describe: Callable[[Item], str],
) -> list[Result]:
    """`function` of every item, in order, computed by `jobs` processes with a progress bar."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.description}"),
    )
    console = Console(stderr=True)
    with (
        Progress(*columns, console=console, disable=not console.is_terminal) as progress,
        # Forked processes would inherit the display's lock.
        ProcessPoolExecutor(jobs, get_context("spawn")) as pool,
    ):
        bar = progress.add_task("", total=len(items))
        waiting = {pool.submit(function, item): position for position, item in enumerate(items)}
        results: dict[int, Result] = {}
        try:
            for future in as_completed(waiting):
                position = waiting[future]
                results[position] = future.result()
                progress.update(bar, advance=1, description=f"{describe(items[position])} done")
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return [results[position] for position in range(len(items))]


def benchmark(
    cases: Iterable[Case], variants: Sequence[str], options: argparse.Namespace
) -> list[Row]:
    """Measure all variants of all cases."""
    cases = list(cases)
    pending = [
        Job(case, variant, options.config, options.log) for case in cases for variant in variants
    ]
    # The longest first, so that none is left alone at the end.
    pending.sort(key=lambda job: job.case.operations, reverse=True)
    found = in_pool(measure, pending, options.jobs, lambda job: f"{job.case.name}, {job.variant}")
    results: dict[Case, dict[str, Measurement | None]] = {case: {} for case in cases}
    for job, measurement in zip(pending, found, strict=True):
        results[job.case][job.variant] = measurement
    config = load_config(options.config)
    return [Row.of(case, config, results[case]) for case in dict.fromkeys(cases)]


def check_only(options: argparse.Namespace) -> int:
    """Check random products; the exit code."""
    products = [
        random_product(size, options.seed * 1_000_003 + number, options.config)
        for number, size in enumerate(random_sizes(options.random, options.seed))
    ]
    problems = in_pool(check, products, options.jobs, str)
    for problem in filter(None, problems):
        print(f"error: {problem}", file=sys.stderr)
    wrong = sum(problem is not None for problem in problems)
    print(f"{len(products) - wrong} of {len(products)} random products are bit-exact")
    return 1 if wrong else 0


def parse_options() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("sizes", nargs="*", metavar="MxNxK", help="default: the whole list")
    parser.add_argument("--bias", choices=BIASES, action="append", help="default: none and row")
    parser.add_argument("--random", type=int, default=0, metavar="N", help="N random sizes")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--check-only", action="store_true", help="check random products")
    parser.add_argument("--config", default="default", metavar="NAME|FILE")
    parser.add_argument("--log", default="shipped", help="tuning log of the tuned column")
    parser.add_argument("--jobs", type=int, default=2, help="processes (default 2)")
    parser.add_argument(
        "--no-loop-ws", action="store_true", help="do not search for the best LOOP_WS schedule"
    )
    parser.add_argument("--csv", type=Path, metavar="FILE")
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.add_argument("--chart", type=Path, metavar="FILE.svg")
    parser.add_argument(
        "--page", type=Path, metavar="FILE.md", nargs="?", const=PAGE, help="default: docs/gemm.md"
    )
    parser.add_argument("--strict", action="store_true", help="fail if a promise is missed")
    options = parser.parse_args()
    if options.jobs < 1 or options.random < 0:
        parser.error("--jobs must be at least 1, and --random not negative")
    if options.check_only and (options.sizes or not options.random):
        parser.error("--check-only checks random products: give --random N and no sizes")
    if options.page and not options.chart:
        options.chart = options.page.with_suffix(".svg")
    try:
        options.sizes = [parse_size(text) for text in options.sizes]
        load_config(options.config)
    except (ValueError, ConfigError) as error:
        parser.error(str(error))
    return options


def main() -> int:
    """Run what the command line asks for; return the exit code."""
    options = parse_options()
    if options.check_only:
        return check_only(options)
    sizes = options.sizes + list(random_sizes(options.random, options.seed))
    biases = options.bias or ["none", "row"]
    cases = [Case(m, n, k, bias) for m, n, k in sizes or listed_sizes() for bias in biases]
    variants = [name for name in VARIANTS if name != LOOP_WS or not options.no_loop_ws]
    rows = benchmark(cases, variants, options)
    print_table(rows)
    print(f"kept: {summary(rows)}")
    outputs: dict[Path | None, Callable[[], str]] = {
        options.csv: lambda: to_csv(rows),
        options.json: lambda: to_json(rows),
        options.chart: lambda: chart(rows, load_config(options.config)),
        options.page: lambda: page(rows, options.chart.name),
    }
    for path, text in outputs.items():
        if path is not None:
            path.write_text(text())
    problems = [problem for row in rows for problem in row.problems]
    for problem in problems:
        print(f"error: {problem}", file=sys.stderr)
    missed = options.strict and not all(all(row.verdicts().values()) for row in rows)
    return 1 if problems or missed else 0


if __name__ == "__main__":
    sys.exit(main())

"""`gemmini tune`: search for the fastest schedule of every product of a module."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field, replace
from math import ceil
from pathlib import Path
from typing import Any

from xdsl.utils.exceptions import DiagnosticException

from gemmini_xdsl.dialects.attributes import Schedule, ScheduleAttr
from gemmini_xdsl.dialects.config_lookup import module_config
from gemmini_xdsl.dialects.matmul import MatmulOp
from gemmini_xdsl.hardware import ConfigError
from gemmini_xdsl.passes.gemmini_assign_schedule import GemminiAssignSchedulePass
from gemmini_xdsl.passes.pipelines import default_pipeline, set_config
from gemmini_xdsl.tools.errors import GemminiError, UsageError
from gemmini_xdsl.tools.inputs import describe, load_input, make_context
from gemmini_xdsl.tools.tune_machines import MachineOptions, find_machine
from gemmini_xdsl.tvm_bridge.autotvm.errors import TuningError
from gemmini_xdsl.tvm_bridge.autotvm.gemm_space import gemm_space, schedules_beside_space
from gemmini_xdsl.tvm_bridge.autotvm.history import nearest_schedules, shipped_history
from gemmini_xdsl.tvm_bridge.autotvm.local import TIMEOUT_SECONDS, LocalExecutor
from gemmini_xdsl.tvm_bridge.autotvm.measure import Executor
from gemmini_xdsl.tvm_bridge.autotvm.records import Record, RecordLog, read_records
from gemmini_xdsl.tvm_bridge.autotvm.schedule_knobs import schedule_of
from gemmini_xdsl.tvm_bridge.autotvm.session import Outcome, Progress, tune
from gemmini_xdsl.tvm_bridge.autotvm.task import GemmTask, Workload
from gemmini_xdsl.tvm_bridge.autotvm.tuners import TUNERS, make_tuner


@dataclass(frozen=True)
class TuneOptions:
    """How to tune.

    `tuners` are run one after the other, `trials` each, for up to `time_limit` seconds. `tracker`
    and `key` name TVM RPC servers to measure on; without them `machine` does, in `jobs` processes
    (default: one for each core).
    `transfer` are logs whose records the cost model learns from first.
    """

    config: str | None = None
    trials: int = 200
    tuners: tuple[str, ...] = ("xgb",)
    early_stopping: int | None = None
    time_limit: float | None = None
    jobs: int | None = None
    seed: int = 0
    timeout: float = TIMEOUT_SECONDS
    machine: MachineOptions = field(default_factory=MachineOptions)
    resume: bool = False
    transfer: tuple[Path, ...] = ()
    tracker: str | None = None
    key: str | None = None


@dataclass(frozen=True)
class Tuned:
    """The result for one workload and tuner; times are those of the configuration's clock."""

    workload: Workload
    tuner: str
    device: str
    schedule: str
    seconds: float
    cycles: int
    gops: float
    trial: int
    trials: int
    resumed: int
    errors: int
    valid_points: int
    distinct_points: int
    trials_per_second: float
    outcome: Outcome = field(repr=False)

    def to_json(self) -> dict[str, Any]:
        """What `--json` prints of it; the best schedule is always a verified one."""
        values = {
            name: getattr(self, name)
            for name in self.__dataclass_fields__
            if name not in ("outcome", "workload")
        }
        return {**asdict(self.workload), **values, "verified": True}


Watcher = Callable[[GemmTask, str, Progress], None]


def tune_input(
    source: str,
    log_path: Path,
    options: TuneOptions | None = None,
    watcher: Watcher = lambda task, tuner, progress: None,
) -> list[Tuned]:
    """Tune every product of a file or a shorthand, and append all trials to `log_path`.

    Raises `GemminiError`.
    """
    options = options or TuneOptions()
    _check(options)
    tasks = products(source, options.config)
    try:
        with ExitStack() as stack:
            # Whatever can be wrong is looked at before the first trial.
            history = [record for path in options.transfer for record in read_records(path)]
            earlier = read_records(log_path) if options.resume and log_path.exists() else []
            executor, device = _executor(options)
            stack.callback(executor.close)
            if isinstance(executor, LocalExecutor):
                # They get ready while spaces are laid out.
                executor.start(options.trials)
            log = stack.enter_context(RecordLog(log_path))
            return [
                _tune(task, name, executor, log, earlier, history, options, watcher)
                for task in (replace(task, device=device) for task in tasks)
                for name in options.tuners
            ]
    except TuningError as error:
        raise GemminiError(str(error)) from None


def products(source: str, config: str | None = None) -> list[GemmTask]:
    """The different products of a module that the accelerator would execute, in order."""
    context = make_context()
    loaded = load_input(source, context)
    module = loaded.module
    try:
        if config is not None:
            set_config(module, config)
        for step in default_pipeline():
            if step.name == GemminiAssignSchedulePass.name:
                break
            step.apply(context, module)
        tasks = [
            GemmTask(Workload.of(op), module_config(op))
            for op in module.walk()
            if isinstance(op, MatmulOp)
        ]
    except (DiagnosticException, ConfigError) as error:
        raise GemminiError(f"{loaded.name}: {describe(error)}") from None
    if not tasks:
        raise GemminiError(f"{source}: there is no matrix product to tune")
    return list(dict.fromkeys(tasks))


def _check(options: TuneOptions) -> None:
    unknown = [name for name in options.tuners if name not in TUNERS]
    if unknown or not options.tuners:
        raise UsageError(f"unknown tuner '{', '.join(unknown)}'; tuners are {', '.join(TUNERS)}")
    if options.resume and len(options.tuners) > 1:
        raise UsageError("--resume continues one run; give one tuner")
    if (options.tracker is None) != (options.key is None):
        raise UsageError("--tracker and --key belong together")
    if options.tracker is not None and options.machine != MachineOptions():
        raise UsageError(
            "--builder, --runner, --tty and --host-gap are for this machine; with --tracker the "
            "servers have their own"
        )


def _executor(options: TuneOptions) -> tuple[Executor, str]:
    """What measures trials, and its name in records."""
    if options.tracker is not None and options.key is not None:
        try:
            from gemmini_xdsl.tvm_bridge.autotvm.rpc import RPCExecutor, parse_address

            address = parse_address(options.tracker)
            seconds = ceil(options.timeout)
            return RPCExecutor(
                address, options.key, session_timeout=seconds, servers=options.jobs
            ), options.key
        except ImportError as error:
            raise GemminiError(
                f"--tracker needs TVM: pip install 'gemmini-xdsl[tvm]' ({error})"
            ) from None
    machine = find_machine(options.machine, options.timeout)
    if machine.jobs is not None and (options.jobs or 0) > machine.jobs:
        raise UsageError(f"--jobs: {machine.device} measures {machine.jobs} at a time")
    timeout = options.timeout + machine.grace
    jobs = options.jobs or machine.jobs
    return LocalExecutor(machine.builder, machine.runner, jobs, timeout), machine.device


def _tune(
    task: GemmTask,
    name: str,
    executor: Executor,
    log: RecordLog,
    earlier: Sequence[Record],
    history: Sequence[Record],
    options: TuneOptions,
    watcher: Watcher,
) -> Tuned:
    space = gemm_space(task.workload.problem, task.config)
    if not len(space.distinct):
        raise TuningError(
            f"{task.workload.size}: config '{task.config.name}' cannot execute this product"
        )
    tuner = make_tuner(name, task, space, options.seed)
    tuner.load_history(
        [
            (GemmTask(record.workload, task.config), record)
            for record in history
            if record.digest == task.config.digest and record.workload != task.workload
        ]
    )
    tuner.suggest(_known_schedules(task, history))
    same = [
        record
        for record in earlier
        if record.digest == task.config.digest
        and record.workload == task.workload
        and record.device == task.device
    ]
    for record in same:
        try:
            schedule_of(record.values)
        except TuningError as error:
            raise TuningError(f"{log.path}: {error}") from None
    outcome = tune(
        tuner,
        executor,
        options.trials,
        early_stopping=options.early_stopping,
        seconds=options.time_limit,
        log=log,
        earlier=same,
        callback=lambda progress: watcher(task, name, progress),
        beside=schedules_beside_space(task.workload.problem, task.config),
    )
    best, progress = outcome.best, outcome.progress
    return Tuned(
        task.workload,
        name,
        task.device,
        str(ScheduleAttr(best.schedule)),
        best.seconds,
        round(task.cycles(best.seconds)),
        task.gops(best.seconds),
        best.trial,
        progress.done,
        progress.resumed,
        progress.errors,
        space.valid_count,
        len(space.distinct),
        progress.rate,
        outcome,
    )


def _known_schedules(task: GemmTask, history: Sequence[Record]) -> list[Schedule]:
    """What the package has for this product, and the best of the nearest sizes.

    The latter are those of `history`, if there is one.
    """
    shipped = shipped_history()
    own = shipped.query(task.workload, task.config, exact_only=True)
    others = nearest_schedules(task.workload, task.config, history or shipped.records())
    return [*([own.schedule] if own is not None else []), *others]


def to_json(results: Sequence[Tuned], log_path: Path) -> str:
    """What `gemmini tune --json` prints."""
    listed = [result.to_json() for result in results]
    return json.dumps({"log": str(log_path), "workloads": listed}, indent=2)

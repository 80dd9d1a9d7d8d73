"""List scheduling: an order of instructions in which every unit of the accelerator keeps busy.

The scheduler plays the accelerator: one DMA engine loads, the array multiplies, one engine stores.
Whenever the loader is free, it takes the load that lets the array go on most; whenever the array
is free, it takes the first product of the program whose operands are there and in banks that are
not being written. The planned times give the order in which the core has to send the instructions,
since the front end takes them in order and each partition of the reservation station holds few
(microarchitecture, section 2).
"""

from __future__ import annotations

from bisect import insort
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum
from math import inf, log2
from operator import attrgetter
from typing import NamedTuple

from gemmini_xdsl.hardware import GemminiConfig
from gemmini_xdsl.passes.instruction_costs import LOAD_START, OPERAND_LATENCY, InstructionCosts

LOOKAHEAD = 48
"""Products that are looked at for the next place in the array."""

MARGIN = 12.0
"""Cycles by which the plan may be wrong about when a load writes a bank."""

STORE_LEAD = 2.5
"""Pairs between sending a store and its start."""

FRAGILITY = 1.015
"""How much faster a plan must be that changes banks more often."""

WORTH_STEPS = 4
"""Steps of the worth of a load to a factor of two."""

MAX_WORTH = 1 << 16


class Unit(Enum):
    """What executes a task."""

    LOAD = "load"
    ARRAY = "array"
    STORE = "store"


@dataclass(eq=False, slots=True)
class Task:
    """Instructions that stay together.

    `moving` and `stationary` are the scratchpad banks that the array reads, `writes` the one that
    a load writes (None: the accumulator). `banks` are the accumulator banks that products write
    or a store reads, `sums` the blocks of the accumulator that a product or a load writes: the
    reservation station lets one at a time. A task starts when all of `after` are done.
    """

    number: int
    unit: Unit
    cycles: float
    after: list[Task] = field(default_factory=list)
    before: list[Task] = field(default_factory=list)
    moving: frozenset[int] = frozenset()
    stationary: frozenset[int] = frozenset()
    writes: int | None = None
    banks: frozenset[int] = frozenset()
    sums: set[int] = field(default_factory=set)
    start: float = -1.0
    done: float = -1.0
    blocked: int = 0
    """How many of `after` have no time yet."""
    missing: int = 0
    """How many of these are loads."""
    worth: int | None = None
    """Of a load: see `_Plan._worth`; None if that has changed."""
    kind: int = 0
    """Of a product: the number of all those that use the same banks for the same time."""
    loaded: float = 0.0
    computed: float = 0.0
    """Of a product that is not blocked: when its operands are there, and the products before it."""
    settled: float = inf
    """When a product waits for nothing but the array and its banks, or earlier if not `final`."""
    final: bool = True
    """Whether no store that a product waits for can be delayed any more."""

    @property
    def placed(self) -> bool:
        """Whether the task has its time."""
        return self.done >= 0

    @property
    def ready_at(self) -> float:
        """When everything that the task waits for is done, once all of that is placed."""
        return max((task.done for task in self.after), default=0.0)


def depend(later: Task, earlier: Task) -> None:
    """Let `later` wait for `earlier`."""
    if later is not earlier and earlier not in later.after:
        later.after.append(earlier)
        earlier.before.append(later)


def list_schedule(tasks: Sequence[Task], config: GemminiConfig) -> list[Task]:
    """The tasks in the order in which the core should send them."""
    plan = _best_plan(tasks, config)
    leads = _Leads.of(config)
    times: dict[Task, float] = {}
    for task in plan.order:
        # Never before what it depends on: hazards are resolved in the order of the program.
        sent = leads.sending_time(task, plan.starts[task])
        times[task] = max([sent, *(times[earlier] for earlier in task.after)])
    return sorted(plan.order, key=times.__getitem__)


def _best_plan(tasks: Sequence[Task], config: GemminiConfig) -> _Plan:
    """A plan that keeps the array on its banks, unless one that does not is much faster.

    The second kind loses more where the accelerator does not follow the plan to the cycle.
    """
    steady = _Plan(tasks, config, steady=True)
    steady_cycles = steady.run()
    free = _Plan(tasks, config, steady=False)
    return free if free.run() * FRAGILITY < steady_cycles else steady


@dataclass(frozen=True)
class _Leads:
    """How long before its start an instruction should be sent."""

    load: float
    array: float
    store: float

    @staticmethod
    def of(config: GemminiConfig) -> _Leads:
        """A wide load ahead of a load, and as many pairs as fit their partition but one.

        A partition of products holds half as many pairs as entries. A store is sent when its
        results are about to leave the array.
        """
        pairs = max(1, config.execute_entries // 2 - 1)
        wide = config.dim * config.dma_max_bytes * 8 / config.dma_bus_bits
        return _Leads(wide, pairs * config.dim, STORE_LEAD * config.dim)

    def sending_time(self, task: Task, start: float) -> float:
        """When `task`, which is to start then, should be sent, in the plan's time."""
        match task.unit:
            case Unit.LOAD:
                return start - self.load
            case Unit.ARRAY:
                return start - self.array
            case Unit.STORE:
                return start - self.store


_BY_NUMBER = attrgetter("number")


class _Arrival(NamedTuple):
    """When a load may write a scratchpad bank, and when it is done according to the plan."""

    begins: float
    ends: float
    bank: int
    done: float


class _Plan:
    """Times for all tasks, found by playing the accelerator from start to end."""

    def __init__(self, tasks: Sequence[Task], config: GemminiConfig, *, steady: bool):
        costs = InstructionCosts(config)
        self.pair, self.result_latency = costs.pair, costs.result_latency
        self.tasks = tasks
        self.steady = steady
        self.starts: dict[Task, float] = {}

    def _restart(self) -> None:
        self.loads: list[Task] = []
        self.products: list[Task] = []
        self.stores: list[Task] = []
        self.load_free = self.array_free = self.store_free = 0.0
        self.order: list[Task] = []
        self.last_product: Task | None = None
        self.read_until: dict[int | None, float] = {}
        self.added_until: dict[int, float] = {}
        self.sum_loads: dict[int, Task] = {}
        self.sum_done: dict[int, float] = {}
        self.arrivals: deque[_Arrival] = deque()
        self.last_sum_loads: list[Task] = []
        self.last_stores: list[Task] = []
        self.ready: Counter[tuple[frozenset[int], frozenset[int]]] = Counter()
        self.undisturbed: dict[tuple[int, float], float] = {}
        waiting = {Unit.LOAD: self.loads, Unit.STORE: self.stores}
        kinds: dict[object, int] = {}
        for task in self.tasks:
            task.start = task.done = -1.0
            task.worth = None
            task.blocked = len(task.after)
            task.missing = sum(t.unit is Unit.LOAD for t in task.after)
            if task.unit is Unit.ARRAY:
                uses = (task.moving, task.stationary, task.banks, task.cycles)
                task.kind = kinds.setdefault(uses, len(kinds))
                if not task.blocked:
                    self._open(task)
            else:
                waiting[task.unit].append(task)

    def run(self) -> float:
        """Give every task its time; the time at which all are done."""
        self._restart()
        while len(self.order) < len(self.tasks):
            load, product = self._next_load(), self._next_product()
            if load is not None and (product is None or self._loads_first(product)):
                self._place_load(load)
            elif product is not None:
                self._place_product(product)
            else:
                self._place_store()
        # The next plan gives the tasks other times.
        self.starts = {task: task.start for task in self.tasks}
        return max((task.done for task in self.tasks), default=0.0)

    def _place(self, task: Task) -> None:
        """Note that `task` has its time."""
        self.order.append(task)
        for later in task.before:
            later.blocked -= 1
            if task.unit is Unit.LOAD:
                later.missing -= 1
                if later.unit is Unit.ARRAY and not later.missing:
                    self.ready[later.moving, later.stationary] += 1
            if later.missing:
                for load in later.after:
                    load.worth = None
            if later.unit is Unit.ARRAY and not later.blocked:
                self._open(later)

    def _loads_first(self, product: Task) -> bool:
        return self.load_free <= self._product_start(product)

    # -- loads ----------------------------------------------------------------------------------

    def _next_load(self) -> Task | None:
        """The load that keeps the array waiting least, and of these the one that is worth most."""
        if not self.loads:
            return None
        best: Task | None = None
        best_score = (0.0, 0)
        beside: dict[int | None, int] = {}
        alike: set[tuple[int | None, float, int]] = set()
        work = self.pair * self.ready.total()
        for task in self.loads:
            if task.blocked:
                continue
            worth = self._worth(task) if task.worth is None else task.worth
            if not task.after and not task.sums:
                uses = (task.writes, task.cycles, worth)
                if uses in alike:
                    continue
                alike.add(uses)
            if task.writes not in beside:
                beside[task.writes] = self._work_beside(task.writes)
            lost = min(task.cycles, work) - min(task.cycles, beside[task.writes])
            lost += self._load_start(task) - self.load_free
            score = (-(lost // self.pair), worth)
            if best is None or score > best_score:
                best, best_score = task, score
        return best

    def _work_beside(self, bank: int | None) -> int:
        """Cycles of products whose operands are there, or coming, and not in the bank."""
        return self.pair * sum(
            count
            for (moving, stationary), count in self.ready.items()
            if bank not in moving and bank not in stationary
        )

    def _worth(self, load: Task) -> int:
        """How many products wait for it, those most that wait for little else, for its time.

        On a logarithmic scale, so that small differences do not count.
        """
        waiting = 0.0
        for task in load.before:
            if task.unit is Unit.ARRAY:
                waiting += 1.0 / task.missing**2
            elif task.unit is Unit.STORE:
                waiting += 1.0 / task.blocked**2
        load.worth = round(WORTH_STEPS * log2(waiting / load.cycles)) if waiting else -MAX_WORTH
        return load.worth

    def _load_start(self, task: Task) -> float:
        """When the load can start: not before products are done with the bank that it writes."""
        sums = (self.sum_done.get(block, 0.0) for block in task.sums)
        busy = [self.read_until.get(task.writes, 0.0)]
        busy += [self.added_until.get(bank, 0.0) for bank in task.banks]
        return max([self.load_free, task.ready_at, max(busy) - LOAD_START + MARGIN, *sums])

    def _place_load(self, task: Task) -> None:
        self.loads.remove(task)
        task.start = self._load_start(task)
        self.load_free = task.start + task.cycles
        task.done = task.start + task.cycles + LOAD_START
        # Loads end one after another.
        while self.arrivals and self.arrivals[0].done <= self.array_free:
            self.arrivals.popleft()
        self.last_sum_loads = [t for t in self.last_sum_loads if t.done > self.array_free]
        if task.writes is None:
            self.last_sum_loads.append(task)
        else:
            begins, ends = task.start + LOAD_START - MARGIN, task.done + MARGIN
            self.arrivals.append(_Arrival(begins, ends, task.writes, task.done))
        self.undisturbed.clear()
        if task.sums:
            self.sum_loads.update(dict.fromkeys(task.sums, task))
            for product in self.products:
                if product.sums & task.sums:
                    self._prepare(product)
        self._place(task)

    # -- products -------------------------------------------------------------------------------

    def _open(self, product: Task) -> None:
        """Let the array take a product that is not blocked any more."""
        self._prepare(product)
        insort(self.products, product, key=_BY_NUMBER)

    def _prepare(self, product: Task) -> None:
        """Find out when a product can start as far as what it waits for has its final times."""
        loads = [self.sum_loads[block] for block in product.sums & self.sum_loads.keys()]
        product.computed = 0.0
        product.final = True
        for task in product.after:
            if task.unit is Unit.LOAD:
                loads.append(task)
            elif task.unit is Unit.ARRAY:
                product.computed = max(product.computed, task.done)
            else:
                product.final = False
        product.loaded = max((t.done + OPERAND_LATENCY for t in loads), default=-inf)
        product.settled = max(product.computed, product.loaded + self.pair)

    def _next_product(self) -> Task | None:
        """The first of the least start among those whose loads have their times.

        Of several that can start at once, the one that delays stores least: a bank of the
        accumulator that is added to cannot be read.
        """
        best: Task | None = None
        best_score = (inf, 0.0, 0)
        kinds: set[int] = set()
        for task in self.products[:LOOKAHEAD]:
            if best_score[0] < task.settled:
                continue
            if task.final and task.settled <= self.array_free:
                # All of a kind are as good as the first.
                if task.kind in kinds:
                    continue
                kinds.add(task.kind)
            start = self._product_start(task)
            if start > best_score[0]:
                continue
            score = (start, self._store_delay(task, start), self._switches(task))
            if score < best_score:
                best, best_score = task, score
                if score == (self.array_free, 0.0, 0):
                    break
        return best

    def _switches(self, task: Task) -> int:
        """Whether the array would read other banks than before.

        The longer it keeps to the same, the less it matters when a load writes another.
        """
        last = self.last_product
        if last is None or not self.steady:
            return 0
        return (task.moving != last.moving) + (task.stationary != last.stationary)

    def _store_delay(self, task: Task, start: float) -> float:
        """How long the first store (or load of sums) that `task` disturbs has to wait for it."""
        begins = start + self.result_latency
        ends = begins + task.cycles
        for tasks in (self.last_stores, self.last_sum_loads):
            for other in tasks:
                if other.start < ends and begins < other.done and other.banks & task.banks:
                    return ends - max(begins, other.start)
        return 0.0

    def _delay_stores(self, task: Task) -> None:
        """Shift the store that `task` disturbs, and those behind it."""
        begins = task.start + self.result_latency
        delay = 0.0
        for store in self.last_stores:
            store.start += delay
            store.done += delay
            if not delay and store.banks & task.banks:
                delay = self._store_delay(task, task.start) if begins < store.done else 0.0
                store.done += delay
        self.store_free += delay

    def _product_start(self, task: Task) -> float:
        """When the first row of A can enter the array; the weights enter before it."""
        free = start = self.array_free
        if not task.final or task.settled > free:
            computed = task.computed
            if not task.final:
                computed = max([computed, *(t.done for t in task.after if t.unit is Unit.STORE)])
                task.settled = max(computed, task.loaded + self.pair)
                # Only stores that end later are delayed.
                task.final = computed <= free
            start = max(free, computed)
            if task.loaded > free - self.pair:
                # Too late for the weights to enter during the product before this one.
                start = max(start, task.loaded) + self.pair
        key = (task.kind, start)
        if key not in self.undisturbed:
            self.undisturbed[key] = self._between_loads(task, start)
        return self.undisturbed[key]

    def _between_loads(self, task: Task, start: float) -> float:
        """The start of a product, if not before `start`, while no load writes its banks."""
        for begins, ends, bank, _ in self.arrivals:
            if begins >= start + task.cycles:
                break
            if bank in task.moving and start < ends:
                start = ends
            if bank in task.stationary and begins < start and start - self.pair < ends:
                start = ends + self.pair
        return start

    def _place_product(self, task: Task) -> None:
        task.start = self._product_start(task)
        self.products.remove(task)
        self.ready[task.moving, task.stationary] -= 1
        self.array_free = task.start + task.cycles
        task.done = self.array_free + self.result_latency
        self.sum_done.update(dict.fromkeys(task.sums, task.done))
        self.read_until.update(dict.fromkeys(task.moving, self.array_free))
        for bank in task.stationary - task.moving:
            self.read_until[bank] = max(self.read_until.get(bank, 0.0), task.start)
        self.added_until.update(dict.fromkeys(task.banks, task.done))
        while self.arrivals and self.arrivals[0].ends <= self.array_free - self.pair:
            self.arrivals.popleft()
        self.last_product = task
        self._delay_stores(task)
        self._place(task)
        for store in [t for t in self.stores if t.after and not t.blocked]:
            self._time_store(store)

    # -- stores ---------------------------------------------------------------------------------

    def _place_store(self) -> None:
        """What no product preceded."""
        self._time_store(self.stores[0])

    def _time_store(self, task: Task) -> None:
        self.stores.remove(task)
        task.start = max(self.store_free, task.ready_at)
        self.store_free = task.start + task.cycles
        task.done = self.store_free
        self.last_stores = [t for t in self.last_stores if t.done > self.array_free]
        self.last_stores.append(task)
        self._place(task)

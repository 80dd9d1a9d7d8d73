"""Knobs, splits, numbering, and the constraint filter."""

import random
from dataclasses import fields

import numpy as np
import pytest

from gemmini_xdsl.dialects.attributes import Dataflow, Lowering, Placement, Schedule
from gemmini_xdsl.hardware import load_config
from gemmini_xdsl.hardware.encoding import Funct
from gemmini_xdsl.passes.schedule_rules import Problem, schedule_problem
from gemmini_xdsl.tvm_bridge.autotvm.errors import TuningError
from gemmini_xdsl.tvm_bridge.autotvm.gemm_space import find_record, gemm_space
from gemmini_xdsl.tvm_bridge.autotvm.knobs import (
    OtherOptionEntity,
    SplitEntity,
    entity_from_json,
    split_entities,
)
from gemmini_xdsl.tvm_bridge.autotvm.programs import compile_schedule
from gemmini_xdsl.tvm_bridge.autotvm.schedule_knobs import (
    FIELD_KNOBS,
    KNOBS,
    LEFT_OUT,
    TILES,
    plain,
    read_schedule,
    schedule_of,
    values_of,
)
from gemmini_xdsl.tvm_bridge.autotvm.space import ConfigSpace
from gemmini_xdsl.tvm_bridge.autotvm.task import BIASES, GemmTask, Workload

CONFIG = load_config("default")


def small_space() -> ConfigSpace:
    space = ConfigSpace()
    space.define_split("tile_x", 12)
    space.define_knob("unroll", [0, 16])
    space.define_reorder("order", [(0, 1), (1, 0)])
    return space


def test_index_is_mixed_radix_with_the_first_knob_fastest() -> None:
    space = small_space()
    assert len(space) == 6 * 2 * 2
    # 17 = 5 + 0 * 6 + 1 * 12: the sixth divisor of 12, the first option, the second order.
    entity = space.get(5 + 0 * 6 + 1 * 12)
    assert entity["tile_x"] == SplitEntity((-1, 12))
    assert entity["unroll"] == OtherOptionEntity(0)
    assert entity["order"].to_json() == [1, 0]
    assert entity.to_json()["entity"] == [
        ["tile_x", "sp", [-1, 12]],
        ["unroll", "ot", 0],
        ["order", "re", [1, 0]],
    ]
    for index in range(len(space)):
        point = space.point(index)
        assert space.index(point) == index
        assert space.find(space.values(point)).index == index
    everything = np.arange(len(space))
    np.testing.assert_array_equal(space.indices(space.points(everything)), everything)
    assert [tuple(row) for row in space.points(everything)] == [
        space.point(index) for index in range(len(space))
    ]


@pytest.mark.parametrize(
    ("policy", "sizes"),
    [
        ("factors", [1, 2, 3, 4, 6, 12]),
        ("power2", [1, 2, 4, 8]),
        ("verbose", list(range(1, 13))),
        # Equal parts: 12, 6, 4, 3, 3, 2, 2, 2; powers of two: 1, 2, 4, 8.
        ("balanced", [1, 2, 3, 4, 6, 8, 12]),
    ],
)
def test_split_policies(policy: str, sizes: list[int]) -> None:
    assert [entity.size for entity in split_entities(12, policy)] == [(-1, s) for s in sizes]


@pytest.mark.parametrize("extent", [1, 7, 63, 1000, 3142])
@pytest.mark.parametrize("policy", ["factors", "power2", "balanced"])
def test_every_axis_can_be_split(extent: int, policy: str) -> None:
    assert split_entities(extent, policy, num_outputs=3)


def test_splits_nest_and_are_filtered() -> None:
    found = split_entities(4, num_outputs=3, filter=lambda entity: entity.size[2] == 2)
    assert [entity.size for entity in found] == [(-1, 1, 2), (-1, 2, 2)]
    with pytest.raises(ValueError, match="leaves no way"):
        split_entities(4, filter=lambda entity: False)
    with pytest.raises(ValueError, match="policy must be one of"):
        split_entities(4, "all")


def test_constraints_and_representatives() -> None:
    space = small_space()
    space.add_constraint(
        ("unroll", "tile_x"), lambda v: v["tile_x"].to_json()[1] + v["unroll"].val < 20
    )
    space.add_representative(("order",), lambda v: v["order"].to_json() == [0, 1])
    expected = [
        index
        for index in range(len(space))
        if space.get(index)["tile_x"].size[1] + space.get(index)["unroll"].val < 20
    ]
    assert list(np.flatnonzero(space.valid_mask)) == expected
    assert space.valid_count == len(expected)
    assert [i for i in range(len(space)) if space.is_valid(i)] == expected
    first_order = [i for i in expected if space.get(i)["order"].to_json() == [0, 1]]
    assert list(space.distinct) == first_order


def test_restricted_spaces() -> None:
    space = small_space().restrict(unroll=[16], tile_x=[[-1, 3], [-1, 4]])
    assert len(space) == 4
    assert {space.get(i)["tile_x"].size for i in range(4)} == {(-1, 3), (-1, 4)}
    with pytest.raises(TuningError, match="unknown knob 'tile_z'; knobs are tile_x, unroll, order"):
        small_space().restrict(tile_z=[1])
    with pytest.raises(TuningError, match="none of the candidates"):
        small_space().restrict(unroll=[5])


def test_points_that_do_not_exist() -> None:
    space = small_space()
    with pytest.raises(IndexError):
        space.get(len(space))
    with pytest.raises(TuningError, match="'tile_x' has no candidate"):
        space.find({**space.get(0).values, "tile_x": SplitEntity((-1, 5))})
    with pytest.raises(TuningError, match="unknown knob 'x'"):
        space.find({**space.get(0).values, "x": OtherOptionEntity(1)})
    for tag, value in (("sp", [1.5]), ("re", [0, 0]), ("xx", 1), ("ot", [1]), ("sp", 4)):
        with pytest.raises(TuningError):
            entity_from_json(tag, value)


def test_a_point_is_a_schedule() -> None:
    problem = Problem(128, 128, 128)
    schedule = Schedule(
        (4, 2, 8),
        "nmk",
        "mkn",
        Dataflow.OS,
        ("a", "c"),
        16,
        32,
        Placement.PACKED,
        Lowering.ISA,
    )
    space = gemm_space(problem, CONFIG)
    entity = space.find(values_of(schedule, problem, CONFIG))
    assert schedule_of(entity.values) == schedule
    assert [item[:2] for item in entity.to_json()["entity"]][:4] == [
        ["tile_m", "sp"],
        ["tile_n", "sp"],
        ["tile_k", "sp"],
        ["exchange_axis", "ot"],
    ]


def test_every_field_of_a_schedule_has_knobs_or_is_left_out_for_a_reason() -> None:
    known = {entry.field for entry in FIELD_KNOBS} | set(LEFT_OUT)
    missing = {field.name for field in fields(Schedule)} - known
    assert not missing, "give each a row of FIELD_KNOBS, or a reason in LEFT_OUT"
    assert known == {field.name for field in fields(Schedule)}
    assert len(FIELD_KNOBS) + len(LEFT_OUT) == len(known)
    assert all(LEFT_OUT.values())
    assert len(set(KNOBS)) == len(KNOBS)


def test_fields_survive_the_way_through_knobs() -> None:
    """The space's last point: no field has its default there."""
    problem = Problem(64, 64, 64)
    space = gemm_space(problem, CONFIG)
    values = space.get(len(space) - 1).values
    schedule = read_schedule(values)
    for field in fields(Schedule):
        knob = space.knobs.get(field.name)
        fixed = knob is not None and len(knob.entities) == 1
        if field.name not in LEFT_OUT and field.name != "tile" and not fixed:
            assert getattr(schedule, field.name) != field.default, field.name
    assert schedule.tile == (4, 4, 4)
    assert values_of(schedule, problem, CONFIG) == values


def test_records_of_an_older_space_have_the_default_of_what_is_new() -> None:
    problem = Problem(64, 64, 64)
    space = gemm_space(problem, CONFIG)
    values = values_of(Schedule((1, 2, 4), mvin_cols=32), problem, CONFIG)
    older = {name: values[name] for name in (*TILES, "mvin_cols")}
    assert find_record(space, older, problem, CONFIG).values == values
    with pytest.raises(TuningError, match="unknown knob 'colour'"):
        find_record(space, {**older, "colour": OtherOptionEntity("red")}, problem, CONFIG)
    with pytest.raises(TuningError, match="'tile_m' has no candidate"):
        find_record(space, {**older, TILES[0]: SplitEntity((-1, 3, 16))}, problem, CONFIG)


def test_plain_knobs_follow_the_type_of_their_field() -> None:
    dataflow = plain("dataflow")
    assert dataflow.candidates(Problem(1, 1, 1), CONFIG) == [
        [OtherOptionEntity("ws"), OtherOptionEntity("os")]
    ]
    assert dataflow.read({}) is Dataflow.WS
    assert dataflow.read({"dataflow": OtherOptionEntity("os")}) is Dataflow.OS
    width = plain("mvin_cols", lambda problem, config: (16, 32), unset=lambda *_: 64)
    assert width.write(Schedule((1, 1, 1)), Problem(1, 1, 1), CONFIG) == [OtherOptionEntity(64)]
    with pytest.raises(TuningError, match="mvin_cols must be a number, got True"):
        width.read({"mvin_cols": OtherOptionEntity(True)})


def test_unknown_and_malformed_knobs() -> None:
    values = values_of(Schedule((1, 1, 1)), Problem(16, 16, 16), CONFIG)
    with pytest.raises(TuningError, match="unknown knob 'tile_q'; knobs are tile_m"):
        schedule_of({**values, "tile_q": OtherOptionEntity(1)})
    with pytest.raises(TuningError, match="tile_m must be a split"):
        schedule_of({**values, "tile_m": OtherOptionEntity(1)})
    with pytest.raises(TuningError, match="'sideways' is not a valid Dataflow"):
        schedule_of({**values, "dataflow": OtherOptionEntity("sideways")})
    with pytest.raises(TuningError, match="mvin_cols must be a number"):
        schedule_of({**values, "mvin_cols": OtherOptionEntity("wide")})


@pytest.mark.parametrize(
    "sizes",
    [(1, 1, 1), (1, 1000, 1000), (16, 16, 16), (97, 83, 1000), (12544, 64, 147), (1, 50257, 768)],
)
def test_no_size_has_an_empty_space(sizes: tuple[int, int, int]) -> None:
    space = gemm_space(Problem(*sizes), CONFIG)
    assert 0 < len(space.distinct) <= space.valid_count <= len(space)


def test_the_filter_agrees_with_the_schedule_rules_everywhere() -> None:
    """The constraints are the rules taken apart; together they must say the same."""
    rng = random.Random(3)
    for name in ("default", "lean", "int8_4x4", "int8_32x32"):
        config = load_config(name)
        for wide, transposes in ((False, (0, 0)), (True, (1, 0)), (False, (1, 1)), (False, (0, 1))):
            problem = Problem(
                *(rng.randint(1, 300) for _ in range(3)), *map(bool, transposes), wide
            )
            space = gemm_space(problem, config)
            for index in rng.sample(range(len(space)), 150):
                schedule = read_schedule(space.get(index).values)
                allowed = schedule_problem(schedule, problem, config) is None
                assert bool(space.valid_mask[index]) == allowed, schedule


@pytest.mark.parametrize(
    "problem",
    [
        Problem(64, 64, 64),
        Problem(150, 40, 33, transpose_b=True, has_bias=True),
        Problem(112, 80, 144, wide_result=True),
        Problem(96, 96, 97, transpose_a=True),
    ],
)
def test_the_filter_agrees_with_the_rules_for_unrolled_products(problem: Problem) -> None:
    """Whether there are few enough instructions depends on most knobs at once."""
    space = gemm_space(problem, CONFIG).restrict(unroll=[True])
    rng = random.Random(5)
    found = set()
    for index in rng.sample(range(len(space)), 600):
        schedule = read_schedule(space.get(index).values)
        allowed = schedule_problem(schedule, problem, CONFIG) is None
        assert bool(space.valid_mask[index]) == allowed, schedule
        found.add(allowed)
    assert found == {True, False}


def test_large_products_are_never_unrolled() -> None:
    problem = Problem(512, 512, 512)
    assert len(gemm_space(problem, CONFIG).knobs["unroll"].entities) == 1
    schedule = Schedule((4, 4, 4), unroll=True)
    assert "unroll" in (schedule_problem(schedule, problem, CONFIG) or "")


def test_valid_points_compile_and_no_others() -> None:
    rng = random.Random(7)
    outcomes = set()
    for _ in range(24):
        config = load_config(rng.choice(["default", "lean", "int8_4x4", "int8_8x8"]))
        workload = Workload(
            rng.choice([1, rng.randint(1, 90)]),
            rng.choice([1, rng.randint(1, 90)]),
            rng.randint(1, 90),
            rng.random() < 0.3,
            rng.random() < 0.3,
            rng.random() < 0.3,
            rng.choice(BIASES[:3]),
        )
        task = GemmTask(workload, config)
        space = gemm_space(workload.problem, config)
        for index in rng.sample(range(len(space)), 2):
            schedule = read_schedule(space.get(index).values)
            try:
                compile_schedule(task, schedule)
                compiles = True
            except TuningError:
                compiles = False
            assert compiles == space.is_valid(index), (workload, config.name, schedule)
            outcomes.add(compiles)
    assert outcomes == {True, False}


def commands(schedule: Schedule, sizes: tuple[int, int, int]) -> list[tuple[int, int, int]]:
    stream = compile_schedule(GemmTask(Workload(*sizes), CONFIG), schedule)
    return [(item.funct, item.rs1, item.rs2) if item else (-1, 0, 0) for item in stream.items]


@pytest.mark.parametrize(
    ("kept", "dropped", "sizes"),
    [
        # One tile of A: a second slot is never used.
        (
            Schedule((4, 1, 4), mvout_cols=64),
            Schedule((4, 1, 4), mvout_cols=64, double_buffer=("a",)),
            (64, 64, 64),
        ),
        # One tile of M: the loops over M and N do not differ in order.
        (
            Schedule((4, 1, 2), mvout_cols=64),
            Schedule((4, 1, 2), "nmk", mvout_cols=64),
            (64, 64, 64),
        ),
        # Tiles of one block in N: the place of N between M and K means nothing.
        (
            Schedule((2, 1, 2), inner_order="knm", mvout_cols=64),
            Schedule((2, 1, 2), inner_order="nkm", mvout_cols=64),
            (64, 64, 64),
        ),
        # Rows of one block move at once whatever the width.
        (
            Schedule((1, 1, 1), mvout_cols=64),
            Schedule((1, 1, 1), mvin_cols=16, mvout_cols=32),
            (64, 64, 64),
        ),
        # No weights stay in the array over a single block of rows.
        (
            Schedule((1, 2, 2), inner_order="knm", mvout_cols=64, unroll=True),
            Schedule((1, 2, 2), inner_order="mkn", mvout_cols=64, unroll=True),
            (32, 32, 32),
        ),
        # The hardware's loop has its own buffers.
        (
            Schedule((2, 2, 2), mvout_cols=64, lowering=Lowering.LOOP_WS),
            Schedule(
                (2, 2, 2),
                inner_order="mnk",
                double_buffer=("a", "b"),
                mvin_cols=16,
                placement=Placement.PACKED,
                lowering=Lowering.LOOP_WS,
            ),
            (64, 64, 64),
        ),
    ],
)
def test_points_left_out_give_the_same_commands(
    kept: Schedule, dropped: Schedule, sizes: tuple[int, int, int]
) -> None:
    problem = Problem(*sizes)
    space = gemm_space(problem, CONFIG)
    index = {
        name: space.find(values_of(schedule, problem, CONFIG)).index
        for name, schedule in (("kept", kept), ("dropped", dropped))
    }
    assert index["kept"] in space.distinct
    assert index["dropped"] not in space.distinct
    assert space.is_valid(index["dropped"])
    assert commands(kept, sizes) == commands(dropped, sizes)


@pytest.mark.parametrize("sizes", [(32, 20, 16), (10, 32, 40)])
def test_unrolled_points_left_out_give_the_commands_of_one_that_is_not(
    sizes: tuple[int, int, int],
) -> None:
    space = gemm_space(Problem(*sizes), CONFIG).restrict(unroll=[True], dataflow=["ws"])

    def program(index: int) -> tuple[tuple[int, int, int], ...]:
        return tuple(commands(read_schedule(space.get(index).values), sizes))

    kept = {program(int(index)) for index in space.distinct}
    dropped = np.setdiff1d(np.flatnonzero(space.valid_mask), space.distinct)
    sample = np.random.default_rng(0).choice(dropped, 60, replace=False)
    assert all(program(int(index)) in kept for index in sample)


BASE = Schedule((2, 2, 2))


@pytest.mark.parametrize(
    "changed",
    [
        Schedule((4, 2, 2)),
        Schedule((2, 4, 2)),
        Schedule((2, 2, 4)),
        Schedule((2, 2, 2), "nmk"),
        Schedule((2, 2, 2), inner_order="mnk"),
        Schedule((2, 2, 2), dataflow=Dataflow.OS),
        Schedule((2, 2, 2), double_buffer=("a",)),
        Schedule((2, 2, 2), double_buffer=("b",)),
        Schedule((2, 2, 2), double_buffer=("c",)),
        Schedule((2, 2, 2), mvin_cols=16),
        Schedule((2, 2, 2), mvout_cols=32),
        Schedule((2, 2, 2), placement=Placement.PACKED),
        Schedule((2, 2, 2), lowering=Lowering.LOOP_WS),
    ],
    ids=lambda schedule: str(schedule)[9:],
)
def test_every_knob_changes_the_commands(changed: Schedule) -> None:
    assert set(KNOBS) == set(values_of(BASE, Problem(1, 1, 1), CONFIG))
    assert commands(changed, (64, 64, 64)) != commands(BASE, (64, 64, 64))


def test_knobs_of_unrolled_products_change_the_commands() -> None:
    """Unrolled tiles are whole strips at least, so these have a base of their own."""
    loops = Schedule((4, 4, 4))
    unrolled = Schedule((4, 4, 4), unroll=True)
    interleaved = Schedule((4, 4, 4), placement=Placement.INTERLEAVED, unroll=True)
    kinds = [commands(schedule, (64, 64, 64)) for schedule in (loops, unrolled, interleaved)]
    assert kinds[0] != kinds[1] != kinds[2] != kinds[0]


LOADS = (Funct.MVIN, Funct.MVIN2, Funct.MVIN3)


def count(schedule: Schedule, *functs: Funct) -> int:
    """Occurrences in the commands of 64x64x64: 4 blocks in each dimension."""
    return sum(item[0] in functs for item in commands(schedule, (64, 64, 64)))


def test_what_the_knobs_of_the_paper_do() -> None:
    # Wide MVOUT: 64 rows in 4 row panels, by 4 blocks at a time or by single ones.
    assert count(Schedule((4, 4, 4), mvout_cols=64), Funct.MVOUT) == 4
    assert count(Schedule((4, 4, 4)), Funct.MVOUT) == 16
    # Residency: with one tile of K and exchanged loops, B is loaded once instead of per panel.
    a_loads = 4
    assert count(Schedule((1, 4, 4), "mnk"), *LOADS) == a_loads + 4
    # 4 N tiles, each 16 columns wide: 4 row blocks of B each; A (4 panels) for each of them.
    assert count(Schedule((1, 1, 4), "mnk"), *LOADS) == 4 + 4 * 4 * 4
    assert count(Schedule((1, 1, 4), "nmk"), *LOADS) == 4 * 4 + 4 * 4
    # Weights stay for a column of blocks if M is innermost.
    pairs = 4**3
    assert count(Schedule((4, 4, 4), inner_order="knm"), Funct.COMPUTE_PRELOADED) == 16
    assert count(Schedule((4, 4, 4), inner_order="knm"), Funct.COMPUTE_ACCUMULATED) == pairs - 16
    assert count(Schedule((4, 4, 4), inner_order="mnk"), Funct.COMPUTE_PRELOADED) == pairs

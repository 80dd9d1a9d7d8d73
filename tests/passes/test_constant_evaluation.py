"""Evaluation of integer operations, against the meaning that the arith dialect gives them."""

from __future__ import annotations

import pytest
from xdsl.dialects import arith
from xdsl.dialects.builtin import BoolAttr, FloatAttr, IndexType, IntegerAttr, f32, i1, i64
from xdsl.ir import Operation, SSAValue
from xdsl.utils.test_value import create_ssa_value

from gemmini_xdsl.passes.constant_evaluation import evaluate


def index() -> SSAValue:
    return create_ssa_value(IndexType())


@pytest.mark.parametrize(
    ("kind", "a", "b", "expected"),
    [
        (arith.AddiOp, 7, 5, 12),
        (arith.SubiOp, 7, 9, -2),
        (arith.MuliOp, 7, 5, 35),
        (arith.DivUIOp, 17, 5, 3),
        (arith.RemUIOp, 17, 5, 2),
        (arith.DivUIOp, 17, 0, None),
        (arith.RemUIOp, 17, 0, None),
        # As unsigned numbers these are huge, and how huge depends on the width of an index.
        (arith.DivUIOp, -1, 5, None),
        (arith.RemUIOp, -1, 5, None),
        (arith.AndIOp, 12, 10, 8),
        (arith.OrIOp, 12, 10, 14),
        (arith.MinSIOp, -3, 2, -3),
        (arith.MaxSIOp, -3, 2, 2),
        (arith.ShLIOp, 1, 2, None),
    ],
)
def test_binary_operations(kind: type[Operation], a: int, b: int, expected: int | None) -> None:
    assert evaluate(kind(index(), index()), [a, b]) == expected  # type: ignore[call-arg]


@pytest.mark.parametrize(
    ("predicate", "expected"),
    [
        ("eq", [0, 1, 0]),
        ("ne", [1, 0, 1]),
        ("slt", [1, 0, 0]),
        ("sle", [1, 1, 0]),
        ("sgt", [0, 0, 1]),
        ("sge", [0, 1, 1]),
    ],
)
def test_comparisons(predicate: str, expected: list[int]) -> None:
    op = arith.CmpiOp(index(), index(), predicate)
    assert [evaluate(op, pair) for pair in ([-1, 2], [2, 2], [3, 2])] == expected


@pytest.mark.parametrize("predicate", ["ult", "ule", "ugt", "uge"])
def test_unsigned_comparisons_are_not_understood(predicate: str) -> None:
    assert evaluate(arith.CmpiOp(index(), index(), predicate), [1, 2]) is None


def test_constants() -> None:
    assert evaluate(arith.ConstantOp(IntegerAttr(-5, IndexType())), []) == -5
    assert evaluate(arith.ConstantOp(IntegerAttr(1 << 40, i64)), []) == 1 << 40
    assert evaluate(arith.ConstantOp(BoolAttr.from_bool(True)), []) == 1
    assert evaluate(arith.ConstantOp(BoolAttr.from_bool(False)), []) == 0
    assert evaluate(arith.ConstantOp(FloatAttr(1.0, f32)), []) is None


def test_selection_and_casts() -> None:
    flag = create_ssa_value(i1)
    select = arith.SelectOp(flag, index(), index())
    assert [evaluate(select, [taken, 10, 20]) for taken in (1, 0)] == [10, 20]
    assert evaluate(arith.IndexCastOp(index(), i64), [-7]) == -7
    assert evaluate(arith.ExtUIOp(flag, i64), [1]) == 1

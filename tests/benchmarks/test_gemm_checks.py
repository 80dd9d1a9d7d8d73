"""Random products with the default schedule, bit by bit, in the checked simulator."""

from __future__ import annotations

import gemm_check
import pytest
from gemm_cases import random_sizes

GROUPS, PER_GROUP = 6, 8


@pytest.mark.parametrize("group", range(GROUPS))
def test_random_products_are_exact(group: int) -> None:
    """`benchmarks/gemm.py --random 300 --check-only` checks more of the same kind."""
    for number, size in enumerate(random_sizes(PER_GROUP, seed=group)):
        problem = gemm_check.check(gemm_check.random_product(size, 1000 * group + number))
        assert problem is None, problem


def test_random_sizes_are_small_near_blocks_and_anywhere() -> None:
    sizes = [size for sizes in random_sizes(300, seed=0) for size in sizes]
    assert all(1 <= size <= 300 for size in sizes)
    assert sum(size % 16 in (0, 1, 15) for size in sizes) > len(sizes) / 3
    assert sum(size <= 40 for size in sizes) > len(sizes) / 4
    assert max(sizes) > 270
    assert list(random_sizes(5, seed=1)) == list(random_sizes(5, seed=1))


def test_random_products_have_all_forms() -> None:
    specs = [gemm_check.random_product((4, 4, 4), seed).spec for seed in range(100)]
    assert {spec.bias for spec in specs} == {"none", "row", "full"}
    assert {spec.result for spec in specs} == {"i8", "i32"}
    assert {spec.activation for spec in specs} == {"none", "relu"}
    assert {(spec.transpose_a, spec.transpose_b) for spec in specs} == {
        (a, b) for a in (False, True) for b in (False, True)
    }


def test_a_wrong_result_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    product = gemm_check.random_product((5, 6, 7), 0)
    assert gemm_check.check(product) is None
    right = gemm_check._operands

    def wrong(product: gemm_check.RandomProduct) -> tuple[list[gemm_check.Array], gemm_check.Array]:
        operands, expected = right(product)
        expected[3, 2] ^= 1
        return operands, expected

    monkeypatch.setattr(gemm_check, "_operands", wrong)
    assert "1 of 30 results are wrong, first at [3 2]" in (gemm_check.check(product) or "")

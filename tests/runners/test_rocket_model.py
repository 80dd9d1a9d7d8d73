"""The core's time against figures of a Chipyard SoC in RTL, measured with its cycle counter."""

from __future__ import annotations

import pytest
from riscv_programs import execute, link, needs_gcc

pytestmark = needs_gcc

# Prints the cycles of `body`, run twice: the second time from warm instruction cache.
PROGRAM = """
#include <gemmini/program.h>
#include <gemmini/rocc.h>
static _Alignas(64) uint64_t chain[{words}];
__attribute__((noinline)) static uint64_t body(void) {{
    register uint64_t p __asm__("a0") = (uint64_t)chain;
    uint64_t start = gemmini_cycles();
    {body}
    uint64_t end = gemmini_cycles();
    __asm__ volatile("" : "+r"(p));
    return end - start;
}}
int main(void) {{
    {setup}
    body();
    gemmini_print_program_cycles("body", body());
    return 0;
}}
"""


def cycles(body: str, setup: str = "", words: int = 8) -> int:
    result = execute(link(PROGRAM.format(body=body, setup=setup, words=words)))
    assert result.problem is None, result.problem
    assert result.status == 0
    return int(result.console.split()[-2])


def overhead() -> int:
    return cycles("")


def asm(text: str) -> str:
    return f'__asm__ volatile("{text}" : "+r"(p) :: "t0", "t1", "t2", "memory");'


def test_sixty_four_commands_issue_in_sixty_five_cycles() -> None:
    # LOOP_WS configuration is taken at one command a cycle: RTL 73 with the fence, 65 without.
    command = ".insn r 0x7b, 3, 13, x0, t0, t1;"
    spent = cycles(asm("li t0, 0; li t1, 0;" + 16 * command)) - overhead()
    assert 16 <= spent <= 16 + 12


def test_an_empty_fence_costs_two_cycles() -> None:
    assert cycles("GEMMINI_FENCE();") - overhead() == 2


@pytest.mark.parametrize(
    ("kilobytes", "rtl"),
    [(4, 3.03), (64, 14.95)],
)
def test_dependent_loads_take_what_rtl_takes(kilobytes: int, rtl: float) -> None:
    # One load a line, each giving the address of the next; RTL: 512 loads.
    words = kilobytes * 128
    setup = f"""
    for (int i = 0; i < {words}; i += 8)
        chain[i] = (uint64_t)&chain[(i + 8) % {words}];
    """
    loads = 512
    spent = cycles(asm("ld a0, 0(a0);" * loads), setup, words) - overhead()
    assert spent / loads == pytest.approx(rtl, rel=0.1)


def test_dependent_loads_from_dram_take_what_rtl_takes() -> None:
    # 1 MiB does not fit into the L2; RTL: 27.03.
    words = 1024 * 128
    setup = f"""
    for (int i = 0; i < {words}; i += 8)
        chain[i] = (uint64_t)&chain[(i + 8) % {words}];
    """
    loads = words // 8
    loop = asm(f"li t0, {loads}; 1: ld a0, 0(a0); addi t0, t0, -1; bnez t0, 1b;")
    assert (cycles(loop, setup, words) - overhead()) / loads == pytest.approx(27.03, rel=0.1)


def test_independent_instructions_take_one_cycle_each() -> None:
    assert cycles(asm("addi t0, t0, 1;" * 100)) - overhead() == 100


def test_the_use_of_a_load_waits_two_cycles() -> None:
    together = cycles(asm("ld t0, 0(a0); addi t1, t0, 1;" * 20)) - overhead()
    apart = cycles(asm("ld t0, 0(a0); nop; nop; addi t1, t0, 1;" * 20)) - overhead()
    assert together == apart == 80


def test_a_loop_branch_is_predicted_and_its_exit_is_not() -> None:
    loop = "li t0, {n}; 1: addi t0, t0, -1; bnez t0, 1b;"
    short, long = (cycles(asm(loop.format(n=n))) - overhead() for n in (100, 200))
    assert long - short == 200
    assert short - 200 <= 8


def test_alternating_branches_are_mispredicted() -> None:
    loop = "li t0, 200; 1: andi t1, t0, 1; {branch} 2: addi t0, t0, -1; bnez t0, 1b;"
    never = cycles(asm(loop.format(branch="bltz t1, 2f; nop;")))
    alternating = cycles(asm(loop.format(branch="beqz t1, 2f; nop;")))
    assert alternating - never > 200


def test_multiplications_and_divisions_take_several_cycles() -> None:
    multiply = cycles(asm("mul t0, t0, t0;" * 20)) - overhead()
    divide = cycles(asm("divu t0, t0, t0;" * 20)) - overhead()
    assert 20 * 4 <= multiply <= 20 * 12
    assert multiply < divide


def test_code_that_exceeds_the_instruction_cache_is_slower() -> None:
    # 32 KiB of 4-byte instructions: one miss a line of 16, 15 cycles each from the L2.
    small = cycles(asm(".rept 1024; addi t0, t0, 2047; .endr")) - overhead()
    large = cycles(asm(".rept 8192; addi t0, t0, 2047; .endr")) - overhead()
    assert small == 1024
    assert large == pytest.approx(8192 * (1 + 15 / 16), rel=0.05)


def test_one_whole_product_takes_what_rtl_takes() -> None:
    # mvin A, mvin B, preload, compute, mvout and fence of 16x16x16; RTL: 190.
    tile = "UINT64_C(0x0010001000000000)"
    setup = """
    GEMMINI_ROCC(0, UINT64_C(0x3f80000000010004), UINT64_C(1) << 48);
    GEMMINI_ROCC(0, UINT64_C(0x3f80000000100101), 16);
    GEMMINI_ROCC(0, UINT64_C(0x3f80000000100109), 16);
    GEMMINI_ROCC(0, 2, UINT64_C(0x3f80000000000010));
    """
    body = f"""
    GEMMINI_ROCC(2, chain, {tile});
    GEMMINI_ROCC(1, chain + 32, {tile} | 4096);
    GEMMINI_ROCC(6, {tile} | 4096, {tile} | 0x80000000u);
    GEMMINI_ROCC(4, {tile}, {tile} | 0xffffffffu);
    GEMMINI_ROCC(3, chain + 64, {tile} | 0x80000000u);
    GEMMINI_FENCE();
    """
    assert cycles(body, setup, words=96) - overhead() == pytest.approx(190, rel=0.1)

"""Programs that trap, hang or answer wrongly, and what is said about them."""

from __future__ import annotations

import random

import pytest
from riscv_programs import execute, link, needs_gcc

from gemmini_xdsl.hardware import GemminiConfig
from gemmini_xdsl.tools.elf_file import parse_elf
from gemmini_xdsl.tools.elf_project import ProgramOptions
from gemmini_xdsl.tools.errors import GemminiError
from gemmini_xdsl.tools.runners.base import problem_of
from gemmini_xdsl.tools.runners.hart import Hart

pytestmark = needs_gcc

HEAD = """
#include <gemmini/isa.h>
#include <gemmini/program.h>
#include <gemmini/rocc.h>
#define TILE(address) (UINT64_C(0x0010001000000000) | (uint32_t)(address))
GEMMINI_BUFFER int8_t gemmini_output_0[256];
GEMMINI_BUFFER int8_t gemmini_input_1[256];
static void configure(void) {
    GEMMINI_ROCC(0, UINT64_C(0x3f80000000010004), UINT64_C(1) << 48);
    GEMMINI_ROCC(0, UINT64_C(0x3f80000000100101), 16);
    GEMMINI_ROCC(0, 2, UINT64_C(0x3f80000000000010));
}
"""


def run(body: str, options: ProgramOptions | None = None, **hart):
    return execute(program(body, options), **hart)


def program(body: str, options: ProgramOptions | None = None) -> bytes:
    return link(f"{HEAD}\nint main(void) {{ configure();\n{body}\nreturn 0; }}\n", options)


def test_the_exit_status_is_that_of_main() -> None:
    assert run("return 42;").status == 42


def test_a_command_without_xs_enters_the_trap_handler() -> None:
    result = run('__asm__ volatile("csrc mstatus, %0" :: "r"(3 << 15)); GEMMINI_ROCC(7, 0, 0);')
    assert result.status == 2
    assert "trap: illegal instruction (cause 0x2), pc 0x800" in result.console
    assert "instruction 0xe" in result.console
    assert "Gemmini missing or mstatus.XS off" in result.console


def test_a_command_for_another_opcode_traps() -> None:
    text = HEAD + "int main(void) { configure(); return 0; }"
    # A kernel for custom-3 on hardware at custom-2.
    result = execute(link(text), GemminiConfig(opcode=2))
    assert result.status == 2
    assert "trap: illegal instruction" in result.console


@pytest.mark.parametrize(
    ("body", "cause"),
    [
        ("return *(volatile int *)0x10;", "load access fault (cause 0x5)"),
        ("*(volatile int *)0x18 = 1;", "store access fault (cause 0x7)"),
        ("((void (*)(void))0x40)();", "instruction access fault (cause 0x1)"),
        ('__asm__ volatile(".half 0");', "illegal instruction (cause 0x2)"),
        ('__asm__ volatile("ebreak");', "breakpoint (cause 0x3)"),
        ('__asm__ volatile("ecall");', "environment call from machine mode (cause 0xb)"),
    ],
)
def test_traps_name_their_cause(body: str, cause: str) -> None:
    result = run(body)
    assert (result.status, result.problem) == (2, None)
    assert f"trap: {cause}" in result.console
    line = problem_of(2, result.console)
    assert line is not None
    assert line.startswith(f"exit status 2 (trap): trap: {cause}")


def test_the_fault_address_is_the_trap_value() -> None:
    console = run("return *(volatile int *)0x10;").console
    assert ", value 0x10, instruction 0x" in console


def test_a_lone_preload_is_ended_by_the_watchdog_with_the_last_command() -> None:
    # A PRELOAD without its COMPUTE never completes; the next fence hangs.
    body = """
    gemmini_watchdog_start(1000000);
    GEMMINI_ROCC(6, TILE(0xffffffff), TILE(0x80000000));
    GEMMINI_FENCE();
    """
    result = run(body, ProgramOptions(record_commands=True))
    assert result.status == 3
    assert "watchdog: no end after 1" in result.console
    assert "last command: number 4, funct 6, rs1 0x100010ffffffff, rs2 0x10001080000000" in (
        result.console
    )


def test_a_lone_preload_without_watchdog_is_reported_by_the_emulator() -> None:
    result = run("GEMMINI_ROCC(6, TILE(0xffffffff), TILE(0x80000000)); GEMMINI_FENCE();")
    assert result.status is None
    assert result.problem is not None
    assert "fence at pc 0x800" in result.problem
    assert "has no COMPUTE" in result.problem


def test_an_endless_loop_is_ended_by_the_watchdog() -> None:
    result = run("gemmini_watchdog_start(300000); for (volatile int i = 0;; i++) continue;")
    assert result.status == 3
    assert "watchdog: no end after 3" in result.console
    assert "define GEMMINI_LAST_COMMAND" in result.console


def test_a_stopped_watchdog_does_not_bark() -> None:
    body = """
    gemmini_watchdog_start(200000);
    for (volatile int i = 0; i < 1000; i++) continue;
    gemmini_watchdog_stop();
    for (volatile int i = 0; i < 100000; i++) continue;
    """
    assert run(body).status == 0


def test_interrupts_before_the_deadline_leave_registers_alone() -> None:
    # Many polls of the watchdog happen during this sum.
    body = """
    gemmini_watchdog_start(100000000);
    uint64_t sum = 0;
    for (uint64_t i = 0; i < 200000; i++) sum = sum * 3 + i;
    gemmini_watchdog_stop();
    uint64_t again = 0;
    for (uint64_t i = 0; i < 200000; i++) again = again * 3 + i;
    return sum != again;
    """
    assert run(body).status == 0


def test_polls_of_the_watchdog_do_not_end_the_measured_part() -> None:
    body = """
    gemmini_watchdog_start(100000000);
    uint64_t start = gemmini_cycles();
    for (volatile int i = 0; i < 100000; i++) if (i % 1000 == 0) GEMMINI_ROCC(7, 0, 0);
    uint64_t end = gemmini_cycles();
    gemmini_watchdog_stop();
    return end - start < 300000;
    """
    hart = Hart(parse_elf(program(body), "a.elf"), GemminiConfig())
    assert hart.run(20).status == 0
    assert hart.accelerator.measured_commands == 100


def test_an_endless_program_meets_the_time_limit() -> None:
    result = run("for (volatile int i = 0;; i++) continue;", seconds=0.5)
    assert result.status is None
    assert result.problem is not None
    assert result.problem.startswith("no end within the time limit, at pc 0x800")
    assert "(main+" in result.problem


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("GEMMINI_ROCC(3, gemmini_input_1, TILE(0));", "in a read-only region"),
        ("char stack[256]; GEMMINI_ROCC(3, stack, TILE(0));", "outside the mapped regions"),
        ("GEMMINI_ROCC(3, gemmini_output_0 + 16, TILE(0));", "DRAM address"),
    ],
)
def test_checked_mode_stops_commands_that_leave_their_buffers(body: str, reason: str) -> None:
    load = "GEMMINI_ROCC(2, gemmini_output_0, TILE(0));"
    result = run(f"{load}\n{body}")
    assert result.problem is not None
    assert "command at pc 0x800" in result.problem
    assert "(main+" in result.problem
    assert reason in result.problem


def test_unchecked_mode_allows_any_memory_of_the_program() -> None:
    load = "GEMMINI_ROCC(2, gemmini_output_0, TILE(0));"
    stack = "_Alignas(64) char stack[256]; GEMMINI_ROCC(3, stack, TILE(0)); GEMMINI_FENCE();"
    assert run(f"{load}\n{stack}", checked=False).status == 0


def test_data_reach_the_array_and_come_back() -> None:
    body = """
    for (int i = 0; i < 256; i++) gemmini_input_1[i] = (int8_t)(i * 7);
    GEMMINI_ROCC(2, gemmini_input_1, TILE(0));
    GEMMINI_ROCC(3, gemmini_output_0, TILE(0));
    GEMMINI_FENCE();
    for (int i = 0; i < 256; i++) if (gemmini_output_0[i] != (int8_t)(i * 7)) return 1;
    """
    result = run(body)
    assert (result.status, result.problem) == (0, None)


COUNTERS = """
    gemmini_counter(1);                                  /* reset all */
    gemmini_counter(1 << 3 | 5 << 4 | 4 << 12 | UINT64_C(1) << 31);  /* 5: bytes read */
    GEMMINI_ROCC(2, gemmini_input_1, TILE(0));
    GEMMINI_FENCE();
    return gemmini_counter(5 << 4) == 256;
"""


def test_counters_are_answered() -> None:
    assert run(COUNTERS).status == 1


def test_counters_need_a_model_of_time() -> None:
    problem = run(COUNTERS, timing=False).problem
    assert problem is not None
    assert problem.startswith("COUNTER at pc 0x800")
    assert "times are not modelled" in problem


def test_floating_point_works() -> None:
    assert run("volatile float a = 1.5f; volatile double b = a * 2; return b != 3.0;").status == 0


def test_a_program_that_needs_more_memory_than_allowed_is_not_linked() -> None:
    with pytest.raises(GemminiError, match="does not fit into GEMMINI_MEMORY_BYTES"):
        link("int main(void) { return 0; }", ProgramOptions(memory_bytes=4096))


def test_the_base_address_is_an_option() -> None:
    elf = link(HEAD + "int main(void) { configure(); return 7; }",
               ProgramOptions(base_address=0x4000_0000))  # fmt: skip
    assert parse_elf(elf, "a.elf").entry == 0x4000_0000
    assert execute(elf).status == 7


def damaged(elf: bytes, at: int, value: bytes) -> bytes:
    return elf[:at] + value + elf[at + len(value) :]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda elf: b"#!/bin/sh\n", "a.elf: not an ELF file"),
        (lambda elf: elf[:50], "a.elf: truncated ELF file"),
        (lambda elf: elf[: len(elf) // 2], "a.elf: truncated ELF file"),
        (lambda elf: damaged(elf, 18, b"\x3e\x00"), "is for the machine x86-64"),
        (lambda elf: damaged(elf, 4, b"\x01"), "(32 bits); RV64 little-endian is needed"),
        (lambda elf: damaged(elf, 16, b"\x01\x00"), "not a statically linked executable"),
    ],
)
def test_files_that_are_no_rv64_programs_are_refused(change, message: str) -> None:
    elf = link("int main(void) { return 0; }")
    with pytest.raises(GemminiError) as refusal:
        parse_elf(change(elf), "a.elf")
    assert message in str(refusal.value)


def test_every_truncation_is_refused_or_harmless() -> None:
    elf = link("int main(void) { return 3; }")
    refusals = set()
    for length in range(0, len(elf), 97):
        try:
            parse_elf(elf[:length], "a.elf")
        except GemminiError as error:
            refusals.add(str(error))
    assert refusals == {"a.elf: not an ELF file", "a.elf: truncated ELF file"}


def test_damaged_files_are_refused_or_run_to_an_end() -> None:
    elf = link("int main(void) { return 3; }")
    rng = random.Random(7)
    endings = set()
    for _ in range(60):
        damaged_elf = bytearray(elf)
        for _ in range(rng.randint(1, 4)):
            damaged_elf[rng.randrange(rng.choice((64, 344, len(elf))))] = rng.randrange(256)
        try:
            endings.add(execute(bytes(damaged_elf), seconds=0.2, timing=False).status)
        except GemminiError as error:
            endings.add(str(error).partition(" ")[0])
    assert endings <= {"test.elf:", None, *range(256)}
    assert "test.elf:" in endings

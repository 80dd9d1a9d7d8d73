"""The runner `riscv`: the ELF itself in an emulated hart, over the simulator."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from gemmini_xdsl.hardware import GemminiConfig
from gemmini_xdsl.tools.elf_file import ElfFile, read_elf
from gemmini_xdsl.tools.errors import GemminiError
from gemmini_xdsl.tools.runners.base import Outcome, RunnerOptions, problem_of

DIGEST_SYMBOL = "gemmini_config_digest"


class RiscvRunner:
    """Runs programs in Unicorn with the functional simulator and the timing models."""

    name = "riscv"

    def check(self, options: RunnerOptions) -> None:
        """Raise `GemminiError` if Unicorn is not installed."""
        if importlib.util.find_spec("unicorn") is None:
            raise GemminiError(
                "--on riscv needs the Python package unicorn: pip install 'gemmini-xdsl[riscv]'"
            )

    def run(self, elf: Path, config: GemminiConfig, options: RunnerOptions) -> Outcome:
        """Run the program. Raises `GemminiError` if it cannot be loaded."""
        self.check(options)
        from gemmini_xdsl.tools.runners.hart import Hart

        program = read_elf(elf)
        check_digest(program, config)
        hart = Hart(program, config, checked=options.checked, timing=options.timing)
        result = hart.run(options.time_limit)
        problem = result.problem
        if problem is None and result.status is not None:
            problem = problem_of(result.status, result.console)
        accelerator = hart.accelerator
        figures: dict[str, float | int] = {
            "instructions": result.instructions,
            "commands": accelerator.commands,
            "emulation_seconds": round(result.seconds, 3),
        }
        if accelerator.measured_commands:
            figures["kernel_instructions"] = accelerator.measured_instructions
            figures["kernel_commands"] = accelerator.measured_commands
            per_command = accelerator.measured_instructions / accelerator.measured_commands
            figures["instructions_per_command"] = round(per_command, 2)
        if accelerator.timing is not None:
            figures["stall_cycles"] = accelerator.stall_cycles
        notes: tuple[str, ...] = ()
        if options.timing and accelerator.timing_problem is not None:
            notes = (f"cycles are the core's alone: {accelerator.timing_problem}",)
        return Outcome(
            self.name,
            result.console,
            status=result.status,
            problem=problem,
            figures=figures,
            buffers=result.buffers,
            notes=notes,
        )


def check_digest(elf: ElfFile, config: GemminiConfig) -> None:
    """Raise `GemminiError` if the program was built for another configuration than `config`."""
    symbol = elf.symbol(DIGEST_SYMBOL)
    if symbol is None:
        return
    for segment in elf.segments:
        offset = symbol.address - segment.address
        if 0 <= offset <= len(segment.content) - 8:
            digest = int.from_bytes(segment.content[offset : offset + 8], "little")
            if digest != int(config.digest, 16):
                raise GemminiError(
                    f"{elf.path}: was built for the configuration with digest {digest:016x}, not "
                    f"for '{config.name}' ({config.digest}); give its own with --config"
                )

"""Ways to run a RISC-V program: the emulated hart, Spike, RTL simulators and boards."""

"""The C runtime, the simulator and their Python bindings."""

"""The Python API in five lines: one matrix product, compiled, executed and checked."""

import numpy as np

from gemmini_xdsl.tools.api import compile_module, run

a, b = np.ones((100, 200), np.int8), np.full((200, 60), 2, np.int8)
compiled = compile_module("gemm:M=100,N=60,K=200,out=i32")
result = run(compiled, {"A": a, "B": b}, check=True)
print(result.check, result.outputs["C"][0, 0], compiled.manifest.functions[0].instructions)

"""Makes the benchmarks importable by their tests, and by the processes that they start."""

import os
import sys
from pathlib import Path

FOLDER = str(Path(__file__).parents[2] / "benchmarks")

sys.path.insert(0, FOLDER)
os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (FOLDER, os.environ.get("PYTHONPATH"))))

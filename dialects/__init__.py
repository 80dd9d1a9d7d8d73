"""The `gemmini` and `rocc` dialects."""

"""Attributes that passes set on functions for the targets that translate them."""

NO_INLINE = "gemmini.no_inline"
"""No compiler may inline the function. xDSL's `func.func` lacks MLIR's own attribute."""

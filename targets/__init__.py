"""Emitters: C and the flat command stream."""

"""Errors of the tuner."""

from __future__ import annotations


class TuningError(Exception):
    """What the user asked for cannot be done; the message is complete and for people."""

"""The demonstration around examples/mixed_api.py: two front ends, their calls and a check."""

from demonstration.command import main

__all__ = ["main"]

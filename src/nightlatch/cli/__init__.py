"""The command line. It calls flows, never tables."""

from __future__ import annotations

__all__ = ["main"]


def main() -> None:
    """Run ``nightlatch``."""
    from nightlatch.cli.main import command

    command()

"""The section ``audit``: how the audit log proves itself, and how long it is kept."""

from __future__ import annotations

from datetime import timedelta

from nightlatch.section import Section

__all__ = ["Audit"]


class Audit(Section, frozen=True, kw_only=True):
    """How the audit log proves itself, and how long it is kept (docs/audit.md)."""

    seal_every: timedelta = timedelta(seconds=5)
    """How long an event may wait before a signed root covers it."""
    roots_file: str | None = None
    """Each root is appended here as well. On another machine's disk it proves what was there when it was written."""
    keep: timedelta | None = None
    """How long events are kept; None: for good. Roots stay in any case."""

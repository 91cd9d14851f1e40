"""What every section of the settings shares."""

from __future__ import annotations

from datetime import timedelta

import msgspec

__all__ = ["Budget", "Section"]


class Section(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Typed, frozen, unknown names refused."""


class Budget(Section, frozen=True, kw_only=True):
    """So many in so long."""

    limit: int
    per: timedelta

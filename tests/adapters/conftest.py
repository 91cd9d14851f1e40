"""Fixtures of the adapters' tests."""

from __future__ import annotations

from flask_shop import make_shop, shop

__all__ = ["make_shop", "shop"]

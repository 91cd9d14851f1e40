"""Fixtures of the adapters' tests."""

from __future__ import annotations

from fastapi_shop import fast_shop, make_fast_shop
from flask_shop import make_shop, shop

__all__ = ["fast_shop", "make_fast_shop", "make_shop", "shop"]

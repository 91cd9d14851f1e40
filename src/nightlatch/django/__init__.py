"""Nightlatch in Django.

    INSTALLED_APPS = ["nightlatch.django", ...]
    from nightlatch.django import core, require

The law of this folder: it translates, and holds no rule about who may sign in. Nothing here, nor what it imports, needs
SQLAlchemy or Alembic. The store (``store``, ``statements``, ``fields``, ``schema``, ``climbing``) goes by the rule of
``storage/``: it sees errors, records, ports, the codec, the steps, and Django. Nothing is imported before it is asked
for: Django reads this package before its settings are ready.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nightlatch.django.guards import RequireMixin, require
    from nightlatch.django.installation import core

__all__ = ["RequireMixin", "core", "require"]

_WHERE = {"RequireMixin": "guards", "core": "installation", "require": "guards"}


def __getattr__(name: str) -> Any:
    if name in _WHERE:
        return getattr(import_module(f"nightlatch.django.{_WHERE[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

"""Settings from ``NIGHTLATCH_*`` variables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, get_args, get_origin

import msgspec

from nightlatch.errors import ConfigurationError
from nightlatch.settings import Settings

__all__ = ["load_environment"]

_PREFIX = "NIGHTLATCH_"
_NO_SETTINGS = {f"{_PREFIX}CONFIG", f"{_PREFIX}RUN"}


def _lists(kind: type[msgspec.Struct], at: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Yield where settings hold lists of plain values, as their types say: a new one is read without a line here."""
    for field in msgspec.structs.fields(kind):
        if isinstance(field.type, type) and issubclass(field.type, msgspec.Struct):
            yield from _lists(field.type, (*at, field.name))
        elif any(get_origin(each) is tuple for each in (field.type, *get_args(field.type))):
            yield (*at, field.name)


_LISTS = frozenset(_lists(Settings))


def load_environment(environment: Mapping[str, str]) -> dict[str, Any]:
    """Return what ``NIGHTLATCH_*`` variables say; ``__`` separates a section from its field.

    Lists are comma-separated: ``NIGHTLATCH_SECRET_KEYS=new,old``.

    Raises:
        ConfigurationError: a section was given a value of its own.
    """
    values: dict[str, Any] = {}
    for name, text in environment.items():
        if not name.startswith(_PREFIX) or name in _NO_SETTINGS:
            continue
        *sections, field = name[len(_PREFIX) :].lower().split("__")
        target = values
        for section in sections:
            target = target.setdefault(section, {})
            if not isinstance(target, dict):
                raise ConfigurationError(f"{_PREFIX}{section.upper()} is a section: its fields are set one by one")
        if isinstance(target.get(field), dict):
            raise ConfigurationError(f"{name} is a section: its fields are set one by one")
        target[field] = (
            [each.strip() for each in text.split(",") if each.strip()] if (*sections, field) in _LISTS else text
        )
    return values

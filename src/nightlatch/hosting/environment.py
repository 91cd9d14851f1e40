"""Settings from ``NIGHTLATCH_*`` variables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nightlatch.errors import ConfigurationError

__all__ = ["load_environment"]

_PREFIX = "NIGHTLATCH_"
_NO_SETTINGS = {f"{_PREFIX}CONFIG", f"{_PREFIX}RUN"}
_LISTS = {
    "allow_hs256_single_application",
    "allowed_origins",
    "allowed_redirects",
    "pepper_keys",
    "secret_keys",
    "trusted_proxies",
}


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
        target[field] = [each.strip() for each in text.split(",") if each.strip()] if field in _LISTS else text
    return values

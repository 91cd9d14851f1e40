"""Rendering pages and mails: Jinja2, everything escaped, an undefined name is an error."""

from __future__ import annotations

from datetime import datetime
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from nightlatch.pages.devices import device_words

__all__ = ["render"]


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("nightlatch", "pages/templates"),
        autoescape=select_autoescape(("html",), default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        auto_reload=False,
    )
    environment.filters["device"] = device_words
    environment.filters["sentence"] = _sentence
    environment.filters["lasting"] = _lasting
    environment.filters["day"] = _day
    environment.filters["moment"] = _moment
    return environment


def render(template: str, **values: Any) -> str:
    """Render a template.

    Args:
        template: its name below ``templates/``.
        values: everything it names.
    """
    return _environment().get_template(template).render(**values)


def _sentence(words: str) -> str:
    """Begin as a sentence does: "a browser on Windows" is no name, "curl" is one."""
    return words[0].upper() + words[1:] if words.startswith(("a ", "an ")) else words


def _lasting(minutes: int) -> str:
    """Return how long something is good for, as one says it."""
    if minutes % 60:
        return f"{minutes} minutes"
    return "an hour" if minutes == 60 else f"{minutes // 60} hours"  # noqa: PLR2004


def _day(at: datetime, locale: str = "en") -> str:
    from babel.dates import format_date

    return format_date(at, "d MMMM y", locale=locale.replace("-", "_"))


def _moment(at: datetime, locale: str = "en") -> str:
    from babel.dates import format_datetime

    return format_datetime(at, "d MMMM y, HH:mm 'UTC'", locale=locale.replace("-", "_"))

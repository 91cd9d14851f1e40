"""The theme: a dozen custom properties, which settings may change without copying a template."""

from __future__ import annotations

import re
from collections.abc import Mapping

from nightlatch.errors import ConfigurationError

__all__ = ["PROPERTIES", "theme_css"]

PROPERTIES = (
    "ink", "muted", "line", "field", "paper", "card", "accent", "accent-ink", "link", "ok", "warn", "bad", "bad-tint",
    "tint", "ring", "radius", "font",
)  # fmt: skip
"""What a theme may set."""

_VALUE = re.compile(r"[A-Za-z0-9#%.,()/ '\"-]{1,200}")


def theme_css(light: Mapping[str, str], dark: Mapping[str, str]) -> str:
    """Return the stylesheet that overrides the theme.

    Args:
        light: properties without their dashes, and their values.
        dark: likewise, where the system is dark.

    Raises:
        ConfigurationError: a property is unknown, or a value holds what could end its declaration.
    """
    parts = []
    if light:
        parts.append(f":root {{ {_declarations(light)} }}")
    if dark:
        parts.append(f"@media (prefers-color-scheme: dark) {{ :root {{ {_declarations(dark)} }} }}")
    return "\n".join(parts) + "\n"


def _declarations(values: Mapping[str, str]) -> str:
    for name, value in values.items():
        if name not in PROPERTIES:
            raise ConfigurationError(f"pages.theme has no {name!r}; there are: {', '.join(PROPERTIES)}")
        if not _VALUE.fullmatch(value) or "url" in value.lower():
            raise ConfigurationError(f"pages.theme: {name} cannot be {value!r}")
    return " ".join(f"--{name}: {value};" for name, value in values.items())

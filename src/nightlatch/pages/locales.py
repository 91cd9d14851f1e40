"""The locale that dates are written in, and which way its lines run."""

from __future__ import annotations

from nightlatch.errors import ConfigurationError

__all__ = ["direction_of"]


def direction_of(locale: str) -> str:
    """Return ``ltr`` or ``rtl``.

    Raises:
        ConfigurationError: there is no such locale.
    """
    if locale == "en":
        return "ltr"  # most are, and Babel takes its time to load
    from babel import Locale, UnknownLocaleError

    try:
        parsed = Locale.parse(locale.replace("-", "_"))
    except (UnknownLocaleError, ValueError):
        raise ConfigurationError(f"pages.locale: there is no {locale!r}; write one such as 'en' or 'pt-BR'") from None
    return "rtl" if parsed.character_order == "right-to-left" else "ltr"

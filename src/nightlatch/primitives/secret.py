"""Text that must not be seen: it travels as `Secret` and is unwrapped at the primitive."""

from __future__ import annotations

import hmac
from typing import Final, final

__all__ = ["Secret"]


@final
class Secret:
    """Hold a secret text; print, log and pickle nothing of it.

    Args:
        text: the secret.
    """

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text: Final = text

    def reveal(self) -> str:
        """Return the text. Call this only in the line that needs it."""
        return self._text

    def __repr__(self) -> str:
        return "Secret('…')"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return format(repr(self), spec)

    def __reduce__(self) -> str:
        # A pickled secret would lie in a cache or a queue in clear.
        raise TypeError("a Secret cannot be pickled")

    def __eq__(self, other: object) -> bool:
        # ASVS 11.2.4: secrets are compared in constant time.
        return isinstance(other, Secret) and hmac.compare_digest(
            self._text.encode("utf-8", "surrogatepass"), other._text.encode("utf-8", "surrogatepass")
        )

    __hash__ = None  # type: ignore[assignment]

    def __bool__(self) -> bool:
        return bool(self._text)

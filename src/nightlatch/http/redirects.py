"""Where a person may be led after signing in: parsed, matched against a list, re-serialised (adversary 86)."""

from __future__ import annotations

from urllib.parse import quote, urlsplit

from nightlatch.settings import Settings

__all__ = ["Redirects"]

_PATH_SAFE = "/:@!$&'()*+,;=-._~%"
_QUERY_SAFE = _PATH_SAFE + "?"
_LONGEST = 2000


class Redirects:
    """Tell which targets are ours.

    Args:
        settings: for the application's address and ``allowed_redirects``.
    """

    def __init__(self, settings: Settings) -> None:
        self._origin = settings.origin
        self._allowed = frozenset(settings.allowed_redirects)

    def safe(self, target: str | None) -> str | None:  # noqa: PLR0911 - one check a paragraph
        """Return a target that may be followed, or None.

        Args:
            target: a path of this application, or a whole address on an allowed origin, as a stranger wrote it.

        Returns:
            the same in one canonical form: a path that begins with exactly one slash, or an address rebuilt from its
            parts.
        """
        if not target or len(target) > _LONGEST:
            return None
        # Browsers drop tabs and line ends, and read a backslash as a slash: neither belongs in an address.
        if (
            target.startswith("//")
            or "\\" in target
            or any(each.isspace() or not each.isprintable() for each in target)
        ):
            return None
        try:
            parts = urlsplit(target)
            origin = f"{parts.scheme}://{parts.netloc.lower()}" if parts.scheme or parts.netloc else None
        except ValueError:
            return None
        path = quote(parts.path, safe=_PATH_SAFE)
        query = f"?{quote(parts.query, safe=_QUERY_SAFE)}" if parts.query else ""
        if origin is None or origin == self._origin:
            if not path.startswith("/") or path.startswith("//"):
                return None
            return path + query
        if origin in self._allowed and "@" not in parts.netloc:
            return origin + (path or "/") + query
        return None

r"""The path of a request as every server on its way reads it, or refused.

A rule that goes by paths is only as good as the agreement on what a path is: the proxy, we and the application behind
each decode and tidy in their own way (``/public/..;/admin``, ``/%2561dmin``, ``//admin``, ``/public\..\admin``).
Where two readings are possible there is none (RFC 3986 6.2; adversary 79).
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final
from urllib.parse import unquote_to_bytes

__all__ = ["AmbiguousPath", "folded", "plain_path"]

_LONGEST: Final = 8000
_VISIBLE: Final = re.compile(r"[!-~]+", re.ASCII)
_ENCODED: Final = re.compile(r"%([0-9A-Fa-f]{2})", re.ASCII)
_NEVER_ENCODED: Final = frozenset(b"./\\%;")
"""Encoded, these hide a step up, a segment's end, or another encoding."""
_FIRST_PRINTABLE, _DELETE = 0x20, 0x7F


class AmbiguousPath(Exception):
    """Two servers could read it as two paths."""


def plain_path(target: str) -> str:
    """Return the decoded path of a request's target.

    Args:
        target: path and query as they were sent: ``/books/new?from=list``.

    Raises:
        AmbiguousPath: it begins with no slash; has control characters, spaces or others beyond ASCII, a fragment, a
            backslash, ``;``, ``//`` or a segment of dots; or encodes one of those, or what is no UTF-8.
    """
    path, _, _ = target.partition("?")
    if len(target) > _LONGEST or not target.startswith("/") or _VISIBLE.fullmatch(target) is None:
        raise AmbiguousPath("not of the form")
    if "#" in target or "\\" in path or ";" in path or "//" in path:
        raise AmbiguousPath("a fragment, backslash, parameter or empty segment")
    if path.count("%") != len(_ENCODED.findall(path)):
        raise AmbiguousPath("a percent sign that encodes nothing")
    hidden = {int(each, 16) for each in _ENCODED.findall(path)}
    if hidden & _NEVER_ENCODED or any(each < _FIRST_PRINTABLE or each == _DELETE for each in hidden):
        raise AmbiguousPath("an encoded dot, slash, backslash, percent sign or control character")
    try:
        plain = unquote_to_bytes(path).decode("utf-8")
    except UnicodeDecodeError:
        raise AmbiguousPath("no UTF-8") from None
    if _climbs(plain) or _climbs(folded(plain)) or folded(plain).count("/") != plain.count("/"):
        raise AmbiguousPath("a segment of dots")
    return plain


def folded(path: str) -> str:
    """Return what applications that do not tell letters apart take for the same path."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", path).casefold())


def _climbs(path: str) -> bool:
    return any(segment in {".", ".."} for segment in path.split("/"))

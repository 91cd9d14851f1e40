"""Static files, read once, known by the hash of their content."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

__all__ = ["Asset", "asset", "asset_of"]

_FOLDER = Path(__file__).parent / "static"
_TYPES = {
    ".ts": "text/plain; charset=utf-8",  # types, for people and editors
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}


@dataclass(frozen=True, slots=True)
class Asset:
    """A file as it is served."""

    body: bytes
    content_type: str
    version: str
    """Part of its address, so that it may be cached for ever."""


def asset_of(body: bytes, suffix: str) -> Asset:
    """Return bytes as an asset."""
    return Asset(body, _TYPES[suffix], hashlib.sha256(body).hexdigest()[:12])


def asset(name: str) -> Asset | None:
    """Return a static file, or None where there is none by that name."""
    return _files().get(name)


@cache
def _files() -> dict[str, Asset]:
    """Read every file, once. What strangers ask for is looked up here: it reaches no file system and fills no cache."""
    return {path.name: asset_of(path.read_bytes(), path.suffix) for path in _FOLDER.iterdir() if path.suffix in _TYPES}

"""Files that others read while they are written: each appears under its name only when it is whole."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["write_whole"]


def write_whole(directory: Path, name: str, suffix: str, body: bytes) -> None:
    """Write a file for its owner alone.

    Args:
        directory: made if it is not there, for its owner alone.
        name: without its suffix.
        suffix: ``.eml``.
        body: what is in it.
    """
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    unfinished = directory / f".{name}.{os.getpid()}"
    with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(body)
    unfinished.rename(directory / f"{name}{suffix}")

"""Keys on disk: made on the first run, readable by their owner alone."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from nightlatch.errors import ConfigurationError

__all__ = ["read_or_make_key", "write_private"]

_OPEN_TO_OTHERS = 0o077


def read_or_make_key(path: Path) -> str:
    """Return the key in a file; make file and key where there is none.

    Raises:
        ConfigurationError: others may read the file, or it cannot be read or made.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_private(path, secrets.token_urlsafe(48) + "\n", exclusive=True)
    except FileExistsError:
        pass
    except OSError as error:
        raise ConfigurationError(f"cannot make {path}: {error.strerror}") from None
    try:
        if path.stat().st_mode & _OPEN_TO_OTHERS:
            raise ConfigurationError(f"others may read {path}: run chmod 600 {path}")
        return path.read_text().strip()
    except OSError as error:
        raise ConfigurationError(f"cannot read {path}: {error.strerror}") from None


def write_private(path: Path, text: str, *, exclusive: bool = False) -> None:
    """Write a file that its owner alone can read, from its first moment on.

    Raises:
        FileExistsError: ``exclusive`` was asked for and it is there.
    """
    flags = os.O_WRONLY | os.O_CREAT | (os.O_EXCL if exclusive else os.O_TRUNC)
    with os.fdopen(os.open(path, flags, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())

"""What is known of leaked passwords, from every list of an installation.

A list that cannot be asked is no reason to let nobody in: the password passes, and the audit log has one event a minute
that says so (``breach_list_unavailable``).
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from nightlatch.ports import BreachList
from nightlatch.primitives.hash_list import HashList
from nightlatch.primitives.secret import Secret
from nightlatch.services.audit import Audit
from nightlatch.services.client import Client
from nightlatch.services.pwned_passwords import PwnedPasswords
from nightlatch.settings import Breaches

__all__ = ["KnownBreaches", "ListFile", "breach_lists_from"]

_REST: Final = 60.0
"""Seconds for which a list that failed is left alone: a service that is down must not slow every sign-in."""


class ListFile:
    """A file of hashes, opened when it is first asked, and again when another was put in its place.

    Args:
        path: where it is.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._opened: tuple[tuple[int, int, int], HashList] | None = None

    def open(self) -> HashList:
        """Return the list as it is on disk now.

        Raises:
            OSError: it cannot be read.
            HashListBroken: it is no such list, or not all of it is there.
        """
        status = self._path.stat()
        version = (status.st_ino, status.st_mtime_ns, status.st_size)
        opened = self._opened
        if opened is None or opened[0] != version:
            self._opened = opened = (version, HashList(self._path))
        return opened[1]

    def contains(self, password: str) -> bool:
        """Tell whether a password is in the list."""
        return self.open().contains(password)


def breach_lists_from(settings: Breaches) -> tuple[BreachList, ...]:
    """Return the lists that settings name: the file first, since it answers in microseconds. Nothing is opened."""
    lists: list[BreachList] = []
    if settings.file is not None:
        lists.append(ListFile(Path(settings.file)))
    if settings.range_url is not None:
        lists.append(PwnedPasswords(settings.range_url, settings.timeout))
    return tuple(lists)


class KnownBreaches:
    """Ask every list, in order, and let a password pass that none of them knows.

    Args:
        lists: what to ask.
        audit: notes when one of them cannot tell.
    """

    def __init__(self, lists: Sequence[BreachList], audit: Audit) -> None:
        self._lists = tuple(lists)
        self._audit = audit
        self._rests_until = [0.0] * len(self._lists)

    def contain(self, password: Secret, client: Client) -> bool:
        """Tell whether a password is known to have leaked. Call it outside any transaction: it may wait.

        Args:
            password: as typed.
            client: who typed it, for the audit log.
        """
        return any(self._asked(turn, each, password, client) for turn, each in enumerate(self._lists))

    def _asked(self, turn: int, asked: BreachList, password: Secret, client: Client) -> bool:
        if time.monotonic() < self._rests_until[turn]:
            return False
        try:
            return asked.contains(password.reveal())
        except Exception as error:  # noqa: BLE001 - whatever a list raises, nobody is locked out by it
            self._rests_until[turn] = time.monotonic() + _REST
            reason = f"{type(asked).__name__}: {type(error).__name__}: {error}"
            self._audit.counted("breach_list_unavailable", client, reason=reason[:200])
            return False

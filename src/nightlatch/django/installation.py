"""Nightlatch in one process of a project."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

from django.http import HttpRequest

from nightlatch.auth import Nightlatch as Core
from nightlatch.django.configuration import Configuration, under_test_runner
from nightlatch.django.mailer import DjangoMailer
from nightlatch.django.schema import verify_schema
from nightlatch.django.store import DjangoStore
from nightlatch.hosting.installation import HostInstallation
from nightlatch.ports import Clock, EventSink, Mailer, Store, TextSender
from nightlatch.settings import Settings

__all__ = ["Installation", "begin", "core", "end", "installation", "reset"]


class Installation(HostInstallation):
    """What one process has of Nightlatch: wired at first use.

    Args:
        store: a store in the database's place, or None.
        mailer: hands mail over; None: as settings say, Django's or ours.
        text_sender: hands texts over; None: as settings say.
        clock: tells the time; None: the machine's.

    Raises:
        ConfigurationError: a setting is unknown or cannot be used.
    """

    configuration: Configuration

    def __init__(
        self,
        *,
        store: Store | None = None,
        mailer: Mailer | None = None,
        text_sender: TextSender | None = None,
        clock: Clock | None = None,
    ) -> None:
        found = Configuration(has_mailer=mailer is not None)
        if mailer is None and found.mails_by_django:
            mailer = DjangoMailer()
        super().__init__(found, store=store, mailer=mailer, text_sender=text_sender, clock=clock)

    def settle(self, request: HttpRequest) -> Settings:
        """Settle the settings at the first request: in debug mode its ``Host`` becomes the address.

        Raises:
            ConfigurationError: they are missing or cannot be used.
        """
        return self.prepare(request._get_raw_host)

    def runs_in_background(self) -> bool:
        """Tell whether a thread of ours delivers mail: not under a test runner, where `outbox.run_once` does."""
        return not under_test_runner()

    def close(self) -> None:
        """End the threads; the connections are Django's."""
        with self._lock:
            web, self._web = self._web, None
        if web is not None:
            web.auth.stop()

    def event_sinks(self) -> Sequence[EventSink]:
        """Return who is told of events."""
        from nightlatch.django.signals import FailedSignIns

        return (FailedSignIns(),)

    def open_store(self, settings: Settings) -> Store:
        """Open the store on the project's database, once its schema is seen to fit.

        Raises:
            SchemaMismatch: `manage.py migrate nightlatch` is to be run.
            StoreUnavailable: the database cannot be reached.
        """
        del settings
        alias = self.configuration.database
        if not self.mends_the_schema:
            verify_schema(alias)
        return DjangoStore(alias)


_found: Installation | None = None
_lock = threading.Lock()


def installation() -> Installation:
    """Return Nightlatch in this process.

    Raises:
        ConfigurationError: a setting is unknown or cannot be used.
    """
    global _found  # noqa: PLW0603 - one a process, as Django's settings are
    if _found is None:
        with _lock:
            if _found is None:
                _found = Installation()
    return _found


def begin(
    *,
    store: Store | None = None,
    mailer: Mailer | None = None,
    text_sender: TextSender | None = None,
    clock: Clock | None = None,
) -> Installation:
    """Begin anew with parts that no setting names: for tests.

    Args:
        store: a store in the database's place.
        mailer: hands mail over.
        text_sender: hands texts over.
        clock: tells the time.
    """
    global _found  # noqa: PLW0603
    end()
    _found = Installation(store=store, mailer=mailer, text_sender=text_sender, clock=clock)
    return _found


def end() -> None:
    """End the threads, and let the next use wire anew."""
    global _found
    with _lock:
        old, _found = _found, None
    if old is not None:
        old.close()


def core() -> Core:
    """Return everything the pages use: sign_up, sign_in, account, provision, operator ...

    Raises:
        ConfigurationError: settings are missing or cannot be used.
    """
    return installation().core


_MADE_OF = {
    "NIGHTLATCH",
    "AUTH_USER_MODEL",
    "DEBUG",
    "EMAIL_BACKEND",
    "EMAIL_HOST",
    "MAILERS",
    "ROOT_URLCONF",
    "SESSION_COOKIE_NAME",
    "CSRF_COOKIE_NAME",
}


def reset(*, setting: str, **_: Any) -> None:
    """Begin anew where a test overrides settings that ours are made of."""
    if setting in _MADE_OF:
        end()

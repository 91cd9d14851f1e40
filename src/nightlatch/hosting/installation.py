"""Nightlatch in one application: wired at first use, so that building it opens nothing."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from urllib.parse import urlsplit

from nightlatch.auth import Nightlatch as Core
from nightlatch.hosting.configuration import HostConfiguration
from nightlatch.http.app import HttpApp
from nightlatch.ports import Clock, EventSink, Mailer, Store, TextSender
from nightlatch.settings import Settings

__all__ = ["HostInstallation"]


class HostInstallation:
    """What one application has of Nightlatch. A framework's own says where its engine is and whether it is tested.

    Args:
        configuration: what the application's settings say.
        store: a store that was handed over, or None.
        mailer: hands mail over; None: as settings say.
        text_sender: hands texts over; None: as settings say.
        clock: tells the time; None: the machine's.
    """

    def __init__(
        self,
        configuration: HostConfiguration,
        *,
        store: Store | None,
        mailer: Mailer | None,
        text_sender: TextSender | None,
        clock: Clock | None,
    ) -> None:
        self.configuration = configuration
        self.mount = configuration.outline.mount
        self.mends_the_schema = False
        """Whether a command runs that is for what all else is refused for."""
        self._store = store
        self._mailer = mailer
        self._text_sender = text_sender
        self._clock = clock
        self._lock = threading.RLock()
        self._settings: Settings | None = None
        self._web: HttpApp | None = None

    # --- what a framework says --------------------------------------------------------------------------------------

    def host(self) -> str:
        """Return the ``Host`` of the request at hand, or where there is none that of the development server."""
        return urlsplit(self.configuration.address).netloc

    def settings_for(self, host: str) -> Settings:
        """Return the settings, once and for all."""
        return self.configuration.settings(host)

    def open_store(self, settings: Settings) -> Store:
        """Open the store that settings name, once its schema is seen to fit.

        Raises:
            ConfigurationError: the schema is not the one this version works on.
            StoreUnavailable: the database cannot be reached.
        """
        raise NotImplementedError

    def runs_in_background(self) -> bool:
        """Tell whether a thread of ours delivers mail: not under a test runner, where `outbox.run_once` does."""
        return True

    def event_sinks(self) -> Sequence[EventSink]:
        """Return who is told of events, beside the audit table."""
        return ()

    # --- wiring -----------------------------------------------------------------------------------------------------

    @property
    def core(self) -> Core:
        """The core: sign_up, sign_in, account, operator ..."""
        return self.web.auth

    @property
    def web(self) -> HttpApp:
        """The web layer; wired, and the schema seen, at first use in each process.

        Raises:
            ConfigurationError: settings are missing, the schema is not the one this version works on, or the database
                is in use under other secret keys.
            StoreUnavailable: the database cannot be reached; the next use tries again.
        """
        if self._web is None:
            with self._lock:
                if self._web is None:
                    self._web = self._wire()
        return self._web

    @property
    def prepared(self) -> bool:
        """Whether the settings are settled."""
        return self._settings is not None

    def prepare(self, host: Callable[[], str] | None = None) -> Settings:
        """Settle the settings, with nothing of the database yet.

        Args:
            host: gives the first request's ``Host``, which in debug mode becomes the address; None: `host` does.

        Raises:
            ConfigurationError: they are missing or cannot be used.
        """
        if self._settings is None:
            with self._lock:
                if self._settings is None:
                    self._settings = self.settings_for((host or self.host)())
        return self._settings

    def close(self) -> None:
        """End the threads and let go of what was opened here; the next use wires anew."""
        with self._lock:
            web, self._web = self._web, None
        if web is not None:
            self._let_go(web.auth)

    def _let_go(self, core: Core) -> None:
        if self._store is None:
            core.close()
        else:
            core.stop()  # a store that was handed over is closed by whoever made it

    def _wire(self) -> HttpApp:
        settings = self.prepare()
        store = self._store or self.open_store(settings)
        core = Core(
            settings,
            store,
            mailer=self._mailer,
            text_sender=self._text_sender,
            clock=self._clock,
            event_sinks=self.event_sinks(),
            background=self.runs_in_background(),
        )
        if not self.mends_the_schema:
            try:
                core.see_keys()
            except BaseException:
                self._let_go(core)
                raise
        return HttpApp(core)

"""The whole core for a test: on a store in memory unless told otherwise, with a clock and a mailbox."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nightlatch.auth import Nightlatch
from nightlatch.flows.outcome import Complete, More
from nightlatch.ports import EventSink, Store
from nightlatch.primitives.secret import Secret
from nightlatch.services.client import Client
from nightlatch.settings import Hashing, Settings
from nightlatch.storage.memory import MemoryStore
from nightlatch.testing.clock import Clock
from nightlatch.testing.mailbox import Mailbox
from nightlatch.testing.text_inbox import TextInbox

__all__ = ["PASSWORD", "Household"]

PASSWORD = Secret("correct horse battery staple")
"""A password that the policy takes."""


class Household:
    """An installation for tests: cheap hashing, no thread of its own, time and mail in the test's hands.

    Args:
        store: where records are kept; None: in memory.
        event_sinks: who else is told of audit events.
        settings: what differs from the usual settings.
    """

    def __init__(self, store: Store | None = None, *, event_sinks: Sequence[EventSink] = (), **settings: Any) -> None:
        usual: dict[str, Any] = {
            "base_url": "http://localhost:8000",
            "secret_keys": (Secret("a secret key for tests, long enough to be one"),),
            "service_name": "Harbour Books",
            "hashing": Hashing(profile="cheap_for_tests", slots=2, queue=64),
        }
        self.settings = Settings(**{**usual, **settings})
        self.store: Store = store if store is not None else MemoryStore()
        self.clock = Clock()
        self.mailbox = Mailbox()
        self.texts = TextInbox()
        self.auth = Nightlatch(
            self.settings,
            self.store,
            mailer=self.mailbox,
            text_sender=self.texts,
            clock=self.clock,
            event_sinks=event_sinks,
            background=False,
        )
        self.mailbox.deliver = self.texts.deliver = self.auth.outbox.run_once

    def sign_up(self, email: str, *, client: Client | None = None, password: Secret = PASSWORD) -> Complete:
        """Sign somebody up by address, all the way; the result holds user, session and the session cookie's value."""
        client = client or Client(ip="192.0.2.7", user_agent="a test")
        more = self.auth.sign_up.begin(client, email=email, password=password)
        assert isinstance(more, More)
        address = more.address or email
        done = self.auth.attempts.answer(
            client, more.attempt, authenticator="email_code", code=self.mailbox.code_for(address)
        )
        assert isinstance(done, Complete)
        return done

    def close(self) -> None:
        """Let everything go."""
        self.auth.close()

"""What a conversation is, and where it takes place."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from nightlatch.auth import Nightlatch
from nightlatch.ports import Mail
from nightlatch.testing.adapter_contract.transcript import Recorder
from nightlatch.testing.browser import Browser
from nightlatch.testing.clock import Clock
from nightlatch.testing.mailbox import Mailbox

__all__ = ["LEO", "MIA", "SECRET", "SETTINGS", "Conversation", "Premises", "Talk", "conversation"]

MIA, LEO = "mia@example.org", "leo@example.org"
SECRET = "correct horse battery staple"  # noqa: S105 - a password of the stories

SETTINGS: Mapping[str, Any] = {
    "base_url": "http://localhost:8000",
    "secret_keys": ["a secret key for tests, long enough to be one"],
    "service_name": "Harbour Books",
    # Not the default: over http Flask's own session has that name.
    "cookie_name": "harbour",
    "hashing": {"profile": "cheap_for_tests", "slots": 2, "queue": 32},
    "mail": {"transport": "memory"},
}
"""What every conversation's settings begin with, as plain values."""


@dataclass(kw_only=True)
class Premises:
    """What a site under test is to be made of.

    Args:
        settings: plain values, as a framework's configuration has them; `nightlatch.settings.settings_from` reads them.
        clock: what the core is to ask for the time. It stands still unless a conversation moves it.
        mailbox: the core's mailer. Where the core runs elsewhere, set ``mailbox.deliver`` to what brings its mail here.
    """

    settings: dict[str, Any]
    clock: Clock = field(default_factory=Clock)
    mailbox: Mailbox = field(default_factory=Mailbox)
    _core: Nightlatch | None = None

    @property
    def core(self) -> Nightlatch:
        """The core that runs in the site, once `run_by` has named it."""
        assert self._core is not None, "open_site calls premises.run_by(core)"
        return self._core

    @property
    def runs_here(self) -> bool:
        """Whether the core runs in this process."""
        return self._core is not None

    def run_by(self, core: Nightlatch) -> None:
        """Name the core that runs in the site. What its background would do is done before each look at the mail."""
        assert core.clock is self.clock, "the core asks another clock"
        self._core = core
        self.mailbox.deliver = core.background.run_once


class Talk:
    """One conversation under way: browsers at one site, time and mail.

    Args:
        recorder: the site, which writes down what is said.
        premises: what it is made of.
    """

    def __init__(self, recorder: Recorder, premises: Premises) -> None:
        self.recorder = recorder
        self.premises = premises
        self.cookie = str(premises.settings["cookie_name"])

    @property
    def core(self) -> Nightlatch:
        """The core, for what an operator does (``needs={"core"}``)."""
        return self.premises.core

    def browser(self, **more: Any) -> Browser:
        """Return a browser without cookies."""
        return Browser(site=self.recorder, mount=self.premises.settings.get("mount", "/auth"), **more)

    def later(self, **by: float) -> None:
        """Let time go by, in the words of `timedelta`."""
        self.premises.clock.advance(**by)

    def mail(self, to: str) -> Mail:
        """Read the newest mail to an address, and write it down."""
        mail = self.premises.mailbox.newest(to)
        self.recorder.transcript.mailed(mail)
        return mail

    def code(self, to: str = MIA) -> str:
        """Return the code in the newest mail to an address."""
        self.mail(to)
        return self.premises.mailbox.code_for(to).reveal()

    def link(self, to: str = MIA) -> str:
        """Return the link's secret in the newest mail to an address."""
        self.mail(to)
        return self.premises.mailbox.link_for(to).reveal()

    # --- what many conversations begin with -------------------------------------------------------------------------

    def member(self, email: str = MIA, **more: Any) -> Browser:
        """Sign somebody up by JSON, and return the browser that is signed in."""
        browser = self.browser(**more)
        status, begun = browser.call("POST", "/api/sign-up", {"email": email, "password": SECRET})
        assert status == 202, begun
        answer = {"attempt": begun["attempt"], "authenticator": "email_code", "code": self.code(email)}
        status, done = browser.call("POST", "/api/attempt/answer", answer)
        assert (status, done["status"]) == (200, "complete")
        self.later(seconds=1)
        return browser

    def signed_in(self, identifier: str = MIA, **more: Any) -> Browser:
        """Sign somebody in by JSON, and return the browser."""
        browser = self.browser(**more)
        status, done = browser.call("POST", "/api/sign-in", {"identifier": identifier, "password": SECRET})
        assert (status, done["status"]) == (200, "complete")
        self.later(seconds=1)
        return browser


@dataclass(frozen=True, kw_only=True, eq=False)
class Conversation:
    """A story to be told at every site.

    Args:
        tell: the story.
        settings: what differs from `SETTINGS`.
        needs: what the site's transport must be able to do: ``root``, ``chunked``, ``peer``,
            ``bytes`` beyond ASCII in headers, a ``repeated_type``, any ``host``, an ``odd_host``, ``connect`` with
            a path, the ``bare_mount`` without its slash; and ``core`` for what an operator does.
    """

    tell: Callable[[Talk], None]
    settings: Mapping[str, Any]
    needs: frozenset[str]

    @property
    def name(self) -> str:
        """Subject and story: ``sign_up.by_code``."""
        return f"{self.tell.__module__.rpartition('.')[2]}.{self.tell.__name__}"

    def premises(self) -> Premises:
        """Return fresh premises."""
        return Premises(settings={**SETTINGS, **self.settings})


def conversation(
    told: list[Conversation], *, needs: Iterable[str] = (), **settings: Any
) -> Callable[[Callable[[Talk], None]], Callable[[Talk], None]]:
    """Put a function into a file's list of conversations.

    Args:
        told: the list.
        needs: see `Conversation`.
        settings: see `Conversation`.
    """

    def put(tell: Callable[[Talk], None]) -> Callable[[Talk], None]:
        told.append(Conversation(tell=tell, settings=settings, needs=frozenset(needs)))
        return tell

    return put

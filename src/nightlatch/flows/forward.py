"""Forward authentication: a proxy asks whether a request may pass to an application that knows nothing of us.

A browser that is signed in here gets, by a code that is good once, a session on the application's own host. That one is
derived from the session here: an HMAC over its id, its secret's hash and the site. Nothing of it is stored, it is good
for one site, and it ends in the moment in which the session here ends or gets a new secret.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlsplit
from uuid import UUID

from nightlatch.errors import Forbidden, InvalidCode, NotAuthenticated, ReauthenticationRequired
from nightlatch.flows.core import Core
from nightlatch.primitives.assurance import meets
from nightlatch.primitives.opaque import Kind, MalformedToken, named, parse, uuid_of
from nightlatch.primitives.secret import Secret
from nightlatch.records import Session
from nightlatch.services.client import Client
from nightlatch.services.forward_rules import Asked, ForwardRules

__all__ = ["Forward", "Passed"]

_PURPOSE = "forward"
_CODE_LIFE = timedelta(seconds=60)


@dataclass(frozen=True, slots=True, kw_only=True)
class Passed:
    """A request that may pass.

    Args:
        session: the one here that it rides on.
        remote_user: what the application is told as the user's name; empty where the user has none of that kind.
        assertion: the same, and more, as a signed token for this site alone.
    """

    session: Session
    remote_user: str
    assertion: Secret


class Forward:
    """Let requests pass, and give browsers a session on the hosts of applications.

    Args:
        core: what flows stand on.
    """

    def __init__(self, core: Core) -> None:
        self._core = core
        self._rules = ForwardRules(core.settings.forward)

    def knows(self, site: str) -> bool:
        """Tell whether an origin is that of an application which may ask."""
        return self._rules.known(site)

    def admit(self, asked: Asked, token: str | None) -> Passed:
        """Let a request pass.

        Args:
            asked: the request, as a trusted proxy told it.
            token: the value of the cookie that the browser has for the site; None: it has none.

        Raises:
            Forbidden: no rule names it, its path can be read in two ways, or the user lacks a role.
            NotAuthenticated: nobody is signed in there.
            ReauthenticationRequired: the session is not sure or not fresh enough.
        """
        core = self._core
        self._rules.needed(asked)  # what nobody may have is told before somebody signs in for it
        session = self.recognise(asked.site, token)
        self._meet(asked, session)
        core.sessions.touch(session)
        if core.sessions.has_touches:
            core.background.wake()
        names = {"id": str(session.user_id), "username": session.username, "email": session.email}
        return Passed(
            session=session,
            remote_user=names[core.settings.forward.remote_user] or "",
            assertion=core.tokens.assertion(session, urlsplit(asked.site).netloc),
        )

    def recognise(self, site: str, token: str | None) -> Session:
        """Tell which session here a site's cookie is derived from: by one read.

        Raises:
            NotAuthenticated: none, or it has ended, or has another secret by now.
        """
        core = self._core
        try:
            presented = parse(Kind.FORWARD, token or "")
            session = core.store.get(Session, uuid_of(presented))
        except MalformedToken:
            raise NotAuthenticated("no forward session") from None
        if session is None or not core.sessions.lives(session):
            raise NotAuthenticated("the session it is derived from has ended")
        if not any(hmac.compare_digest(presented.text(), each) for each in self._derived(session, site)):
            raise NotAuthenticated("a forward session of another site, or of an earlier secret")
        return session

    def issue(self, session: Session, asked: Asked, state_hash: str) -> Secret:
        """Issue the code by which one browser gets its session on one site.

        Args:
            session: the browser's session here.
            asked: where the person wants to go.
            state_hash: of the secret that the browser has in a cookie of that site.

        Returns:
            the code: good for 60 seconds, once, there, for that browser.

        Raises:
            Forbidden, ReauthenticationRequired: as `admit`.
        """
        core = self._core
        self._meet(asked, session)
        with core.transaction():
            issued = core.one_time.issue(
                _PURPOSE,
                destination_key=_destination(session.id, asked.site, state_hash),
                life=_CODE_LIFE,
                user_id=session.user_id,
                channel="handed_over",
                with_code=False,
            )
        return issued.link

    def redeem(self, client: Client, site: str, code: Secret, state_hash: str) -> tuple[Session, Secret]:
        """Use a code up.

        Args:
            client: who brings it.
            site: where it was brought.
            code: as `issue` returned it.
            state_hash: of the secret that the browser has in its cookie.

        Returns:
            the session here, and the value of the site's own cookie.

        Raises:
            LinkInvalid: unknown, used or expired.
            InvalidCode: used at the same time by another request; or brought by another browser, or to another site:
                then it is spent as well, for it is not where it should be.
            NotAuthenticated: the session here has ended in between.
        """
        core = self._core
        row = core.one_time.find_link(code, _PURPOSE)
        session_id = UUID(row.destination_key.partition(" ")[0])
        rightly = row.destination_key == _destination(session_id, site, state_hash)
        with core.transaction():
            core.one_time.redeem(row)
            if rightly:
                core.audit.done(
                    "forward_session_created",
                    client,
                    user_id=row.user_id,
                    session_id=session_id,
                    details={"site": site},
                )
        if not rightly:
            core.audit.refused(
                "forward_session_created",
                client,
                reason="another browser's or another site's code",
                user_id=row.user_id,
                details={"site": site},
            )
            raise InvalidCode("another browser's or another site's code")
        session = core.store.get(Session, session_id)
        if session is None or not core.sessions.lives(session):
            raise NotAuthenticated("session ended in between")
        return session, Secret(next(self._derived(session, site)))

    def _derived(self, session: Session, site: str) -> Iterator[str]:
        """Return the token of a session for a site, under each secret key, the newest first."""
        for mac in self._core.keyring.macs("forward session", str(session.id), session.secret_hash.hex(), site):
            yield named(Kind.FORWARD, session.id, mac).text()

    def _meet(self, asked: Asked, session: Session) -> None:
        needed = self._rules.needed(asked)
        if any(set(roles).isdisjoint(session.roles) for roles in needed.roles):
            raise Forbidden("user without the role")
        if not meets(
            session.evidence,
            aal=needed.aal,
            max_age=needed.max_age,
            phishing_resistant=needed.phishing_resistant,
            now=self._core.clock.now(),
        ):
            raise ReauthenticationRequired("session not sure enough", aal=needed.aal, max_age=needed.max_age)


def _destination(session_id: UUID, site: str, state_hash: str) -> str:
    # One column says where a code goes: from which session, to which site, for which browser.
    return f"{session_id} {site} {state_hash}"

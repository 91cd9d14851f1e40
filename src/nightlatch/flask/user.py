"""Who is signed in, as Flask applications ask it."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from flask import current_app, g, has_request_context
from flask_login import AnonymousUserMixin
from werkzeug.local import LocalProxy

from nightlatch.errors import ConfigurationError, NotAuthenticated
from nightlatch.http.visitors import SignedInUser
from nightlatch.records import Session, User

if TYPE_CHECKING:
    from nightlatch.flask.installation import Installation

__all__ = ["Anonymous", "CurrentUser", "allow_scope", "current_user", "end_session", "installation", "load_user"]


class CurrentUser(SignedInUser):
    """Somebody who is signed in: what the session's own row tells, without a second read.

    Args:
        session: the living session.
        site: reads the whole user, when a field is asked for that the session does not carry.
    """

    is_active = True
    is_anonymous = False

    def __init__(self, session: Session, site: Installation) -> None:
        super().__init__(session)
        self._site = site
        self._user: User | None = None

    def get_id(self) -> str:
        """Return the id as text, as Flask-Login has it."""
        return str(self.session.user_id)

    @property
    def name(self) -> str:
        """What to call the person: the name, else the user name, else the address (a second read at first use)."""
        return self.user.name or self.session.username or self.session.email or "you"

    @property
    def user(self) -> User:
        """The whole record (a second read at first use).

        Raises:
            NotAuthenticated: the user was deleted since the session was looked up.
        """
        if self._user is None:
            self._user = self._site.core.store.get(User, self.session.user_id)
        if self._user is None:
            raise NotAuthenticated("the user is gone")
        return self._user


class Anonymous(AnonymousUserMixin):  # type: ignore[misc] # Flask-Login is not typed
    """Nobody is signed in."""

    id = None
    email = None
    username = None
    name = None
    roles: tuple[str, ...] = ()
    session = None
    user = None

    def has_role(self, role: str) -> bool:
        """Nobody has a role."""
        del role
        return False


def installation() -> Installation:
    """Return Nightlatch in the current application.

    Raises:
        ConfigurationError: it has none.
    """
    found = current_app.extensions.get("nightlatch")
    if found is None:
        raise ConfigurationError("this application has no Nightlatch: write Nightlatch(app), or auth.init_app(app)")
    return cast("Installation", found)


def load_user() -> CurrentUser | Anonymous:
    """Return who is signed in; the request's one look-up is kept on ``g``."""
    if not has_request_context():
        return Anonymous()
    if "nightlatch_user" not in g:
        site = installation()
        session = site.exchange.session_in_host
        g.nightlatch_user = Anonymous() if session is None else CurrentUser(session, site)
    return cast("CurrentUser | Anonymous", g.nightlatch_user)


def allow_scope(scope: str) -> None:
    """Let an API key with this scope be its owner from now on, in this request.

    Raises:
        Forbidden: the request brings a key without it.
    """
    installation().exchange.allow_scope(scope)
    for name in ("nightlatch_user", "_login_user"):
        g.pop(name, None)


def end_session() -> None:
    """End the session that the current request rides on, if it rides on one."""
    session = load_user().session
    if session is not None:
        site = installation()
        site.core.account.sign_out(site.exchange.client, session)
    g.nightlatch_user = Anonymous()


current_user = cast("CurrentUser", LocalProxy(load_user))
"""Who is signed in, or an anonymous user. One read for each request, at first use."""

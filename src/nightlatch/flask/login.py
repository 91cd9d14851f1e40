"""Flask-Login's names, answered by Nightlatch: its session and its remember cookie sign nobody in."""

from __future__ import annotations

from typing import Any, NoReturn

from flask import Flask, g, session
from flask_login import LoginManager

from nightlatch.errors import ConfigurationError, NotAuthenticated
from nightlatch.flask import user as users

__all__ = ["Login"]


class Login(LoginManager):  # type: ignore[misc] # Flask-Login is not typed
    """Flask-Login's manager, with nothing of its own to say.

    Args:
        app: the application.
    """

    def __init__(self, app: Flask) -> None:
        super().__init__()
        self.anonymous_user = users.Anonymous
        # Its context processor would look the session up for every template, needed or not; ours gives a proxy.
        self.init_app(app, add_context_processor=False)

    def _load_user(self) -> None:
        # Not a request_loader: a left-over remember cookie would keep that from being called.
        g._login_user = users.load_user()  # noqa: SLF001 - where Flask-Login looks
        if "_fresh" in session:
            # A left-over of Flask's session is no proof, and none of its age (`require(max_age=...)` asks for that).
            session.pop("_fresh")

    def _update_request_context_with_user(self, user: Any = None) -> None:
        """Answer `logout_user`, the one who comes here: end the session, on the server."""
        del user
        users.end_session()
        g._login_user = users.load_user()  # noqa: SLF001

    def _update_remember_cookie(self, response: Any) -> Any:
        return response

    @property
    def id_attribute(self) -> NoReturn:
        """Keep `login_user` from writing who is signed in into Flask's session: it would sign nobody in."""
        mount = users.installation().mount
        raise ConfigurationError(
            f"flask_login.login_user() signs nobody in here: lead people to the page {mount}/sign-in,"
            f" or let the client POST {{identifier, password}} to {mount}/api/sign-in"
        )

    @id_attribute.setter
    def id_attribute(self, value: str) -> None:
        """Take Flask-Login's own initial value, and forget it."""

    def unauthorized(self) -> Any:
        """Refuse, in the way that `nightlatch.flask.login_required` does, or as the application's own handler does."""
        if self.unauthorized_callback is not None:
            return self.unauthorized_callback()
        raise NotAuthenticated("nobody is signed in")

    def needs_refresh(self) -> NoReturn:
        """Answer `fresh_login_required`, whose freshness is kept in Flask's session and proves nothing."""
        raise ConfigurationError(
            "flask_login.fresh_login_required knows nothing of proofs:"
            " write @require(max_age=timedelta(minutes=10)) of nightlatch.flask"
        )

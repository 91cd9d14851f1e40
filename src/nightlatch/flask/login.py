"""Flask-Login's names, answered by Nightlatch: its session and its remember cookie sign nobody in."""

from __future__ import annotations

from typing import Any, NoReturn

from flask import Flask, g
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
        self.init_app(app)

    def _load_user(self, user: Any = None) -> None:
        # Not a request_loader: a left-over remember cookie would keep that from being called.
        del user
        g._login_user = users.load_user()  # noqa: SLF001 - where Flask-Login looks

    def _update_remember_cookie(self, response: Any) -> Any:
        return response

    @property
    def id_attribute(self) -> NoReturn:
        """Keep `login_user` from writing who is signed in into Flask's session: it would sign nobody in."""
        raise ConfigurationError(
            "flask_login.login_user() signs nobody in here. Send people to the sign-in page, or call"
            " current_app.extensions['nightlatch'].core.sign_in.begin(...) and set the cookies that it returns"
        )

    @id_attribute.setter
    def id_attribute(self, value: str) -> None:
        """Take Flask-Login's own initial value, and forget it."""

    def unauthorized(self) -> NoReturn:
        """Refuse, in the way that `nightlatch.flask.login_required` does."""
        raise NotAuthenticated("nobody is signed in")

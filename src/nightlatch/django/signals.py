"""What Django's ``login()`` and ``logout()`` do, here; and what our routes do that these would."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from django.contrib.auth import HASH_SESSION_KEY, SESSION_KEY
from django.contrib.auth.models import AnonymousUser
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.dispatch import Signal
from django.http import HttpRequest
from django.middleware.csrf import rotate_token

from nightlatch.django.configuration import under_test_runner
from nightlatch.django.identity import TEST_TOKEN, auth_of
from nightlatch.django.installation import installation
from nightlatch.django.users import user_of
from nightlatch.errors import ConfigurationError
from nightlatch.services.gate import Assurance

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nightlatch.http.messages import Response
    from nightlatch.records import Event, Session

__all__ = [
    "ASSURANCE",
    "FailedSignIns",
    "SecurityEvents",
    "by_our_routes",
    "end_session",
    "follow",
    "security_event",
    "start_session",
]

log = logging.getLogger("nightlatch.audit")

ASSURANCE = "_nightlatch_assurance"
"""What `authenticate` leaves on a user for `login`: the gate's word."""

_ours: ContextVar[HttpRequest | None] = ContextVar("nightlatch_request", default=None)


# --- Django's functions, on our session -------------------------------------------------------------------------------


def start_session(sender: Any, request: HttpRequest, user: Any, **_: Any) -> None:
    """Answer ``login()``: start a session from what the gate said of this user; without it, sign nobody in.

    Raises:
        ConfigurationError: the user does not come from ``authenticate()``.
        AttemptInvalid: the user was suspended, reset or removed since.
    """
    del sender
    if _ours.get() is request:
        return  # our own route has started it
    auth = auth_of(request)
    assurance = user.__dict__.pop(ASSURANCE, None)
    try:
        if not isinstance(assurance, Assurance):
            assurance = _forced(user)
        complete = installation().core.sign_in.start(auth.exchange.client, assurance)
    except Exception:
        request.session.flush()
        request.user = AnonymousUser()
        raise
    auth.cookies = auth.exchange.sign_in_cookies(complete)
    auth.become(complete.session, user)
    if under_test_runner() and "REQUEST_METHOD" not in request.META and complete.token is not None:
        # The test client's stand-in of a request: no answer will carry a cookie.
        request.session[TEST_TOKEN] = complete.token.reveal()


def _forced(user: Any) -> Assurance:
    if not under_test_runner():
        raise ConfigurationError(
            "login() signs in whom authenticate() has just returned, and nobody else: lead people to the page"
            f" {installation().mount}/sign-in, or call authenticate(request, username=..., password=...) before"
        )
    from nightlatch.django.forced import assurance_for

    return assurance_for(user)


def end_session(sender: Any, request: HttpRequest, **_: Any) -> None:
    """Answer ``logout()``: end the session, on the server."""
    del sender
    if _ours.get() is request:
        return
    auth = auth_of(request)
    if auth.session is None:
        return
    core = installation().core
    core.account.sign_out(auth.exchange.client, auth.session)
    if auth.exchange.bearer is None:
        auth.cookies = [auth.exchange.app.cookies.clear(auth.exchange.app.cookies.session)]
    auth.become(None, AnonymousUser())


# --- our routes, as Django's functions would ------------------------------------------------------------------------


@contextmanager
def by_our_routes(request: HttpRequest) -> Iterator[None]:
    """Mark that one of our routes answers, so that its refusals are told to `user_login_failed`."""
    token = _ours.set(request)
    try:
        yield
    finally:
        _ours.reset(token)


security_event = Signal()
"""Sent after each audit event, once its transaction has ended, with ``event=`` (a `nightlatch.records.Event`)."""


class SecurityEvents:
    """Tell Django's receivers of every event; what one of them raises is logged and changes nothing."""

    def receive(self, event: Event) -> None:
        """Send `security_event`."""
        for receiver, outcome in security_event.send_robust(sender="nightlatch.django", event=event):
            if isinstance(outcome, Exception):
                log.error("a receiver of security_event failed on %s: %r", event.action, receiver, exc_info=outcome)


class FailedSignIns:
    """Tell Django of sign-ins that our routes refused."""

    def receive(self, event: Event) -> None:
        """Send the signal that `authenticate` sends by itself. What was typed is not in it."""
        request = _ours.get()
        if request is not None and event.action == "authn_login_fail":
            user_login_failed.send(sender="nightlatch.django", credentials={}, request=request)


def follow(request: HttpRequest, told: Response) -> None:
    """Do to Django's session and signals what Django's functions would have, after one of our routes has acted."""
    if told.signed_out is not None:
        _signed_out(request, told.signed_out)
    if told.rotated is not None and told.rotated.session is not None:
        _turned_over(request, told.rotated.session)
    if told.signed_in is not None and told.signed_in.session is not None:
        user = _turned_over(request, told.signed_in.session)
        if user is not None:
            user_logged_in.send(sender=type(user), request=request, user=user)


def _signed_out(request: HttpRequest, session: Session) -> None:
    user = user_of(session)
    user_logged_out.send(sender=type(user), request=request, user=user)
    if hasattr(request, "session"):
        request.session.flush()
    auth_of(request).become(None, AnonymousUser())
    request.user = AnonymousUser()


def _turned_over(request: HttpRequest, session: Session) -> Any:
    user = user_of(session)
    if user is not None:
        auth_of(request).become(session, user)
        _turn_over(request, user)
        request.user = user
        rotate_token(request)
    return user


def _turn_over(request: HttpRequest, user: Any) -> None:
    """Give Django's session a new key, or empty it where another user has left things in it."""
    session = getattr(request, "session", None)
    if session is None:
        return
    key = user._meta.pk.value_to_string(user)
    if session.get(SESSION_KEY, key) != key:
        session.flush()
    else:
        session.cycle_key()
    # What `login()` looks at before it signs somebody else in. Without a backend's name beside it nobody's authority.
    session[SESSION_KEY] = key
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()

"""Who am I, my devices, my account."""

from __future__ import annotations

from nightlatch.errors import NotFound
from nightlatch.http.api.shapes import (
    AccountChanges,
    ChangePasswordBody,
    EventsShape,
    Revoked,
    SessionsShape,
    SessionView,
    account_shape,
    event_shape,
    one_session,
    session_shape,
    user_of_session,
)
from nightlatch.http.api.sign_in import signed_in
from nightlatch.http.bodies import uuid_of
from nightlatch.http.exchange import Exchange
from nightlatch.http.messages import Response

__all__ = [
    "account",
    "change_account",
    "change_password",
    "events",
    "revoke_others",
    "revoke_session",
    "session",
    "sessions",
    "sign_out",
]


def session(exchange: Exchange) -> Response:
    """Who am I? One indexed read."""
    found = exchange.session
    return exchange.json(SessionView(user=user_of_session(found), session=session_shape(found)))


def sign_out(exchange: Exchange) -> Response:
    """Sign out: the session ends on the server, its cookie goes."""
    response = exchange.nothing()
    response.headers.extend(exchange.sign_out())
    return response


def sessions(exchange: Exchange) -> Response:
    """My devices."""
    acting = exchange.session
    rows = exchange.auth.account.sessions(acting)
    return exchange.json(SessionsShape(sessions=[one_session(row, acting.id) for row in rows]))


def revoke_others(exchange: Exchange) -> Response:
    """Sign out everywhere else."""
    return exchange.json(
        Revoked(revoked=exchange.auth.account.revoke_other_sessions(exchange.client, exchange.session))
    )


def revoke_session(exchange: Exchange) -> Response:
    """Sign one of my devices out."""
    session_id = uuid_of(exchange.segment or "")
    acting = exchange.session
    if session_id is None:
        raise NotFound("no id")
    exchange.auth.account.revoke_session(exchange.client, acting, session_id)
    return exchange.nothing()


def account(exchange: Exchange) -> Response:
    """My account."""
    view = exchange.auth.account.get(exchange.session)
    return exchange.json(account_shape(view.user, view.identifiers))


def change_account(exchange: Exchange, body: AccountChanges) -> Response:
    """Change what I am called."""
    acting = exchange.session
    user = exchange.auth.account.rename(exchange.client, acting, name=body.name)
    return exchange.json(account_shape(user, exchange.auth.account.get(acting).identifiers))


def change_password(exchange: Exchange, body: ChangePasswordBody) -> Response:
    """Change my password; every other session ends, this one gets a new token."""
    complete = exchange.auth.account.change_password(
        exchange.client,
        exchange.session,
        current_password=body.current_password,
        new_password=body.new_password,
    )
    return signed_in(exchange, complete)


def events(exchange: Exchange) -> Response:
    """What happened to my account, newest first."""
    rows = exchange.auth.account.events(exchange.session)
    return exchange.json(EventsShape(events=[event_shape(row) for row in rows]))

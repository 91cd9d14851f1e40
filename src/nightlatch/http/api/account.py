"""Who am I, my devices, my account."""

from __future__ import annotations

import msgspec

from nightlatch.errors import InvalidInput
from nightlatch.http.api.shapes import (
    AccountChanges,
    ChangePasswordBody,
    Closed,
    EventsShape,
    Revoked,
    SessionsShape,
    SessionView,
    StopBody,
    Stopped,
    account_shape,
    event_shape,
    one_session,
    session_shape,
    user_of_session,
)
from nightlatch.http.api.sign_in import signed_in
from nightlatch.http.bodies import id_of
from nightlatch.http.exchange import Exchange
from nightlatch.http.messages import Response

__all__ = [
    "account",
    "change_account",
    "change_password",
    "close",
    "erase",
    "events",
    "export",
    "revoke_others",
    "revoke_session",
    "session",
    "sessions",
    "sign_out",
    "stop",
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
    now = exchange.auth.clock.now()
    return exchange.json(SessionsShape(sessions=[one_session(row, acting.id, now) for row in rows]))


def revoke_others(exchange: Exchange) -> Response:
    """Sign out everywhere else."""
    return exchange.json(
        Revoked(revoked=exchange.auth.account.revoke_other_sessions(exchange.client, exchange.session))
    )


def revoke_session(exchange: Exchange) -> Response:
    """Sign one of my devices out."""
    exchange.auth.account.revoke_session(exchange.client, exchange.session, id_of(exchange.segment))
    return exchange.nothing()


def account(exchange: Exchange) -> Response:
    """My account."""
    return _account(exchange)


def _account(exchange: Exchange) -> Response:
    acting = exchange.session
    view, pending = exchange.auth.account.get(acting), exchange.auth.addresses.pending(acting.user_id)
    return exchange.json(account_shape(view.user, view.identifiers, pending))


def change_account(exchange: Exchange, body: AccountChanges) -> Response:
    """Change what I am called, and what I sign in by."""
    acting, flow = exchange.session, exchange.auth.account
    if body.name is msgspec.UNSET and body.username is msgspec.UNSET:
        raise InvalidInput(fields={"name": "Nothing is to be changed."})
    if not isinstance(body.username, msgspec.UnsetType):
        flow.change_username(exchange.client, acting, username=body.username)
    if not isinstance(body.name, msgspec.UnsetType):
        flow.rename(exchange.client, acting, name=body.name)
    return _account(exchange)


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


def export(exchange: Exchange) -> Response:
    """Everything that is kept about me."""
    response = exchange.json(exchange.auth.export_account.export(exchange.client, exchange.session))
    response.headers.append(("Content-Disposition", 'attachment; filename="account.json"'))
    return response


def close(exchange: Exchange) -> Response:
    """Close my account; for a while it can be called off."""
    erased_at = exchange.auth.close_account.close(exchange.client, exchange.session)
    return _gone(exchange, exchange.json(Closed(erased_at=erased_at), status=202))


def erase(exchange: Exchange) -> Response:
    """Erase my account at once."""
    exchange.auth.close_account.erase(exchange.client, exchange.session)
    return _gone(exchange, exchange.nothing())


def _gone(exchange: Exchange, response: Response) -> Response:
    response.headers.extend(exchange.forget())
    return response


def stop(exchange: Exchange, body: StopBody) -> Response:
    """Stop what a mailed notice tells of."""
    return exchange.json(Stopped(stopped=exchange.auth.notice_links.redeem(exchange.client, body.link)))

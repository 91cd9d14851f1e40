"""Sign up, sign in, reauthenticate, recover, and go on with an attempt."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import UNSET

from nightlatch.flows.outcome import Complete, More, Outcome
from nightlatch.http.api.shapes import (
    AnswerBody,
    BeginBody,
    LinkBody,
    MoreShape,
    NewAttempt,
    PhoneShape,
    ReauthenticateBody,
    RecoverBody,
    SignedIn,
    SignInBody,
    SignUpBody,
)
from nightlatch.http.api.token_shapes import signed_in_shape
from nightlatch.http.exchange import Exchange
from nightlatch.http.messages import Response

__all__ = ["answer", "begin", "link", "more_shape", "reauthenticate", "recover", "sign_in", "sign_up", "signed_in"]


def sign_up(exchange: Exchange, body: SignUpBody) -> Response:
    """Begin a sign-up: 202 and an attempt where an address is asked, whoever owns it."""
    outcome = exchange.auth.sign_up.begin(
        exchange.client_for(body.deliver),
        email=body.email,
        username=body.username,
        name=body.name,
        password=body.password,
        return_to=exchange.app.redirects.safe(body.return_to),
        deliver=body.deliver,
    )
    return _step(exchange, outcome) if isinstance(outcome, Complete) else _begun(exchange, outcome)


def sign_in(exchange: Exchange, body: SignInBody) -> Response:
    """Begin a sign-in, and end it at once where a password is enough."""
    outcome = exchange.auth.sign_in.begin(
        exchange.client_for(body.deliver),
        identifier=body.identifier,
        password=body.password,
        return_to=exchange.app.redirects.safe(body.return_to),
        deliver=body.deliver,
    )
    return _step(exchange, outcome)


def begin(exchange: Exchange, body: BeginBody) -> Response:
    """Send a code (again)."""
    return _step(exchange, exchange.auth.attempts.begin(exchange.client, body.attempt, body.authenticator, id=body.id))


def answer(exchange: Exchange, body: AnswerBody) -> Response:
    """Take the next answer of an attempt."""
    outcome = exchange.auth.attempts.answer(
        exchange.client,
        body.attempt,
        authenticator=body.authenticator,
        code=body.code,
        password=body.password,
        credential=body.credential,
        new_password=body.new_password,
        username=body.username,
        name=body.name,
        session=exchange.session_or_none,
        remember_device=body.remember_device,
    )
    return _step(exchange, outcome)


def link(exchange: Exchange, body: LinkBody) -> Response:
    """Redeem a mailed link; without its own attempt a fresh one begins here."""
    return _step(exchange, exchange.auth.attempts.link(exchange.client, body.link, body.attempt))


def reauthenticate(exchange: Exchange, body: ReauthenticateBody) -> Response:
    """Begin a reauthentication of the acting session."""
    more = exchange.auth.reauthenticate.begin(
        exchange.client,
        exchange.session,
        aal=body.aal,
        phishing_resistant=body.phishing_resistant,
        return_to=exchange.app.redirects.safe(body.return_to),
    )
    return _begun(exchange, more)


def recover(exchange: Exchange, body: RecoverBody) -> Response:
    """Begin a recovery: 202 and an attempt, whoever has that identifier."""
    return_to = exchange.app.redirects.safe(body.return_to)
    return _begun(
        exchange, exchange.auth.recover.begin(exchange.client, identifier=body.identifier, return_to=return_to)
    )


def _begun(exchange: Exchange, more: More) -> Response:
    begun = NewAttempt(
        attempt=more.attempt.reveal(),
        authenticators=more.authenticators,
        enrol=more.enrol,
        expires_at=more.expires_at,
    )
    return exchange.json(begun, status=202)


def _step(exchange: Exchange, outcome: Outcome) -> Response:
    if isinstance(outcome, More):
        return exchange.json(more_shape(outcome))
    return signed_in(exchange, outcome)


def more_shape(more: More) -> MoreShape:
    """Return what would help now, as JSON has it."""
    return MoreShape(
        attempt=more.attempt.reveal(),
        purpose=more.purpose,
        authenticators=more.authenticators,
        enrol=more.enrol,
        set=more.set,
        may_remember_device=more.may_remember is not None,
        expires_at=more.expires_at,
        options=UNSET if more.options is None else more.options,
        phones=[PhoneShape(id=each.id, name=each.name, number=each.number) for each in more.phones] or UNSET,
    )


def signed_in(
    exchange: Exchange, complete: Complete, shape: Callable[[SignedIn], object] = lambda done: done
) -> Response:
    """Hand a session over: in a cookie, or as tokens and then without any (design: never both).

    Args:
        exchange: the request.
        complete: what is done.
        shape: adds to the answer what else there is to tell.
    """
    if complete.session is not None and complete.refresh is not None:
        tokens = exchange.auth.tokens.issue(complete.session, complete.refresh)
        return exchange.json(shape(signed_in_shape(complete, tokens)))
    response = exchange.json(shape(signed_in_shape(complete)))
    response.headers.extend(exchange.sign_in_cookies(complete))
    return response

"""Passkeys: made while signed in, then asked for after the password, or enough to confirm that it is still you."""

from __future__ import annotations

import pytest

from house import ELSEWHERE, HERE, House, signed_in
from nightlatch.errors import InvalidCredentials, InvalidInput, NotAuthenticated, NotFound, ReauthenticationRequired
from nightlatch.flows.manage_authenticators import Bound
from nightlatch.flows.outcome import Complete, More
from nightlatch.records import Session
from nightlatch.testing import Passkey


def session_of(outcome: object) -> Session:
    """Return the session that something ended in."""
    session = signed_in(outcome).session
    assert session is not None
    return session


def bind(house: House, session: Session, passkey: Passkey) -> Bound:
    """Make a passkey."""
    proposal = house.auth.bind_passkey.begin(HERE, session, name="Mia's phone")
    return house.auth.bind_passkey.confirm(HERE, session, proposal.id, passkey.register(proposal.options))


def asked(house: House, more: object) -> More:
    """Ask for the passkey."""
    assert isinstance(more, More)
    assert "passkey" in more.authenticators
    return house.auth.attempts.begin(ELSEWHERE, more.attempt, "passkey")


def test_password_then_passkey(house: House) -> None:
    """A passkey raises what its owner's sign-ins need; the session is phishing-resistant."""
    passkey = Passkey(origin=house.auth.settings.origin)
    bound = bind(house, session_of(house.member()), passkey)
    assert (bound.authenticator.name, len(bound.recovery_codes)) == ("Mia's phone", 10)
    more = asked(house, house.sign_in(ELSEWHERE))
    assert more.options is not None
    credential = passkey.sign(more.options)
    done = house.auth.attempts.answer(ELSEWHERE, more.attempt, authenticator="passkey", credential=credential)
    session = session_of(done)
    assert (session.aal, session.phishing_resistant) == (2, True)
    assert [each.authenticator for each in session.evidence] == ["password", "passkey"]


def test_a_touch_after_the_password_is_enough_for_two(house: House) -> None:
    """Knowledge and possession; the passkey alone would not have been (adversary 57)."""
    passkey = Passkey(origin=house.auth.settings.origin, user_verified=False)
    bind(house, session_of(house.member()), passkey)
    more = asked(house, house.sign_in(ELSEWHERE))
    assert more.options is not None
    done = house.auth.attempts.answer(
        ELSEWHERE, more.attempt, authenticator="passkey", credential=passkey.sign(more.options)
    )
    assert session_of(done).aal == 2


def test_a_wrong_origin_is_a_wrong_proof(house: House) -> None:
    """The phishing site's page signs for itself; the way on is a new challenge."""
    passkey = Passkey(origin=house.auth.settings.origin)
    bind(house, session_of(house.member()), passkey)
    more = asked(house, house.sign_in(ELSEWHERE))
    assert more.options is not None
    passkey.origin = "https://evil.example"
    with pytest.raises(InvalidCredentials):
        house.auth.attempts.answer(
            ELSEWHERE, more.attempt, authenticator="passkey", credential=passkey.sign(more.options)
        )
    passkey.origin = house.auth.settings.origin
    again = asked(house, more)
    assert again.options is not None
    signed_in(
        house.auth.attempts.answer(
            ELSEWHERE, again.attempt, authenticator="passkey", credential=passkey.sign(again.options)
        )
    )


def test_the_first_passkey_ends_every_other_session(house: House) -> None:
    """Whoever was in by a stolen password is out; the acting session gets a new token."""
    house.member()
    acting, other = signed_in(house.sign_in()), signed_in(house.sign_in(ELSEWHERE))
    assert acting.token is not None
    assert other.token is not None
    bound = bind(house, session_of(acting), Passkey(origin=house.auth.settings.origin))
    for token in (acting.token, other.token):
        with pytest.raises(NotAuthenticated):
            house.auth.sessions.recognise(token)
    assert bound.complete.token is not None
    house.auth.sessions.recognise(bound.complete.token)


def test_it_is_made_after_fresh_proof_by_its_owner(house: House) -> None:
    """Not by a session that is left lying about, not for a proposal of somebody else."""
    mia, eve = session_of(house.member()), session_of(house.member("eve@example.org"))
    passkey = Passkey(origin=house.auth.settings.origin)
    proposal = house.auth.bind_passkey.begin(HERE, mia)
    with pytest.raises(NotFound):
        house.auth.bind_passkey.confirm(HERE, eve, proposal.id, passkey.register(proposal.options))
    house.clock.advance(minutes=16)
    with pytest.raises(ReauthenticationRequired):
        house.auth.bind_passkey.begin(HERE, mia)


def test_nothing_is_asked_before_a_first_factor(house: House) -> None:
    """Whose passkeys would be allowed tells who has an account (14.6.2)."""
    bind(house, session_of(house.member()), Passkey(origin=house.auth.settings.origin))
    more = house.auth.sign_in.begin(ELSEWHERE, identifier="mia@example.org")
    assert isinstance(more, More)
    with pytest.raises(InvalidInput):
        house.auth.attempts.begin(ELSEWHERE, more.attempt, "passkey")


def test_abandoned_half_way_it_locks_nobody_out(house: House) -> None:
    """A proposal never counts."""
    house.auth.bind_passkey.begin(HERE, session_of(house.member()))
    assert isinstance(house.sign_in(ELSEWHERE), Complete)

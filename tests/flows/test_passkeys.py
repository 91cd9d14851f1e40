"""Passkeys: made while signed in, then asked for after the password, or enough to confirm that it is still you."""

from __future__ import annotations

import pytest

from house import ELSEWHERE, HERE, House, signed_in
from nightlatch.errors import (
    AttemptInvalid,
    Forbidden,
    InvalidCredentials,
    NotAuthenticated,
    NotFound,
    ReauthenticationRequired,
)
from nightlatch.flows.binding import Bound
from nightlatch.flows.outcome import Complete, More, Outcome
from nightlatch.primitives.secret import Secret
from nightlatch.records import OneTimeSecret, Session
from nightlatch.services.client import Client
from nightlatch.testing import Passkey

SECRET = "correct horse battery staple"


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
    asked_for = asked(house, more)
    assert asked_for.options is not None
    assert asked_for.options["allowCredentials"] == []
    nobody = house.auth.sign_in.begin(ELSEWHERE, identifier="nobody@example.org")
    assert isinstance(nobody, More)
    assert (nobody.authenticators, asked(house, nobody).options is None) == (more.authenticators, False)


def test_abandoned_half_way_it_locks_nobody_out(house: House) -> None:
    """A proposal never counts."""
    house.auth.bind_passkey.begin(HERE, session_of(house.member()))
    assert isinstance(house.sign_in(ELSEWHERE), Complete)


# --- as the whole sign-in ---


def by_passkey(house: House, passkey: Passkey, client: Client = ELSEWHERE) -> Outcome:
    """Sign in by a passkey alone."""
    more = house.auth.sign_in.begin(client, identifier=None)
    assert isinstance(more, More)
    assert more.authenticators == ("passkey",)
    assert more.options is not None
    assert (more.options["allowCredentials"], more.options["userVerification"]) == ([], "required")
    credential = passkey.sign(more.options)
    return house.auth.attempts.answer(client, more.attempt, authenticator="passkey", credential=credential)


def test_a_passkey_alone_signs_in(house: House) -> None:
    """It tells who it is, and with user verification it is two factors that cannot be phished."""
    passkey = Passkey(origin=house.auth.settings.origin)
    bind(house, session_of(house.member()), passkey)
    session = session_of(by_passkey(house, passkey))
    assert (session.email, session.aal, session.phishing_resistant) == ("mia@example.org", 2, True)


def test_without_user_verification_it_is_one_factor(house: House) -> None:
    """A thief who holds the key is asked for more (adversary 57)."""
    passkey = Passkey(origin=house.auth.settings.origin)
    bind(house, session_of(house.member()), passkey)
    passkey.user_verified = False
    more = by_passkey(house, passkey)
    assert isinstance(more, More)
    assert more.authenticators == ("password", "passkey")
    done = house.auth.attempts.answer(ELSEWHERE, more.attempt, authenticator="password", password=Secret(SECRET))
    assert session_of(done).aal == 2


def test_a_passkey_that_nobody_has_is_a_wrong_proof(house: House) -> None:
    """Unknown, removed, or of somebody suspended: the same refusal."""
    passkey = Passkey(origin=house.auth.settings.origin)
    with pytest.raises(InvalidCredentials):
        by_passkey(house, stranger(house))
    mia = session_of(house.member())
    bound = bind(house, mia, passkey)
    house.auth.operator.suspend(mia.user_id)
    with pytest.raises(InvalidCredentials):
        by_passkey(house, passkey)
    house.auth.operator.restore(mia.user_id)
    session = session_of(by_passkey(house, passkey))
    with pytest.raises(Forbidden):  # nothing would be left that this session was proven by
        house.auth.manage_authenticators.remove(HERE, session, bound.authenticator.id)
    more = house.auth.reauthenticate.begin(HERE, session)
    done = house.auth.attempts.answer(
        HERE, more.attempt, authenticator="password", password=Secret(SECRET), session=session
    )
    assert session_of(done).aal == 2
    house.auth.manage_authenticators.remove(HERE, session_of(done), bound.authenticator.id)
    with pytest.raises(InvalidCredentials):
        by_passkey(house, passkey)


def stranger(house: House) -> Passkey:
    """Return a passkey that was made for this site's name, and never bound."""
    passkey = Passkey(origin=house.auth.settings.origin)
    eve = session_of(house.member("eve@example.org"))
    passkey.register(house.auth.bind_passkey.begin(HERE, eve).options)
    return passkey


def test_of_two_users_each_has_their_own(house: House) -> None:
    """A passkey named in answer to another's sign-in is not theirs (7.2 step 6)."""
    mine, hers = (Passkey(origin=house.auth.settings.origin) for _ in range(2))
    bind(house, session_of(house.member()), mine)
    bind(house, session_of(house.member("eve@example.org")), hers)
    assert session_of(by_passkey(house, hers)).email == "eve@example.org"
    more = house.auth.sign_in.begin(ELSEWHERE, identifier="mia@example.org")
    asked_for = asked(house, more)
    assert asked_for.options is not None
    with pytest.raises(InvalidCredentials):
        house.auth.attempts.answer(
            ELSEWHERE, asked_for.attempt, authenticator="passkey", credential=hers.sign(asked_for.options)
        )


def test_of_the_challenges_of_an_address_the_oldest_makes_room(house: House) -> None:
    """Whoever asks without end keeps fifty; the newest works, the oldest is gone."""
    passkey = Passkey(origin=house.auth.settings.origin)
    bind(house, session_of(house.member()), passkey)
    first = house.auth.sign_in.begin(ELSEWHERE, identifier=None)
    assert isinstance(first, More)
    assert first.options is not None
    for _ in range(50):
        house.clock.advance(seconds=1)
        house.auth.sign_in.begin(ELSEWHERE, identifier=None)
    assert len(house.store.find(OneTimeSecret, {"purpose": "passkey_use"}, limit=100)) == 50
    with pytest.raises(AttemptInvalid):
        house.auth.attempts.answer(
            ELSEWHERE, first.attempt, authenticator="passkey", credential=passkey.sign(first.options)
        )
    signed_in(by_passkey(house, passkey))


def test_it_confirms_that_it_is_still_you(house: House) -> None:
    """A reauthentication takes the passkey alone, at the level that it reaches."""
    passkey = Passkey(origin=house.auth.settings.origin)
    bind(house, session_of(house.member()), passkey)
    session = session_of(by_passkey(house, passkey))
    house.clock.advance(hours=1)
    more = house.auth.reauthenticate.begin(ELSEWHERE, session, aal=2)
    assert more.authenticators == ("password", "passkey")
    again = asked(house, more)
    assert again.options is not None
    done = house.auth.attempts.answer(
        ELSEWHERE, again.attempt, authenticator="passkey", credential=passkey.sign(again.options), session=session
    )
    assert session_of(done).authenticated_at == house.clock.now()

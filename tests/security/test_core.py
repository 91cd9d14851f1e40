"""Flaw classes of the field, by number, against the core itself: each adapter inherits what holds here."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from house import ELSEWHERE, HERE, PASSWORD, WRONG, House, signed_in
from nightlatch.errors import AttemptInvalid, Busy, InvalidCode, InvalidCredentials, NotAuthenticated, Throttled
from nightlatch.flows.outcome import Complete, More
from nightlatch.primitives.secret import Secret
from nightlatch.records import Session
from nightlatch.services.client import Client


def test_002_the_attackers_password_is_worth_nothing_when_the_victim_proves(house: House) -> None:
    """Pre-hijacking: the attacker signs up the victim's address; the victim presses the button elsewhere."""
    stolen = Secret("the attacker knows this one")
    trap = house.auth.sign_up.begin(ELSEWHERE, email="mia@example.org", password=stolen)
    assert isinstance(trap, More)

    forked = house.auth.attempts.link(HERE, house.link())
    assert isinstance(forked, More)
    assert forked.set == ("password",)
    done = house.auth.attempts.answer(HERE, forked.attempt, new_password=PASSWORD)
    assert isinstance(done, Complete)

    with pytest.raises((AttemptInvalid, InvalidCode)):
        house.auth.attempts.answer(ELSEWHERE, trap.attempt, authenticator="email_code", code=Secret("12345678"))
    with pytest.raises(AttemptInvalid):
        house.auth.attempts.answer(ELSEWHERE, trap.attempt, new_password=stolen)
    with pytest.raises(InvalidCredentials):
        house.sign_in(ELSEWHERE, password=stolen)
    assert isinstance(house.sign_in(), Complete)
    assert all(each.user_id == done.user.id for each in house.store.find(Session, {"user_id": done.user.id}))


def test_014_an_unproven_claim_does_not_block_its_owner(house: House) -> None:
    """However often others claim the address, its owner signs up."""
    for _ in range(3):
        house.auth.sign_up.begin(ELSEWHERE, email="mia@example.org", password=PASSWORD)
    assert house.member().user.email == "mia@example.org"


def test_053_reauthentication_belongs_to_its_session_and_user(house: House) -> None:
    """Another person's proof, or another session, does not confirm this one; the right one rotates it."""
    mia = signed_in(house.member())
    leo = signed_in(house.member("leo@example.org", ELSEWHERE, Secret("the password of another man")))
    assert mia.session is not None
    assert leo.session is not None
    house.clock.advance(hours=1)
    more = house.auth.reauthenticate.begin(HERE, mia.session)
    with pytest.raises(AttemptInvalid):
        house.auth.attempts.answer(
            ELSEWHERE, more.attempt, authenticator="password", password=PASSWORD, session=leo.session
        )
    with pytest.raises(InvalidCredentials):
        house.auth.attempts.answer(
            HERE,
            more.attempt,
            authenticator="password",
            password=Secret("the password of another man"),
            session=mia.session,
        )
    done = signed_in(
        house.auth.attempts.answer(HERE, more.attempt, authenticator="password", password=PASSWORD, session=mia.session)
    )
    assert done.session is not None
    assert done.session.id == mia.session.id
    assert done.session.authenticated_at == house.clock.now()
    with pytest.raises(NotAuthenticated):
        house.auth.sessions.recognise(mia.token or "")


def test_075_parallel_guesses_never_exceed_the_budget(house: House) -> None:
    """Two hundred at once: at most ten are verified."""
    house.member()

    def guess(_: int) -> str:
        while True:
            try:
                house.sign_in(ELSEWHERE, password=WRONG)
            except Busy:
                continue  # nothing was looked at: the guess is still to be made
            except (InvalidCredentials, Throttled) as refusal:
                return refusal.code
            return "in"

    with ThreadPoolExecutor(32) as threads:
        codes = list(threads.map(guess, range(200)))
    assert codes.count("invalid_credentials") == 10
    assert codes.count("throttled") == 190


def test_077_success_gives_back_only_what_it_spent(house: House) -> None:
    """Signing in as oneself does not refill the budget for guessing at others."""
    house.member()
    house.member("leo@example.org", ELSEWHERE)
    refused = 0
    for _ in range(40):
        try:
            house.sign_in(HERE, password=WRONG, identifier="leo@example.org")
        except InvalidCredentials:
            refused += 1
        except Throttled:
            break
        signed_in(house.sign_in(HERE))
    assert refused == 10


def test_081_a_known_device_is_not_locked_out_by_a_stranger(house: House) -> None:
    """A stranger spends the identifier's budget; the browser that signed in before still gets in."""
    done = house.member()
    mine = Client(ip="192.0.2.7", device=done.device)
    for _ in range(10):
        with pytest.raises(InvalidCredentials):
            house.sign_in(ELSEWHERE, password=WRONG)
    with pytest.raises(Throttled):
        house.sign_in(ELSEWHERE)
    signed_in(house.sign_in(mine))


def test_082_a_stranger_cannot_flood_a_mailbox(house: House) -> None:
    """Five mails an hour reach an address, however many sign-ups claim it; the answers stay the same."""
    for turn in range(9):
        client = HERE if turn % 2 else ELSEWHERE
        assert isinstance(house.auth.sign_up.begin(client, email="mia@example.org"), More)
    house.deliver()
    assert len(house.mails) == 5

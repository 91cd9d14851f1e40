"""Flaw classes of the field, by number: getting back in, and changing what an account is found by."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from house import ELSEWHERE, HERE, PASSWORD, House, signed_in
from nightlatch.errors import AttemptInvalid, InvalidCode, InvalidInput, NotAuthenticated, NotFound, Throttled
from nightlatch.flows.outcome import Complete, More, Outcome
from nightlatch.primitives.ids import uuid7
from nightlatch.primitives.secret import Secret
from nightlatch.records import Authenticator, Session

MIA, HOME = "mia@example.org", "mia@home.example"
NEW = Secret("an entirely different sentence")


@pytest.fixture
def session(house: House) -> Session:
    """Return Mia's session."""
    found = signed_in(house.member()).session
    assert found is not None
    return found


def code_step(house: House, more: More) -> More:
    """Type the code that was mailed to Mia."""
    step = house.auth.attempts.answer(HERE, more.attempt, authenticator="email_code", code=house.code())
    assert isinstance(step, More)
    return step


def answer(house: House, session: Session | None, more: More, code: Secret) -> Outcome:
    """Type a code, in a session."""
    return house.auth.attempts.answer(HERE, more.attempt, authenticator="email_code", code=code, session=session)


def waiting(house: House, session: Session) -> More:
    """Begin a change and prove the new address: what then waits."""
    more = house.auth.addresses.begin(HERE, session, email=HOME)
    step = answer(house, session, more, house.code(HOME))
    assert isinstance(step, More)
    return step


def keys(house: House, session: Session) -> list[tuple[str, bool]]:
    """Return Mia's addresses, and which is primary."""
    return [(each.key, each.primary) for each in house.auth.addresses.of(session.user_id)]


def test_034_no_password_is_set_before_proof(house: House) -> None:
    """The step is a fact of the server (CVE-2026-18963)."""
    house.member()
    more = house.auth.recover.begin(HERE, identifier=MIA)
    with pytest.raises(AttemptInvalid):
        house.auth.attempts.answer(HERE, more.attempt, new_password=NEW)
    for authenticator in ("password", "totp"):
        with pytest.raises(InvalidInput):
            house.auth.attempts.answer(HERE, more.attempt, authenticator=authenticator, password=PASSWORD)
    signed_in(house.sign_in())


def test_042_a_mailbox_alone_never_takes_a_second_factor_away(house: House) -> None:
    """Who has another authenticator proves it as well; the code alone leads to no new password (ASVS 6.4.3)."""
    mia = house.member()
    now = house.clock.now()
    house.store.insert(Authenticator(id=uuid7(now), user_id=mia.user.id, kind="totp", confirmed_at=now, created_at=now))
    step = code_step(house, house.auth.recover.begin(HERE, identifier=MIA))
    assert (step.authenticators, step.set) == (("totp",), ())
    with pytest.raises(AttemptInvalid):
        house.auth.attempts.answer(HERE, step.attempt, new_password=NEW)
    with pytest.raises(InvalidInput):
        house.auth.attempts.answer(HERE, step.attempt, authenticator="email_code", code=house.code())
    assert house.auth.attempts.look(HERE, step.attempt).authenticators == ("totp",)


def test_031_one_of_a_hundred_parallel_recoveries_wins(house: House) -> None:
    """A hundred answers with one code, and one goes on; a hundred new passwords, and one is set."""
    house.member()
    more = house.auth.recover.begin(HERE, identifier=MIA)
    code = house.code()
    steps: list[More] = []

    def prove(_: int) -> None:
        try:
            step = house.auth.attempts.answer(HERE, more.attempt, authenticator="email_code", code=code)
        except (InvalidCode, AttemptInvalid, Throttled):
            return
        assert isinstance(step, More)
        steps.append(step)

    with ThreadPoolExecutor(16) as threads:
        list(threads.map(prove, range(100)))
    assert len(steps) == 1

    def choose(turn: int) -> bool:
        chosen = Secret(f"sentence number {turn} of a hundred")
        try:
            house.auth.attempts.answer(ELSEWHERE, steps[0].attempt, new_password=chosen)
        except (AttemptInvalid, Throttled):
            return False
        return True

    with ThreadPoolExecutor(8) as threads:
        won = list(threads.map(choose, range(20)))
    assert won.count(True) == 1
    signed_in(house.sign_in(ELSEWHERE, password=Secret(f"sentence number {won.index(True)} of a hundred")))


@pytest.mark.parametrize("event", ["password", "recovery", "suspension", "closing", "another change"])
def test_032_a_change_that_waits_does_not_outlive_what_happens(house: House, session: Session, event: str) -> None:
    """Whatever resets the account ends it; of two that wait the newer counts (Rodauth 2.41)."""
    waiting(house, session)
    fresh = Secret("an entirely different sentence")
    if event == "password":
        house.auth.account.change_password(HERE, session, current_password=PASSWORD, new_password=fresh)
    elif event == "recovery":
        more = house.auth.recover.begin(HERE, identifier=MIA)
        step = house.auth.attempts.answer(HERE, more.attempt, authenticator="email_code", code=house.code(MIA))
        assert isinstance(step, More)
        house.auth.attempts.answer(HERE, step.attempt, new_password=fresh)
    elif event == "suspension":
        house.auth.operator.suspend(session.user_id)
        house.auth.operator.restore(session.user_id)
    elif event == "closing":
        house.auth.close_account.close(HERE, session)
        house.auth.notice_links.redeem(HERE, house.link(MIA))
    else:
        more = house.auth.addresses.begin(HERE, session, email="mia@work.example")
        answer(house, session, more, house.code("mia@work.example"))
    house.clock.advance(days=8)
    house.auth.background.run_once()
    assert keys(house, session) == [("mia@work.example" if event == "another change" else MIA, True)]


def test_065_another_persons_address_cannot_be_named(house: House, session: Session) -> None:
    """Ownership is part of the condition."""
    leo = house.member("leo@example.org", ELSEWHERE)
    theirs = house.auth.addresses.of(leo.user.id)[0].id
    for act in (house.auth.addresses.prefer, house.auth.addresses.remove):
        with pytest.raises(NotFound):
            act(HERE, session, theirs)


def test_033_the_code_of_one_address_confirms_no_other(house: House, session: Session) -> None:
    """Two changes side by side: each code fits the attempt it was mailed for (Devise CVE-2026-32700)."""
    first = house.auth.addresses.begin(HERE, session, email=HOME)
    second = house.auth.addresses.begin(HERE, session, email="victim@example.org")
    with pytest.raises(InvalidCode):
        answer(house, session, second, house.code(HOME))
    assert isinstance(answer(house, session, first, house.code(HOME)), More)


def test_053_a_change_belongs_to_its_session(house: House, session: Session) -> None:
    """Neither another session of the user, nor another user's, nor none at all goes on with it."""
    more = house.auth.addresses.begin(HERE, session, email=HOME)
    code = house.code(HOME)
    other = signed_in(house.sign_in(ELSEWHERE)).session
    leo = signed_in(house.member("leo@example.org", ELSEWHERE)).session
    for wrong in (other, leo, None):
        with pytest.raises(NotAuthenticated):
            answer(house, wrong, more, code)
    assert isinstance(answer(house, session, more, code), More)


def test_031_one_of_many_parallel_codes_changes_an_address(house: House, session: Session) -> None:
    """One of sixteen answers with the old mailbox's code makes the change."""
    step = waiting(house, session)
    code = house.code(MIA)

    def make(_: int) -> bool:
        try:
            return isinstance(answer(house, session, step, code), Complete)
        except (InvalidCode, AttemptInvalid):
            return False

    with ThreadPoolExecutor(16) as threads:
        assert list(threads.map(make, range(16))).count(True) == 1
    assert keys(house, session) == [(HOME, True)]

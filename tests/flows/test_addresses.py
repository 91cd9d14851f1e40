"""The addresses of an account: changed by both mailboxes, or after a week in which the old one may object."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import msgspec
import pytest

from house import ELSEWHERE, HERE, PASSWORD, House, signed_in
from nightlatch.errors import (
    AttemptInvalid,
    Forbidden,
    InvalidCode,
    InvalidCredentials,
    InvalidInput,
    LinkInvalid,
    ReauthenticationRequired,
    Throttled,
)
from nightlatch.flows.outcome import Complete, More, Outcome
from nightlatch.primitives.secret import Secret
from nightlatch.records import Identifier, OneTimeSecret, Session, User

MIA, NEW = "mia@example.org", "mia@home.example"


@pytest.fixture
def session(house: House) -> Session:
    """Return Mia's session."""
    found = signed_in(house.member()).session
    assert found is not None
    return found


def answer(house: House, session: Session | None, more: More, code: Secret) -> Outcome:
    """Type a code."""
    return house.auth.attempts.answer(HERE, more.attempt, authenticator="email_code", code=code, session=session)


def waiting(house: House, session: Session, *, keep_old: bool = False) -> More:
    """Begin a change and prove the new address: what then waits."""
    more = house.auth.addresses.begin(HERE, session, email=NEW, keep_old=keep_old)
    step = answer(house, session, more, house.code(NEW))
    assert isinstance(step, More)
    return step


def changed(house: House, session: Session, *, keep_old: bool = False) -> Complete:
    """Change the address, all the way."""
    done = answer(house, session, waiting(house, session, keep_old=keep_old), house.code(MIA))
    assert isinstance(done, Complete)
    return done


def keys(house: House, session: Session) -> list[tuple[str, bool]]:
    """Return Mia's addresses, and which is primary."""
    return [(each.key, each.primary) for each in house.auth.addresses.of(session.user_id)]


def test_both_mailboxes_change_the_address_at_once(house: House, session: Session) -> None:
    """A code from the new one, a code from the old one; the session goes on, the old address signs in no longer."""
    more = house.auth.addresses.begin(HERE, session, email="Mia@Home.example")
    assert (more.purpose, more.authenticators, more.address) == ("change_email", ("email_code",), "Mia@home.example")
    step = answer(house, session, more, house.code("Mia@home.example"))
    assert isinstance(step, More)
    assert (step.authenticators, step.address) == (("email_code",), MIA)
    assert keys(house, session) == [(MIA, True)]

    done = answer(house, session, step, house.code(MIA))

    assert isinstance(done, Complete)
    assert (done.user.email, done.session) == ("Mia@home.example", None)
    assert keys(house, session) == [(NEW, True)]
    signed_in(house.sign_in(identifier=NEW))
    with pytest.raises(InvalidCredentials):
        house.sign_in(identifier=MIA)
    assert [each.email for each in house.auth.account.sessions(session)] == ["Mia@home.example"] * 2


def test_without_the_old_mailbox_it_waits_a_week(house: House, session: Session) -> None:
    """Nothing changes before, the background changes it then, and everybody concerned was told."""
    step = waiting(house, session)
    assert step.expires_at - house.clock.now() == timedelta(days=7)
    told = house.newest(MIA)
    assert "is to be changed" in told.subject
    assert NEW not in told.text
    house.clock.advance(days=6, hours=23)
    house.auth.background.run_once()
    assert keys(house, session) == [(MIA, True)]
    pending = house.auth.addresses.pending(session.user_id)
    assert pending is not None
    assert pending.address == NEW
    house.clock.advance(hours=2)
    house.auth.background.run_once()
    assert keys(house, session) == [(NEW, True)]
    assert "was changed" in house.newest(MIA).subject
    assert house.auth.addresses.pending(session.user_id) is None


def test_the_old_address_stops_a_change_that_waits(house: House, session: Session) -> None:
    """One press: nothing is changed, everybody is signed out, the link is spent."""
    step = waiting(house, session)
    code, link = house.code(MIA), house.link(MIA)
    assert house.auth.notice_links.look(link).purpose == "cancel_change"
    assert house.auth.addresses.pending(session.user_id) is not None

    house.auth.notice_links.redeem(ELSEWHERE, link)

    assert house.store.find(Session, {"user_id": session.user_id}) == []
    with pytest.raises((AttemptInvalid, InvalidCode)):
        answer(house, session, step, code)
    with pytest.raises(LinkInvalid):
        house.auth.notice_links.redeem(ELSEWHERE, link)
    house.clock.advance(days=8)
    house.auth.background.run_once()
    assert keys(house, session) == [(MIA, True)]
    assert "was stopped" in house.newest(MIA).subject


def test_afterwards_the_old_address_can_only_freeze(house: House, session: Session) -> None:
    """Whatever the new owner does since (a new password too), its link suspends, once, for a week, and no more."""
    changed(house, session)
    link = house.link(MIA)
    new = Secret("the thief chose this sentence")
    living = house.auth.account.sessions(session)[0]
    house.auth.account.change_password(HERE, living, current_password=PASSWORD, new_password=new)
    assert house.auth.notice_links.look(link).purpose == "freeze"

    house.auth.notice_links.redeem(ELSEWHERE, link)

    with pytest.raises(InvalidCredentials):
        house.sign_in(identifier=NEW, password=new)
    assert house.store.find(Session, {"user_id": session.user_id}) == []
    assert keys(house, session) == [(NEW, True)]
    assert "was frozen" in house.newest(NEW).subject
    with pytest.raises(LinkInvalid):
        house.auth.notice_links.redeem(ELSEWHERE, link)
    house.auth.operator.restore(session.user_id)
    signed_in(house.sign_in(identifier=NEW, password=new))


def test_the_freezing_link_dies_after_a_week(house: House, session: Session) -> None:
    """And with the user."""
    changed(house, session)
    link = house.link(MIA)
    house.clock.advance(days=7, seconds=1)
    with pytest.raises(LinkInvalid):
        house.auth.notice_links.redeem(HERE, link)
    house.auth.operator.delete(session.user_id)
    assert house.store.find(OneTimeSecret, {"purpose": "freeze", "destination_key": f"freeze:{session.user_id}"}) == []


def test_a_further_address(house: House, session: Session) -> None:
    """Added with the same care; it signs in and recovers; it may be made primary, and the other removed."""
    changed(house, session, keep_old=True)
    assert keys(house, session) == [(MIA, True), (NEW, False)]
    signed_in(house.sign_in(identifier=NEW))
    first, second = house.auth.addresses.of(session.user_id)
    with pytest.raises(InvalidInput):
        house.auth.addresses.remove(HERE, session, first.id)
    house.auth.addresses.prefer(HERE, session, second.id)
    assert keys(house, session) == [(MIA, False), (NEW, True)]
    assert {each.email for each in house.auth.account.sessions(session)} == {NEW}
    house.auth.addresses.remove(HERE, session, first.id)
    assert keys(house, session) == [(NEW, True)]
    assert "was removed" in house.newest(MIA).subject
    with pytest.raises(InvalidCredentials):
        house.sign_in(identifier=MIA)


def test_an_address_of_another_account_is_not_told(house: House, session: Session) -> None:
    """The same answer, no mail, and no code fits (adversary 84)."""
    house.member("leo@example.org", ELSEWHERE)
    house.deliver()
    mailed = len(house.mails)
    more = house.auth.addresses.begin(HERE, session, email="leo@example.org")
    assert (more.authenticators, more.address) == (("email_code",), "leo@example.org")
    house.deliver()
    assert len(house.mails) == mailed
    with pytest.raises(InvalidCode):
        answer(house, session, more, Secret("12345678"))


def test_who_proves_first_has_it(house: House, session: Session) -> None:
    """033: an address that another account proved while the change waited stays theirs."""
    step = waiting(house, session)
    code = house.code(MIA)
    house.member(NEW, ELSEWHERE)
    with pytest.raises(AttemptInvalid):
        answer(house, session, step, code)
    house.clock.advance(days=8)
    house.auth.background.run_once()
    assert keys(house, session) == [(MIA, True)]


def test_a_fresh_second_factor_stands_in_for_the_old_mailbox(house: House, session: Session) -> None:
    """A session at AAL2 whose two proofs are fresh changes the address with the new mailbox's code alone."""
    held = session.evidence[-1]
    second = msgspec.structs.replace(held, authenticator="totp", authenticator_id=None, factors=("possession",))
    strong = msgspec.structs.replace(session, evidence=(*session.evidence, second))
    more = house.auth.addresses.begin(HERE, strong, email=NEW)
    assert isinstance(answer(house, strong, more, house.code(NEW)), Complete)
    assert keys(house, session) == [(NEW, True)]


def test_an_old_proof_is_not_enough(house: House, session: Session) -> None:
    """Whoever finds a session open changes nothing (ASVS 7.5.1)."""
    house.clock.advance(minutes=11)
    row = house.auth.addresses.of(session.user_id)[0].id
    with pytest.raises(ReauthenticationRequired):
        house.auth.addresses.begin(HERE, session, email=NEW)
    for act in (house.auth.addresses.prefer, house.auth.addresses.remove):
        with pytest.raises(ReauthenticationRequired):
            act(HERE, session, row)


def test_what_cannot_be_a_new_address(house: House, session: Session) -> None:
    """One's own, and what is none; an account of a host's own table changes there."""
    for typed in ("MIA@example.org", "mia", "mia＠example.org", ""):
        with pytest.raises(InvalidInput):
            house.auth.addresses.begin(HERE, session, email=typed)
    house.store.update(User, {"id": session.user_id}, {"external_id": "17"})
    with pytest.raises(Forbidden):
        house.auth.addresses.begin(HERE, session, email=NEW)


def test_changes_are_bounded(house: House, session: Session) -> None:
    """Three codes each; five changes a day of one account, from wherever: the old mailbox is not flooded (082)."""
    more = house.auth.addresses.begin(HERE, session, email=NEW)
    for _ in range(2):
        house.auth.attempts.begin(HERE, more.attempt, "email_code")
    with pytest.raises(AttemptInvalid):
        house.auth.attempts.begin(HERE, more.attempt, "email_code")
    for turn in range(4):
        house.auth.addresses.begin(HERE, session, email=f"mia{turn}@example.org")
    with pytest.raises(Throttled):
        house.auth.addresses.begin(ELSEWHERE, session, email="mia9@example.org")


def test_a_first_address_needs_no_old_one(make_house: Callable[..., House]) -> None:
    """Who has a user name alone adds an address with its own code."""
    house = make_house(identifiers="email_and_username")
    user = house.auth.provision.create(username="mia", password=PASSWORD)
    session = signed_in(house.sign_in(identifier="mia")).session
    assert session is not None
    more = house.auth.addresses.begin(HERE, session, email=NEW)
    assert isinstance(answer(house, session, more, house.code(NEW)), Complete)
    assert house.auth.operator.find_user(NEW).id == user.id
    assert house.store.find(Identifier, {"user_id": user.id, "kind": "email"})[0].primary

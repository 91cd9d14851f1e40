"""Who lost everything: an operator starts, three days pass, and the person finishes; or somebody objects."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import msgspec
import pytest

from house import ELSEWHERE, HERE, PASSWORD, House, signed_in
from nightlatch.errors import (
    AttemptInvalid,
    Forbidden,
    InvalidCredentials,
    InvalidInput,
    LinkInvalid,
    NotFound,
    ReauthenticationRequired,
)
from nightlatch.flows.outcome import Complete, More
from nightlatch.primitives.ids import uuid7
from nightlatch.primitives.secret import Secret
from nightlatch.records import Authenticator, Event, Session, User
from nightlatch.settings import Accounts
from nightlatch.testing.authenticator_app import AuthenticatorApp

MIA, NEW = "mia@example.org", Secret("an entirely different sentence")


@pytest.fixture
def mia(house: House) -> User:
    """Return Mia, who has had her address for a month, and a second factor that is lost."""
    user = house.member().user
    house.clock.advance(days=30)
    now = house.clock.now()
    house.store.insert(Authenticator(id=uuid7(now), user_id=user.id, kind="totp", confirmed_at=now, created_at=now))
    return user


def chosen(house: House, link: Secret) -> Complete:
    """Press the link's button, and choose a password."""
    more = house.auth.attempts.link(HERE, link)
    assert isinstance(more, More)
    assert (more.purpose, more.set, more.authenticators) == ("recover", ("password",), ())
    done = house.auth.attempts.answer(HERE, more.attempt, new_password=NEW)
    assert isinstance(done, Complete)
    return done


def test_a_link_that_is_handed_over(house: House, mia: User) -> None:
    """Good after 72 hours and not before, once; what was lost is gone, and nobody is signed in."""
    works_at, link = house.auth.operator_recovery.start(mia, to=None, lost_everything=True)
    assert link is not None
    assert works_at - house.clock.now() == timedelta(hours=72)
    assert "is being recovered" in house.newest(MIA).subject
    assert link.reveal() not in "".join(mail.text for mail in house.mails)
    for hours in (0, 71):
        house.clock.advance(hours=hours)
        with pytest.raises(LinkInvalid, match="not yet"):
            house.auth.attempts.link(HERE, link)
        with pytest.raises(LinkInvalid, match="not yet"):
            house.auth.attempts.look_link(HERE, link)
    house.clock.advance(hours=2)
    assert house.auth.attempts.look_link(HERE, link).address == MIA

    assert chosen(house, link).session is None

    assert [each.kind for each in house.auth.operator.authenticators(mia.id)] == ["password"]
    signed_in(house.sign_in(password=NEW))
    with pytest.raises(LinkInvalid):
        house.auth.attempts.link(HERE, link)


def test_a_link_that_is_mailed_in_its_time(house: House, mia: User) -> None:
    """It is sent when it works, and not before; a day later it is over."""
    _, link = house.auth.operator_recovery.start(mia, to="MIA@example.org", lost_everything=True)
    assert link is None
    house.deliver()
    assert not [mail for mail in house.mails if "verify?link=" in mail.text and "waiting time" in mail.text]
    house.clock.advance(hours=72, seconds=1)
    assert "waiting time is over" in house.newest(MIA).text
    mailed = house.link()
    house.clock.advance(hours=23)
    chosen(house, mailed)


def test_it_works_for_a_day(house: House, mia: User) -> None:
    """After that the operator starts anew."""
    _, link = house.auth.operator_recovery.start(mia, to=None)
    assert link is not None
    house.clock.advance(hours=97)
    with pytest.raises(LinkInvalid):
        house.auth.attempts.link(HERE, link)


def test_anybody_who_reads_the_notice_stops_it(house: House, mia: User) -> None:
    """The owner objects: the link is dead before and after its time, nothing is changed."""
    _, link = house.auth.operator_recovery.start(mia, to=None)
    assert link is not None
    stop = house.link()
    house.auth.notice_links.redeem(ELSEWHERE, stop)
    house.clock.advance(hours=73)
    with pytest.raises(LinkInvalid):
        house.auth.attempts.link(HERE, link)
    with pytest.raises(LinkInvalid):
        house.auth.notice_links.redeem(ELSEWHERE, stop)
    assert "was stopped" in house.newest(MIA).subject
    assert len(house.auth.operator.authenticators(mia.id)) == 2


def test_a_stopped_one_is_not_mailed_a_living_link(house: House, mia: User) -> None:
    """What waits in the outbox holds a link that leads nowhere."""
    house.auth.operator_recovery.start(mia, to=MIA)
    house.auth.notice_links.redeem(ELSEWHERE, house.link())
    house.clock.advance(hours=73)
    house.deliver()
    with pytest.raises((LinkInvalid, LookupError)):
        house.auth.attempts.link(HERE, house.link())


@pytest.mark.parametrize("event", ["password", "suspension"])
def test_it_does_not_outlive_what_happens(house: House, mia: User, event: str) -> None:
    """Who signs in after all and changes the password, or is suspended, ends it (adversary 32, 63)."""
    _, link = house.auth.operator_recovery.start(mia, to=None)
    assert link is not None
    if event == "password":
        house.auth.provision.set_password(mia.id, NEW)
    else:
        house.auth.operator.suspend(mia.id)
    house.clock.advance(hours=73)
    with pytest.raises((LinkInvalid, AttemptInvalid)):
        house.auth.attempts.link(HERE, link)


def test_to_whom_it_may_go(house: House, mia: User) -> None:
    """Neither to a stranger's address nor to one proven this week; nor for somebody who is suspended."""
    for to in ("leo@example.org", "mia", ""):
        with pytest.raises(InvalidInput):
            house.auth.operator_recovery.start(mia, to=to)
    young = house.member("leo@example.org").user
    with pytest.raises(InvalidInput, match="seven days"):
        house.auth.operator_recovery.start(young, to="leo@example.org")
    with pytest.raises(InvalidInput):
        house.auth.operator_recovery.start(house.auth.operator.suspend(mia.id), to=None)


def test_it_leaves_a_trail(house: House, mia: User) -> None:
    """Begun, proven, complete: each is an event of the user's (ASVS 16.3.1)."""
    _, link = house.auth.operator_recovery.start(mia, to=None, lost_everything=True)
    assert link is not None
    house.clock.advance(hours=73)
    chosen(house, link)
    actions = {each.action for each in house.store.find(Event, {"user_id": mia.id})}
    assert {"authn_operator_recovery_begun", "authn_recovery_proven", "authn_recovery_complete"} <= actions
    with pytest.raises(InvalidCredentials):
        house.sign_in(password=PASSWORD)


# --- what is not lost ---


def enrolled(house: House) -> tuple[User, AuthenticatorApp, Session]:
    """Return Leo, who has an app that he still has, and recovery codes; and his session at AAL2."""
    done = signed_in(house.member("leo@example.org", ELSEWHERE))
    assert done.session is not None
    flows = house.auth.manage_authenticators
    proposal = flows.begin_totp(ELSEWHERE, done.session)
    app = AuthenticatorApp(proposal.secret, house.clock)
    bound = flows.confirm_totp(ELSEWHERE, done.session, proposal.id, app.code())
    assert bound.complete.session is not None
    return house.auth.operator.find_user("leo@example.org"), app, bound.complete.session


def test_what_is_not_lost_is_proven_and_stays(house: House) -> None:
    """Password and mailbox are gone, the app is not: the link alone leads to no password, and the app stays bound."""
    leo, app, _ = enrolled(house)
    _, link = house.auth.operator_recovery.start(leo, to=None)
    assert link is not None
    assert "are removed" not in house.newest("leo@example.org").text
    house.clock.advance(hours=73)
    more = house.auth.attempts.link(HERE, link)
    assert isinstance(more, More)
    assert (more.set, set(more.authenticators)) == ((), {"totp", "recovery_code"})
    with pytest.raises(AttemptInvalid):
        house.auth.attempts.answer(HERE, more.attempt, new_password=NEW)
    step = house.auth.attempts.answer(HERE, more.attempt, authenticator="totp", code=app.code())
    assert isinstance(step, More)
    done = house.auth.attempts.answer(HERE, step.attempt, new_password=NEW)
    assert isinstance(done, Complete)
    assert (done.session, done.recovery_codes) == (None, ())
    kinds = {each.kind for each in house.auth.operator.authenticators(leo.id)}
    assert kinds == {"password", "totp", "recovery_code"}


# --- who may start one ---


def test_an_operator_who_is_signed_in_has_just_proven_a_second_factor(house: House, mia: User) -> None:
    """An administrator, with a fresh proof at AAL2, who is named in the log; nobody for his own account."""
    leo, _, session = enrolled(house)
    start = house.auth.operator_recovery.start
    with pytest.raises(Forbidden):
        start(mia, to=None, by=session)
    house.auth.operator.set_roles(leo.id, ("admin",))
    house.auth.operator.set_roles(mia.id, ("admin",))
    (session,) = house.store.find(Session, {"user_id": leo.id})
    one_factor = msgspec.structs.replace(session, evidence=session.evidence[:1], aal=1)
    with pytest.raises(ReauthenticationRequired):
        start(mia, to=None, by=one_factor)
    mia = house.auth.operator.find_user(MIA)
    start(mia, to=None, by=session)
    with pytest.raises(Forbidden):
        start(house.auth.operator.find_user("leo@example.org"), to=None, by=session)
    (event,) = house.store.find(Event, {"user_id": mia.id, "action": "authn_operator_recovery_begun"})
    assert event.actor_id == leo.id
    house.clock.advance(minutes=11)
    with pytest.raises(ReauthenticationRequired):
        start(mia, to=None, by=session)


def test_two_operators(make_house: Callable[..., House]) -> None:
    """One asks, another confirms; nothing begins before, and nobody confirms himself."""
    house = make_house(accounts=Accounts(recovery_operators=2))
    mia = house.member().user
    flow = house.auth.operator_recovery
    with pytest.raises(Forbidden):
        flow.start(mia, to=None, by="ana")
    with pytest.raises(NotFound):
        flow.confirm(mia, by="ben")
    house.deliver()
    house.mails.clear()
    flow.request(mia, to=None, lost_everything=True, by="ana")
    house.deliver()
    assert house.mails == []
    with pytest.raises(Forbidden, match="same operator"):
        flow.confirm(mia, by="ana")
    works_at, link = flow.confirm(mia, by="ben")
    assert link is not None
    assert works_at - house.clock.now() == timedelta(hours=72)
    assert "is being recovered" in house.newest(MIA).subject
    with pytest.raises(NotFound):
        flow.confirm(mia, by="ben")
    house.clock.advance(hours=73)
    chosen(house, link)


def test_what_was_asked_for_is_confirmed_within_a_day(make_house: Callable[..., House]) -> None:
    """Later, or after the account changed, the first operator asks again."""
    house = make_house(accounts=Accounts(recovery_operators=2))
    mia = house.member().user
    flow = house.auth.operator_recovery
    flow.request(mia, to=None, by="ana")
    house.clock.advance(hours=25)
    with pytest.raises(NotFound):
        flow.confirm(mia, by="ben")
    flow.request(mia, to=None, by="ana")
    house.auth.provision.set_password(mia.id, NEW)
    with pytest.raises(NotFound):
        flow.confirm(house.auth.operator.find_user(MIA), by="ben")

"""Recovering: a forgotten password, a code from the mail, a new one; and nothing of the old stays."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from house import ELSEWHERE, HERE, PASSWORD, House, signed_in
from nightlatch.errors import (
    AttemptInvalid,
    InvalidCode,
    InvalidCredentials,
    LinkInvalid,
    NotAuthenticated,
    PasswordRejected,
    RecoveryClosed,
    Throttled,
)
from nightlatch.flows.outcome import Complete, More
from nightlatch.ports import after
from nightlatch.primitives.ids import uuid7
from nightlatch.primitives.secret import Secret
from nightlatch.records import Attempt, Authenticator, Device, Event, Identifier, OneTimeSecret, OutboxMessage, Session

NEW = Secret("an entirely different sentence")
MIA = "mia@example.org"


def code_step(house: House, more: More) -> More:
    """Type the mailed code."""
    step = house.auth.attempts.answer(HERE, more.attempt, authenticator="email_code", code=house.code())
    assert isinstance(step, More)
    return step


def recovered(house: House, password: Secret = NEW) -> Complete:
    """Recover Mia's account, all the way."""
    step = code_step(house, house.auth.recover.begin(HERE, identifier=MIA))
    done = house.auth.attempts.answer(HERE, step.attempt, new_password=password)
    assert isinstance(done, Complete)
    return done


def test_a_forgotten_password_is_replaced(house: House) -> None:
    """Code, new password, and then a sign-in like any other: recovery itself signs nobody in."""
    mia = house.member()
    more = house.auth.recover.begin(HERE, identifier=MIA)
    assert (more.purpose, more.authenticators, more.set) == ("recover", ("email_code",), ())
    step = code_step(house, more)
    assert (step.authenticators, step.set) == ((), ("password",))

    done = house.auth.attempts.answer(HERE, step.attempt, new_password=NEW)

    assert isinstance(done, Complete)
    assert (done.user.id, done.session, done.token, done.device) == (mia.user.id, None, None, None)
    with pytest.raises(InvalidCredentials):
        house.sign_in()
    signed_in(house.sign_in(password=NEW))


def test_everything_that_gave_access_ends(house: House) -> None:
    """Sessions, remembered devices and every code and link that was out (adversary 32)."""
    mia = signed_in(house.member())
    elsewhere = signed_in(house.sign_in(ELSEWHERE))
    other = house.auth.recover.begin(ELSEWHERE, identifier=MIA)
    other_code, other_link = house.code(), house.link()

    recovered(house)

    for token in (mia.token, elsewhere.token):
        with pytest.raises(NotAuthenticated):
            house.auth.sessions.recognise(token or Secret(""))
    assert house.store.find(Session, {"user_id": mia.user.id}) == []
    assert house.store.find(Device, {"user_id": mia.user.id}) == []
    assert house.store.find(OneTimeSecret, {"user_id": mia.user.id, "used_at": None}) == []
    with pytest.raises((InvalidCode, AttemptInvalid)):
        house.auth.attempts.answer(ELSEWHERE, other.attempt, authenticator="email_code", code=other_code)
    with pytest.raises(LinkInvalid):
        house.auth.attempts.link(ELSEWHERE, other_link)


def test_two_recoveries_proven_side_by_side_set_one_password(house: House) -> None:
    """The second to set one finds the account changed: its proof is from before."""
    house.member()
    first = code_step(house, house.auth.recover.begin(HERE, identifier=MIA))
    second = code_step(house, house.auth.recover.begin(HERE, identifier=MIA))
    house.auth.attempts.answer(HERE, first.attempt, new_password=NEW)
    with pytest.raises(AttemptInvalid):
        house.auth.attempts.answer(HERE, second.attempt, new_password=Secret("yet another long sentence"))
    signed_in(house.sign_in(password=NEW))


def test_the_owner_is_told(house: House) -> None:
    """A notice goes to every proven address: of the code typed to the others, of the new password to all."""
    mia = house.member()
    second = Identifier(
        id=uuid7(house.clock.now()),
        user_id=mia.user.id,
        kind="email",
        value="Mia@home.example",
        key="mia@home.example",
        proven_at=house.clock.now(),
        created_at=house.clock.now(),
    )
    house.store.insert(second)
    step = code_step(house, house.auth.recover.begin(HERE, identifier=MIA))
    assert "is being recovered" in house.newest("Mia@home.example").subject
    assert "Choose a new password" in house.newest(MIA).subject

    house.auth.attempts.answer(HERE, step.attempt, new_password=NEW)

    for address in (MIA, "Mia@home.example"):
        told = house.newest(address)
        assert "A new password was chosen" in told.subject
        assert "nll_" not in told.text


def test_the_code_goes_to_the_stored_address_that_was_typed(house: House) -> None:
    """Typed in another case, mailed as it is stored (CVE-2019-19844); what the page shows is what was typed."""
    house.member("Mia@Example.org")
    more = house.auth.recover.begin(HERE, identifier="mia@example.ORG")
    assert more.address == "mia@example.ORG"
    assert "Choose a new password" in house.newest("Mia@example.org").subject


def test_a_user_name_leads_to_the_primary_address(make_house: Callable[..., House]) -> None:
    """Who remembers the name alone recovers by the address, which is not shown before it is proven."""
    house = make_house(identifiers="email_and_username")
    begun = house.auth.sign_up.begin(HERE, email=MIA, username="mia", password=PASSWORD)
    assert isinstance(begun, More)
    house.auth.attempts.answer(HERE, begun.attempt, authenticator="email_code", code=house.code())
    more = house.auth.recover.begin(HERE, identifier="MIA")
    assert more.address == "MIA"
    step = code_step(house, more)
    assert step.address == MIA
    assert isinstance(house.auth.attempts.answer(HERE, step.attempt, new_password=NEW), Complete)


def test_known_unknown_and_suspended_look_alike(house: House) -> None:
    """The same answer and the same rows; a stranger's mail is written and dropped (adversary 84)."""
    house.member()
    leo = house.member("leo@example.org")
    house.auth.operator.suspend(leo.user.id)
    house.deliver()
    mailed, long_ago = len(house.mails), house.clock.now().replace(year=2000)

    def rows() -> dict[str, int]:
        kinds = (Attempt, OneTimeSecret, OutboxMessage)
        counts = {kind.__name__: len(house.store.find(kind, {"created_at": after(long_ago)})) for kind in kinds}
        return counts | {"Event": len(house.store.find(Event, {"at": after(long_ago)}))}

    grown = []
    for identifier in (MIA, "nobody@example.org", "leo@example.org", "no address at all"):
        before = rows()
        more = house.auth.recover.begin(ELSEWHERE, identifier=identifier)
        assert (more.purpose, more.authenticators, more.set, more.address) == (
            "recover",
            ("email_code",),
            (),
            identifier,
        )
        grown.append({name: count - before[name] for name, count in rows().items()})
        if identifier != MIA:
            with pytest.raises(InvalidCode):
                house.auth.attempts.answer(ELSEWHERE, more.attempt, authenticator="email_code", code=Secret("12345678"))
            assert house.auth.attempts.begin(ELSEWHERE, more.attempt, "email_code").address == identifier
    assert grown == [{"Attempt": 1, "OneTimeSecret": 1, "OutboxMessage": 1, "Event": 1}] * 4
    house.deliver()
    assert [mail.to for mail in house.mails[mailed:]] == [MIA]


def test_the_link_pressed_where_it_began_goes_on_there(house: House) -> None:
    """The link with its own attempt is as good as the code."""
    house.member()
    more = house.auth.recover.begin(HERE, identifier=MIA)
    assert house.auth.attempts.look_link(HERE, house.link()).purpose == "recover"
    step = house.auth.attempts.link(HERE, house.link(), more.attempt)
    assert isinstance(step, More)
    assert isinstance(house.auth.attempts.answer(HERE, step.attempt, new_password=NEW), Complete)
    signed_in(house.sign_in(password=NEW))


def test_the_link_pressed_elsewhere_goes_on_elsewhere(house: House) -> None:
    """A stranger who begins a recovery gets nothing when its owner presses the link."""
    house.member()
    strangers = house.auth.recover.begin(ELSEWHERE, identifier=MIA)
    owners = house.auth.attempts.link(HERE, house.link())
    assert isinstance(owners, More)
    for answer in ({"new_password": NEW}, {"authenticator": "email_code", "code": house.code()}):
        with pytest.raises((AttemptInvalid, InvalidCode)):
            house.auth.attempts.answer(ELSEWHERE, strangers.attempt, **answer)  # type: ignore[arg-type]
    house.auth.attempts.answer(HERE, owners.attempt, new_password=NEW)
    signed_in(house.sign_in(password=NEW))


def test_an_unfinished_enrolment_asks_for_nothing(house: House) -> None:
    """What was never confirmed never counts and never blocks."""
    mia = house.member()
    now = house.clock.now()
    house.store.insert(Authenticator(id=uuid7(now), user_id=mia.user.id, kind="totp", created_at=now))
    assert code_step(house, house.auth.recover.begin(HERE, identifier=MIA)).set == ("password",)


def test_who_is_suspended_meanwhile_does_not_come_back(house: House) -> None:
    """A recovery that began before the suspension is worth nothing (adversary 63)."""
    mia = house.member()
    more = house.auth.recover.begin(HERE, identifier=MIA)
    step = code_step(house, house.auth.recover.begin(HERE, identifier=MIA))
    house.auth.operator.suspend(mia.user.id)
    with pytest.raises(AttemptInvalid):
        house.auth.attempts.answer(HERE, step.attempt, new_password=NEW)
    with pytest.raises((AttemptInvalid, InvalidCode)):
        house.auth.attempts.answer(HERE, more.attempt, authenticator="email_code", code=house.code())


def test_the_new_password_is_held_to_policy(house: House) -> None:
    """Refused, and the step is still there (ASVS 6.2.1)."""
    house.member()
    step = code_step(house, house.auth.recover.begin(HERE, identifier=MIA))
    for bad in ("too short", MIA):
        with pytest.raises(PasswordRejected):
            house.auth.attempts.answer(HERE, step.attempt, new_password=Secret(bad))
    assert isinstance(house.auth.attempts.answer(HERE, step.attempt, new_password=NEW), Complete)


def test_who_has_no_password_gets_one(house: House) -> None:
    """An account without a password (it was removed, or imported without) recovers to one."""
    mia = house.member()
    house.store.delete(Authenticator, {"user_id": mia.user.id})
    recovered(house)
    signed_in(house.sign_in(password=NEW))


def test_a_password_refused_after_a_hundred_failures_is_good_again_once_replaced(house: House) -> None:
    """Recovery is the way back for who was guessed at (NIST SP 800-63B-4 3.2.2)."""
    mia = house.member()
    house.store.update(Authenticator, {"user_id": mia.user.id}, {"failures": 100})
    with pytest.raises(InvalidCredentials):
        house.sign_in()
    recovered(house)
    signed_in(house.sign_in(password=NEW))


def test_recoveries_are_bounded(make_house: Callable[..., House]) -> None:
    """Five mails an hour to one address whoever asks; eleven recoveries an hour from one place are refused."""
    house = make_house()
    house.member()
    house.clock.advance(hours=2)
    mailed = len(house.mails)
    for _ in range(10):
        house.auth.recover.begin(HERE, identifier=MIA)
    house.deliver()
    assert len(house.mails) - mailed == 5
    with pytest.raises(Throttled):
        house.auth.recover.begin(HERE, identifier=MIA)
    assert isinstance(house.auth.attempts.link(HERE, house.link()), More)


def test_codes_are_for_the_attempt_they_were_mailed_for(house: House) -> None:
    """A sign-up's code recovers nothing, and the other way round (adversary 25)."""
    house.member()
    sign_up = house.auth.sign_up.begin(HERE, email="leo@example.org")
    assert isinstance(sign_up, More)
    recovery = house.auth.recover.begin(HERE, identifier=MIA)
    for attempt, code in ((recovery, house.code("leo@example.org")), (sign_up, house.code())):
        with pytest.raises(InvalidCode):
            house.auth.attempts.answer(HERE, attempt.attempt, authenticator="email_code", code=code)


def test_without_addresses_there_is_no_recovery_by_mail(make_house: Callable[..., House]) -> None:
    """User names alone: said plainly, the same for everybody."""
    house = make_house(identifiers="username")
    with pytest.raises(RecoveryClosed):
        house.auth.recover.begin(HERE, identifier="mia")

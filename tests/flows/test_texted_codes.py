"""Codes by text message: phones are bound, proven, and never all that stands between an account and a thief."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from house import ELSEWHERE, HERE, PASSWORD, House
from nightlatch.errors import (
    AttemptInvalid,
    ConfigurationError,
    Forbidden,
    InvalidCode,
    InvalidInput,
    NotFound,
    ReauthenticationRequired,
    TextsHeld,
    Throttled,
)
from nightlatch.flows.manage_authenticators import Bound
from nightlatch.flows.outcome import Complete, More
from nightlatch.primitives.secret import Secret
from nightlatch.records import Authenticator, Event, OneTimeSecret, Session
from nightlatch.services.client import Client
from nightlatch.settings import Budget, Passkeys, Policy, Requirement, Sms, Totp
from nightlatch.testing.authenticator_app import AuthenticatorApp

MIA = "mia@example.org"
PHONE, OTHER = "+4915123456789", "+491701234567"
TEXTS = Sms(enabled=True, countries=("DE", "FR"))


class Mia:
    """Somebody with a phone, and the recovery codes that came with it."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.bound = bind(house, session_of(house.member()))
        self.session = session_of(self.bound.complete)
        self.codes = list(self.bound.recovery_codes)
        house.clock.advance(seconds=1)

    def password(self, client: Client = ELSEWHERE) -> More:
        """Type the password."""
        more = self.house.sign_in(client)
        assert isinstance(more, More)
        return more

    def ask(self, more: More, client: Client = ELSEWHERE, **which: Any) -> Secret:
        """Ask for a code, and read it."""
        self.house.auth.attempts.begin(client, more.attempt, "sms_code", **which)
        return self.house.texts.code_for(PHONE)

    def answer(self, more: More, code: Secret, kind: str = "sms_code", client: Client = ELSEWHERE) -> Any:
        """Answer with a code."""
        return self.house.auth.attempts.answer(client, more.attempt, authenticator=kind, code=code)


def session_of(outcome: object) -> Session:
    """Return the session of an outcome that has one."""
    assert isinstance(outcome, Complete)
    assert outcome.session is not None
    return outcome.session


def bind(house: House, session: Session, number: str = PHONE, name: str | None = "my phone") -> Bound:
    """Bind a phone."""
    proposal = house.auth.bind_phone.begin(HERE, session, number=number, name=name)
    return house.auth.bind_phone.confirm(HERE, session, proposal.id, house.texts.code_for(proposal.number))


@pytest.fixture
def house(make_house: Callable[..., House]) -> House:
    """A house that texts to Germany and France."""
    return make_house(sms=TEXTS)


@pytest.fixture
def mia(house: House) -> Mia:
    """Mia, in the house."""
    return Mia(house)


def wrong(code: Secret) -> Secret:
    """Return a code that differs."""
    return Secret(f"{(int(code.reveal()) + 1) % 10**6:06}")


# --- binding --------------------------------------------------------------------------------------------------------


def test_the_first_phone_comes_with_recovery_codes(house: House) -> None:
    """So that it is never the only second factor; the session is of level 2, and the owner told by mail."""
    bound = bind(house, session_of(house.member()), number="0151 23456789")
    assert len(bound.recovery_codes) == 10
    session = session_of(bound.complete)
    assert (session.aal, session.amr) == (2, ("email", "mfa", "pwd", "sms"))
    assert "A phone was added" in house.newest(MIA).text
    assert bound.authenticator.name == "my phone"
    owned = house.auth.manage_authenticators.list(session)
    assert [each.kind for each in owned.authenticators] == ["password", "sms_code"]
    assert owned.recovery_codes_left == 10


def test_the_text_is_for_this_site_alone(house: House) -> None:
    """Its last line binds the code to the host, so that a phone fills it in nowhere else."""
    house.auth.bind_phone.begin(HERE, session_of(house.member()), number=PHONE)
    text = house.texts.newest(PHONE).text
    code = house.texts.code_for(PHONE).reveal()
    assert text.splitlines()[-1] == f"@localhost #{code}"
    assert text.startswith(f"{code} confirms your phone for Harbour Books.")
    assert len(text) <= 160
    with pytest.raises(LookupError):
        house.texts.code_for(PHONE, host="evil.example")


def test_046_a_phone_that_is_not_confirmed_locks_nobody_out(house: House) -> None:
    """It counts for nothing, makes room for the next try, and its code dies with it after ten minutes."""
    session = session_of(house.member())
    flows = house.auth.bind_phone
    first = flows.begin(HERE, session, number=PHONE)
    early = house.texts.code_for(PHONE)
    assert isinstance(house.sign_in(ELSEWHERE), Complete)
    second = flows.begin(HERE, session, number=OTHER)
    with pytest.raises(NotFound):
        flows.confirm(HERE, session, first.id, early)
    with pytest.raises(InvalidCode):
        flows.confirm(HERE, session, second.id, early)
    late = house.texts.code_for(OTHER)
    house.clock.advance(minutes=10)
    with pytest.raises((NotFound, ReauthenticationRequired)):
        flows.confirm(HERE, session, second.id, late)
    assert house.store.find(Authenticator, {"kind": "recovery_code"}) == []


def test_044_the_code_that_confirms_has_five_tries(house: House) -> None:
    """Then it is dead, right or not, and what is confirmed once is confirmed."""
    session = session_of(house.member())
    flows = house.auth.bind_phone
    proposal = flows.begin(HERE, session, number=PHONE)
    code = house.texts.code_for(PHONE)
    for _ in range(5):
        with pytest.raises(InvalidCode):
            flows.confirm(HERE, session, proposal.id, wrong(code))
    with pytest.raises(InvalidCode):
        flows.confirm(HERE, session, proposal.id, code)
    bound = bind(house, session)
    with pytest.raises((NotFound, ReauthenticationRequired)):
        flows.confirm(HERE, session_of(bound.complete), bound.authenticator.id, house.texts.code_for(PHONE))


def test_binding_wants_fresh_proof_and_switched_on_texts(make_house: Callable[..., House]) -> None:
    """An old session binds no phone, nor does anybody where texts are off, as they are until switched on."""
    off = make_house()
    with pytest.raises(Forbidden):
        off.auth.bind_phone.begin(HERE, session_of(off.member()), number=PHONE)
    on = make_house(sms=TEXTS)
    session = session_of(on.member())
    on.clock.advance(minutes=16)
    with pytest.raises(ReauthenticationRequired):
        on.auth.bind_phone.begin(HERE, session, number=PHONE)
    assert on.texts.messages == []


@pytest.mark.parametrize(
    ("number", "says"),
    [
        ("+449012345678", "no mobile number"),
        ("+499001234567", "no mobile number"),
        ("+447012345678", "no mobile number"),
        ("+4930123456", "no mobile number"),
        ("+870773111632", "satellite"),
        ("+881612345678", "satellite"),
        ("+979123456789", "satellite"),
        ("+4915", "no such number"),
        ("+999123456789", "type a phone number"),
        ("+447400123456", "that country"),
        ("call me", "type a phone number"),
        ("", "type a phone number"),
        ("0" * 500, "type a phone number"),
        ("\U0001f4de", "type a phone number"),
    ],
)
def test_numbers_that_get_no_text(house: House, number: str, says: str) -> None:
    """Premium, satellite, unallocated, foreign or no number at all: a message that a person understands, an event."""
    session = session_of(house.member())
    with pytest.raises(InvalidInput) as refused:
        house.auth.bind_phone.begin(HERE, session, number=number)
    assert says.lower() in refused.value.fields["number"].lower()
    assert house.store.find(Event, {"action": "phone_refused"})
    house.deliver()
    assert house.texts.messages == []


# --- proving --------------------------------------------------------------------------------------------------------


def test_the_password_then_a_texted_code(mia: Mia) -> None:
    """The number is told by its last two digits, once the password was right; then six digits sign in at level 2."""
    more = mia.password()
    assert more.authenticators == ("sms_code", "recovery_code")
    assert [(each.name, each.number) for each in more.phones] == [("my phone", "•••• 89")]
    code = mia.ask(more)
    assert len(code.reveal()) == 6
    done = session_of(mia.answer(more, code))
    assert (done.aal, done.amr) == (2, ("mfa", "pwd", "sms"))
    assert mia.house.store.find(Event, {"action": "authn_code_sent"})


def test_nothing_is_sent_before_a_first_factor(mia: Mia) -> None:
    """A stranger neither makes a phone ring nor learns that there is one (adversary 82)."""
    house = mia.house
    sent = len(house.texts.messages)
    for name in (MIA, "nobody@example.org"):
        more = house.auth.sign_in.begin(ELSEWHERE, identifier=name)
        assert isinstance(more, More)
        assert (more.authenticators, more.phones) == (("password", "passkey"), ())
        with pytest.raises(InvalidInput):
            house.auth.attempts.begin(ELSEWHERE, more.attempt, "sms_code")
        with pytest.raises(InvalidInput):
            mia.answer(more, Secret("123456"))
    house.deliver()
    assert len(house.texts.messages) == sent


def test_031_a_texted_code_is_good_once_in_its_own_attempt(mia: Mia) -> None:
    """Not in another attempt, not twice, not after ten minutes; and a code typed uses up the others."""
    first, second = mia.password(), mia.password()
    code = mia.ask(first)
    with pytest.raises(InvalidCode):
        mia.answer(second, code)
    older = code
    newer = mia.ask(first)
    done = mia.answer(first, newer)
    assert isinstance(done, Complete)
    for used in (older, newer):
        with pytest.raises((AttemptInvalid, InvalidCode)):
            mia.answer(first, used)
    late = mia.ask(second)
    mia.house.clock.advance(minutes=10)
    with pytest.raises(AttemptInvalid):
        mia.answer(second, late)


def test_a_mailed_code_is_no_texted_one(make_house: Callable[..., House]) -> None:
    """Codes of two kinds within one attempt are not taken for one another (adversary 6.6.2)."""
    mia = Mia(make_house(sms=TEXTS))
    more = mia.password()
    code = mia.ask(more)
    with pytest.raises(InvalidInput):
        mia.answer(more, code, kind="email_code")
    with pytest.raises(InvalidCode):
        mia.answer(more, code, kind="recovery_code")
    assert isinstance(mia.answer(more, code), Complete)


def test_044_five_tries_a_code_and_three_codes_an_attempt(mia: Mia) -> None:
    """A code sent later is no new life for one that had its tries."""
    more = mia.password()
    code = mia.ask(more)
    for _ in range(5):
        with pytest.raises(InvalidCode):
            mia.answer(more, wrong(code))
    with pytest.raises(InvalidCode):
        mia.answer(more, code)
    mia.ask(more)
    assert isinstance(mia.answer(more, mia.ask(more)), Complete)
    again = mia.password()
    for _ in range(3):
        mia.ask(again)
    with pytest.raises(AttemptInvalid):
        mia.ask(again)


def test_044_guesses_are_counted_over_all_attempts(mia: Mia) -> None:
    """Twenty wrong codes a day, whatever attempts they were typed in; then even the right one waits."""
    house = mia.house
    guesses = 0
    with pytest.raises(Throttled):
        for _ in range(8):
            client = Client(ip=f"198.51.100.{guesses}", user_agent="x")
            more = mia.password(client)
            code = mia.ask(more, client)
            for _ in range(4):
                with pytest.raises(InvalidCode):
                    mia.answer(more, wrong(code), client=client)
                guesses += 1
            house.clock.advance(minutes=61)
    assert 16 <= guesses <= 20


def test_a_recovery_wants_the_phone_besides_the_mailbox(mia: Mia) -> None:
    """A mailbox alone takes no second factor away: after the mailed code a texted one, then a new password."""
    house = mia.house
    more = house.auth.recover.begin(ELSEWHERE, identifier=MIA)
    with pytest.raises(InvalidInput):
        mia.ask(more)
    more = mia.answer(more, house.code(), kind="email_code")
    assert "sms_code" in more.authenticators
    assert [each.number for each in more.phones] == ["•••• 89"]
    more = mia.answer(more, mia.ask(more))
    assert more.set == ("password",)


def test_a_reauthentication_by_text(mia: Mia) -> None:
    """Level 2 anew: the password, then a texted code; the first of them is never the text."""
    house = mia.house
    more = house.auth.reauthenticate.begin(HERE, mia.session, aal=2)
    with pytest.raises(InvalidInput):
        mia.ask(more, HERE)
    more = house.auth.attempts.answer(
        HERE, more.attempt, authenticator="password", password=PASSWORD, session=mia.session
    )
    assert isinstance(more, More)
    code = mia.ask(more, HERE)
    done = house.auth.attempts.answer(HERE, more.attempt, authenticator="sms_code", code=code, session=mia.session)
    assert session_of(done).aal == 2


def test_of_several_phones_one_is_chosen(mia: Mia) -> None:
    """Each number once; without a choice the one used last; another user's or none is refused."""
    house = mia.house
    house.clock.advance(seconds=60)
    with pytest.raises(InvalidInput, match="already"):
        house.auth.bind_phone.begin(HERE, mia.session, number=PHONE)
    further = bind(house, mia.session, number=OTHER, name=None)
    assert further.recovery_codes == ()
    more = mia.password()
    assert [each.number for each in more.phones] == ["•••• 67", "•••• 89"]
    sent = len(house.texts.messages)
    house.auth.attempts.begin(ELSEWHERE, more.attempt, "sms_code", id=more.phones[1].id)
    house.auth.attempts.begin(ELSEWHERE, more.attempt, "sms_code")
    house.deliver()
    assert [each.to for each in house.texts.messages[sent:]] == [PHONE, OTHER]
    with pytest.raises(InvalidInput):
        house.auth.attempts.begin(ELSEWHERE, more.attempt, "sms_code", id=mia.session.id)


def test_a_code_to_a_phone_that_was_removed_meanwhile(mia: Mia) -> None:
    """It proves nothing any longer."""
    house = mia.house
    bind(house, mia.session, number=OTHER)
    more = mia.password()
    mine = next(each for each in more.phones if each.number.endswith("89"))
    code = mia.ask(more, id=mine.id)
    house.store.delete(Authenticator, {"id": mine.id})
    with pytest.raises(InvalidCode):
        mia.answer(more, code)


# --- never the only second factor -------------------------------------------------------------------------------------


def test_settings_offer_something_better_too() -> None:
    """Texts switched on without apps, without countries, or with countries that are none: not started."""
    for sms, totp, says in (
        (TEXTS, Totp(enabled=False), "never the only"),
        (Sms(enabled=True), Totp(), "countries"),
        (Sms(enabled=True, countries=("Germany",)), Totp(), "countries"),
    ):
        with pytest.raises(ConfigurationError, match=says):
            House(sms=sms, totp=totp, passkeys=Passkeys(enabled=totp.enabled))


def test_who_has_texts_alone_is_led_to_add_an_app(mia: Mia) -> None:
    """With the last recovery code gone: both factors are proven, then an app is bound before there is a session."""
    house = mia.house
    house.store.delete(Authenticator, {"kind": "recovery_code"})
    more = mia.password()
    assert more.authenticators == ("sms_code",)
    more = mia.answer(more, mia.ask(more))
    assert isinstance(more, More)
    assert (more.authenticators, more.enrol) == ((), ("passkey", "totp"))
    with pytest.raises(AttemptInvalid):
        house.auth.bind_phone.begin_in(ELSEWHERE, more.attempt, number=OTHER)
    flows = house.auth.manage_authenticators
    proposal = flows.begin_totp_in(ELSEWHERE, more.attempt)
    bound = flows.confirm_totp_in(
        ELSEWHERE, more.attempt, proposal.id, AuthenticatorApp(proposal.secret, house.clock).code()
    )
    assert (session_of(bound.complete).aal, len(bound.recovery_codes)) == (2, 10)


def test_the_app_is_not_removed_where_texts_would_be_left_alone(mia: Mia) -> None:
    """Without recovery codes; with new ones it is."""
    house = mia.house
    house.clock.advance(seconds=1)
    flows = house.auth.manage_authenticators
    proposal = flows.begin_totp(HERE, mia.session)
    bound = flows.confirm_totp(HERE, mia.session, proposal.id, AuthenticatorApp(proposal.secret, house.clock).code())
    house.store.delete(Authenticator, {"kind": "recovery_code"})
    session = session_of(bound.complete)
    with pytest.raises(Forbidden) as refused:
        flows.remove(HERE, session, proposal.id)
    assert "recovery codes" in refused.value.message
    flows.replace_recovery_codes(HERE, session)
    assert session_of(flows.remove(HERE, session, proposal.id)).aal == 2


def test_a_switched_off_phone_is_no_way_round_the_rest(make_house: Callable[..., House]) -> None:
    """Its owner is asked for recovery codes; a mailbox and a stolen password bind nothing in its place."""
    house = make_house(sms=TEXTS)
    mia = Mia(house)
    off = House(house.store)
    off.clock = house.clock
    try:
        more = off.auth.sign_in.begin(ELSEWHERE, identifier=MIA, password=PASSWORD)
        assert isinstance(more, More)
        assert more.authenticators == ("recovery_code",)
        house.store.delete(Authenticator, {"kind": "recovery_code"})
        more = off.auth.sign_in.begin(ELSEWHERE, identifier=MIA, password=PASSWORD)
        assert isinstance(more, More)
        off.auth.attempts.begin(ELSEWHERE, more.attempt, "email_code")
        proven = off.auth.attempts.answer(
            ELSEWHERE, more.attempt, authenticator="email_code", code=off.mailbox.code_for(MIA)
        )
        assert isinstance(proven, More)
        assert proven.enrol == ()
        with pytest.raises(AttemptInvalid):
            off.auth.manage_authenticators.begin_totp_in(ELSEWHERE, proven.attempt)
    finally:
        off.close()
    del mia


def test_policy_leads_to_a_phone_as_well(make_house: Callable[..., House]) -> None:
    """Where a second factor is asked of everybody: after a mailed code an app or a phone, and recovery codes."""
    house = make_house(sms=TEXTS, policy=Policy(everyone=Requirement(aal=2)))
    more = house.auth.sign_up.begin(HERE, email=MIA, password=PASSWORD)
    house.auth.attempts.answer(HERE, more.attempt, authenticator="email_code", code=house.code())
    more = house.sign_in(ELSEWHERE)
    assert isinstance(more, More)
    house.auth.attempts.begin(ELSEWHERE, more.attempt, "email_code")
    more = house.auth.attempts.answer(ELSEWHERE, more.attempt, authenticator="email_code", code=house.code())
    assert isinstance(more, More)
    assert more.enrol == ("passkey", "totp", "sms_code")
    flows = house.auth.bind_phone
    proposal = flows.begin_in(ELSEWHERE, more.attempt, number=PHONE)
    bound = flows.confirm_in(ELSEWHERE, more.attempt, proposal.id, house.texts.code_for(PHONE), name="my phone")
    assert session_of(bound.complete).aal == 2
    assert len(bound.recovery_codes) == 10


def test_removing_the_phone_takes_its_recovery_codes_along(mia: Mia) -> None:
    """It was the last: a password is enough again, and the owner is told."""
    house = mia.house
    flows = house.auth.manage_authenticators
    flows.rename(HERE, mia.session, mia.bound.authenticator.id, name="old phone")
    done = flows.remove(HERE, mia.session, mia.bound.authenticator.id)
    assert session_of(done).aal == 1
    assert isinstance(house.sign_in(ELSEWHERE), Complete)
    house.deliver()
    assert any("A phone was removed" in mail.text for mail in house.mails)


# --- what it may cost -------------------------------------------------------------------------------------------------


def test_082_texts_are_no_free_cannon(make_house: Callable[..., House]) -> None:
    """Budgets per number, per user, per prefix and everywhere; a refusal says when, and is an event."""
    for budget, reason in (
        ("per_number", "number"),
        ("per_user", "user"),
        ("per_prefix", "prefix"),
        ("everywhere", "everywhere"),
    ):
        sms = Sms(enabled=True, countries=("DE",), **{budget: Budget(limit=3, per=timedelta(hours=1))})
        mia = Mia(make_house(sms=sms))
        more = mia.password()
        mia.ask(more)
        mia.ask(more)
        with pytest.raises(TextsHeld) as held:
            mia.ask(more)
        assert held.value.retry_after > timedelta(minutes=50)
        assert "another way" in held.value.message
        events = mia.house.store.find(Event, {"action": "text_held"})
        assert [each.reason for each in events] == [f"budget: {reason}"]
        assert PHONE not in events[0].details
        assert len(mia.house.texts.messages) == 3
        assert isinstance(mia.answer(more, mia.codes[0], kind="recovery_code"), Complete)


def test_082_a_prefix_whose_codes_nobody_uses_gets_no_more(make_house: Callable[..., House]) -> None:
    """The breaker looks at how many codes were typed in; other prefixes go on, and it forgets with the hour."""
    sms = Sms(enabled=True, countries=("DE",), watched_after=5, per_user=Budget(limit=1000, per=timedelta(hours=1)))
    house = make_house(sms=sms)
    session = session_of(house.member())
    flows = house.auth.bind_phone
    for at in range(5):
        flows.begin(HERE, session, number=f"+4915123450{at:03}")
    with pytest.raises(TextsHeld):
        flows.begin(HERE, session, number=PHONE)
    event = house.store.find(Event, {"action": "text_held"})[0]
    assert (event.reason, event.details) == ("breaker: 0 of 5 codes were used", '{"prefix":"+49151"}')
    flows.begin(HERE, session, number=OTHER)
    house.clock.advance(hours=1)
    again = house.sign_in()
    flows.begin(HERE, session_of(again), number=PHONE)


def test_082_codes_that_are_used_keep_the_breaker_closed(make_house: Callable[..., House]) -> None:
    """One in five is enough."""
    sms = Sms(enabled=True, countries=("DE",), watched_after=5, per_number=Budget(limit=99, per=timedelta(days=1)))
    mia = Mia(make_house(sms=sms))
    for _ in range(2):
        more = mia.password()
        for _ in range(2):
            mia.ask(more)
        assert isinstance(mia.answer(more, mia.ask(more)), Complete)


def test_a_code_is_in_no_table_in_clear(mia: Mia) -> None:
    """What is stored of it is a keyed hash; what waits in the outbox is sealed, and erased once it is sent."""
    code = mia.ask(mia.password())
    rows = mia.house.store.find(OneTimeSecret, {"channel": "sms"})
    assert code.reveal() not in repr(rows)
    assert code.reveal() not in repr(mia.house.texts.newest(PHONE))

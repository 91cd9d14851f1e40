"""Policy: by user, and with time to get ready."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from house import ELSEWHERE, HERE, PASSWORD, House, signed_in
from nightlatch.errors import InvalidInput, InvalidToken, NotAuthenticated, NotFound
from nightlatch.flows.outcome import Complete, More
from nightlatch.primitives.ids import uuid7
from nightlatch.records import Session, User
from nightlatch.settings import Policy, Requirement, Totp
from nightlatch.testing.authenticator_app import AuthenticatorApp

MIA = "mia@example.org"
FORTNIGHT = timedelta(days=14)


def password(house: House, **more: Any) -> Any:
    """Type the password, on a device that is not known."""
    return house.auth.sign_in.begin(ELSEWHERE, identifier=MIA, password=PASSWORD, **more)


def session_of(outcome: object) -> Session:
    """Return the session that a sign-in ended in."""
    assert isinstance(outcome, Complete)
    assert outcome.session is not None
    return outcome.session


def bind(house: House, session: Session) -> Session:
    """Bind an app, and return the rotated session."""
    flows = house.auth.manage_authenticators
    proposal = flows.begin_totp(HERE, session)
    app = AuthenticatorApp(proposal.secret, house.clock)
    return session_of(flows.confirm_totp(HERE, session, proposal.id, app.code()).complete)


# --- by user --------------------------------------------------------------------------------------------------------


def test_one_user_is_asked_for_more_than_others(house: House) -> None:
    """An operator says so: sessions that fall short end, and signing in anew leads through it; others go on as ever."""
    mia, leo = signed_in(house.member()), signed_in(house.member("leo@example.org", ELSEWHERE))
    assert house.auth.operator.require(mia.user.id, 2).required_aal == 2
    with pytest.raises(NotAuthenticated):
        house.auth.sessions.recognise(mia.token or "")
    assert house.auth.sessions.recognise(leo.token or "")
    more = password(house)
    assert isinstance(more, More)
    assert more.authenticators == ("email_code",), "a stolen password alone binds nothing"
    assert house.auth.operator.require(mia.user.id, 1).required_aal is None
    assert isinstance(password(house), Complete)


def test_what_nobody_can_reach_is_asked_of_nobody(house: House) -> None:
    """It would lock them out."""
    user = house.member().user
    for aal in (0, 3, 4):
        with pytest.raises(InvalidInput):
            house.auth.operator.require(user.id, aal)
    with pytest.raises(NotFound):
        house.auth.operator.require(uuid7(house.clock.now()), 2)
    assert isinstance(password(house), Complete)


# --- time to get ready ----------------------------------------------------------------------------------------------


@pytest.fixture
def patient(make_house: Callable[..., House]) -> House:
    """Return a house that will ask everybody for a second factor, a fortnight after it first met them."""
    house = make_house(policy=Policy(everyone=Requirement(aal=2, grace=FORTNIGHT)))
    house.member()
    return house


def test_sign_in_goes_on_until_the_grace_is_over(patient: House) -> None:
    """Each session says until when, and ends then; afterwards enrolment is forced."""
    began = patient.clock.now()
    first = session_of(password(patient))
    assert (first.aal, first.enrol_by, first.expires_at) == (1, began + FORTNIGHT, began + FORTNIGHT)
    patient.clock.advance(days=10)
    later = password(patient)
    assert session_of(later).enrol_by == began + FORTNIGHT, "it does not begin anew"
    assert later.enrol == ("passkey", "totp")
    patient.clock.advance(days=4)
    with pytest.raises(NotAuthenticated):
        patient.auth.sessions.recognise(later.token)
    assert isinstance(password(patient), More)


def test_who_binds_what_is_asked_is_done(patient: House) -> None:
    """The session lives as long as any other, and the next sign-in asks for the factor at once."""
    session = session_of(password(patient))
    bound = bind(patient, session)
    absolute, _ = patient.settings.sessions.limits
    assert (bound.aal, bound.enrol_by, bound.expires_at) == (2, None, session.created_at + absolute)
    more = password(patient)
    assert isinstance(more, More)
    assert more.authenticators == ("totp", "recovery_code")


def test_a_grace_excuses_nobody_from_proving_what_they_have(make_house: Callable[..., House]) -> None:
    """An app that is bound is asked for within the period as after it."""
    house = make_house()
    bind(house, session_of(house.member()))
    strict = House(house.store, policy=Policy(everyone=Requirement(aal=2, grace=FORTNIGHT)))
    more = strict.auth.sign_in.begin(ELSEWHERE, identifier=MIA, password=PASSWORD)
    assert isinstance(more, More)
    strict.close()


def test_a_grace_for_one_role_is_none_for_another(make_house: Callable[..., House]) -> None:
    """What is asked without delay is asked without delay."""
    by_role = {"editor": Requirement(aal=2, grace=FORTNIGHT), "admin": Requirement(aal=2)}
    house = make_house(policy=Policy(by_role=by_role))
    user = house.member().user
    house.auth.operator.set_roles(user.id, ("editor",))
    assert isinstance(password(house), Complete)
    house.auth.operator.set_roles(user.id, ("admin", "editor"))
    assert isinstance(password(house), More)


def test_a_grace_ends_for_tokens_too(patient: House) -> None:
    """064: policy is asked at every refresh."""
    done = password(patient, deliver="tokens")
    patient.clock.advance(days=13)
    granted = patient.auth.tokens.refresh(HERE, done.refresh)
    patient.clock.advance(days=1)
    with pytest.raises(InvalidToken):
        patient.auth.tokens.refresh(HERE, granted.refresh)


def test_the_period_is_counted_once(patient: House) -> None:
    """The fact is the user's: a day later another policy still counts from the first day."""
    password(patient)
    (user,) = patient.store.find(User, {"email": MIA})
    assert user.enrolment_asked_at is not None
    shorter = House(patient.store, policy=Policy(everyone=Requirement(aal=2, grace=timedelta(days=1))))
    shorter.clock.advance(days=1)
    assert isinstance(shorter.auth.sign_in.begin(ELSEWHERE, identifier=MIA, password=PASSWORD), More)
    shorter.close()


# --- what policy leads to -------------------------------------------------------------------------------------------


def test_what_is_to_be_bound_is_read_from_the_registry(make_house: Callable[..., House]) -> None:
    """049: every kind that users may bind here and that would help; a sign-up leads straight on to it."""
    house = make_house(policy=Policy(everyone=Requirement(aal=2)), identifiers="username")
    methods = house.auth.manage_authenticators._core.methods
    led = house.auth.sign_up.begin(HERE, username="mia", password=PASSWORD)
    assert isinstance(led, More)
    helping = {
        kind for kind, each in methods.items() if each.enrolment and each.offered and "possession" in each.factors
    }
    assert set(led.enrol) == helping
    assert helping
    again = house.auth.sign_in.begin(ELSEWHERE, identifier="mia", password=PASSWORD)
    assert isinstance(again, More)
    assert set(again.enrol) == helping


def test_apps_that_are_there_are_asked_for_when_no_more_may_be_added(house: House) -> None:
    """Nobody is locked out by a setting: who has an app signs in with it."""
    session = session_of(house.member())
    flows = house.auth.manage_authenticators
    proposal = flows.begin_totp(HERE, session)
    app = AuthenticatorApp(proposal.secret, house.clock)
    flows.confirm_totp(HERE, session, proposal.id, app.code())
    closed = House(house.store, totp=Totp(enabled=False))
    closed.clock.advance(minutes=1)
    more = closed.auth.sign_in.begin(ELSEWHERE, identifier=MIA, password=PASSWORD)
    assert isinstance(more, More)
    assert more.authenticators == ("totp", "recovery_code")
    code = AuthenticatorApp(proposal.secret, closed.clock).code()
    assert session_of(closed.auth.attempts.answer(ELSEWHERE, more.attempt, authenticator="totp", code=code)).aal == 2
    closed.close()

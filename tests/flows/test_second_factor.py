"""Authenticator apps and recovery codes: bound, asked for, good once, and never gone round."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from house import ELSEWHERE, HERE, PASSWORD, WRONG, House, signed_in
from nightlatch.authenticators.base import Proof, Subject
from nightlatch.authenticators.totp import Totp
from nightlatch.errors import (
    AttemptInvalid,
    ConfigurationError,
    Forbidden,
    InvalidCode,
    InvalidCredentials,
    NightlatchError,
    NotAuthenticated,
    NotFound,
    ReauthenticationRequired,
    Throttled,
)
from nightlatch.flows.binding import Bound
from nightlatch.flows.outcome import Complete, More
from nightlatch.primitives.secret import Secret
from nightlatch.records import Authenticator, Device, Event, Session, User
from nightlatch.services.client import Client
from nightlatch.settings import Budget, Policy, Requirement, Throttle
from nightlatch.settings import Passkeys as PasskeySettings
from nightlatch.settings import Totp as TotpSettings
from nightlatch.testing.authenticator_app import AuthenticatorApp

MIA = "mia@example.org"
NEW = Secret("an entirely different sentence")


class Mia:
    """Somebody with an authenticator app and recovery codes."""

    def __init__(self, house: House, client: Client = HERE) -> None:
        self.house = house
        self.session = _session(house.member(client=client))
        self.app, self.bound = enrol(house, self.session)
        self.session = _session(self.bound.complete)
        self.codes = list(self.bound.recovery_codes)
        house.clock.advance(seconds=60)

    def password(self, client: Client = ELSEWHERE) -> More:
        """Type the password."""
        more = self.house.auth.sign_in.begin(client, identifier=MIA, password=PASSWORD)
        assert isinstance(more, More)
        return more

    def answer(self, more: More, kind: str, code: Secret, client: Client = ELSEWHERE) -> Any:
        """Answer with a code."""
        return self.house.auth.attempts.answer(client, more.attempt, authenticator=kind, code=code)


def _session(outcome: object) -> Session:
    assert isinstance(outcome, Complete)
    assert outcome.session is not None
    return outcome.session


def enrol(house: House, session: Session) -> tuple[AuthenticatorApp, Bound]:
    """Bind an app."""
    flows = house.auth.manage_authenticators
    proposal = flows.begin_totp(HERE, session, name="Mia's phone")
    app = AuthenticatorApp(proposal.secret, house.clock)
    return app, flows.confirm_totp(HERE, session, proposal.id, app.code())


@pytest.fixture
def mia(house: House) -> Mia:
    """Mia, in the house."""
    return Mia(house)


# --- binding --------------------------------------------------------------------------------------------------------


def test_the_first_app_comes_with_recovery_codes(house: House) -> None:
    """Ten, of 75 bits each; every other session and remembered device ends, and the acting one is of level 2."""
    first = house.member()
    other = signed_in(house.auth.sign_in.begin(ELSEWHERE, identifier=MIA, password=PASSWORD))
    _, bound = enrol(house, _session(first))
    assert len({code.reveal() for code in bound.recovery_codes}) == 10
    assert all(len(code.reveal().replace("-", "")) == 15 for code in bound.recovery_codes)
    with pytest.raises(NotAuthenticated):
        house.auth.sessions.recognise(other.token or "")
    with pytest.raises(NotAuthenticated):
        house.auth.sessions.recognise(first.token or "")
    acting = house.auth.sessions.recognise(bound.complete.token or "")
    assert (acting.aal, acting.amr) == (2, ("email", "mfa", "otp", "pwd"))
    assert house.store.find(Device, {"user_id": acting.user_id}) == []
    house.deliver()
    assert "authenticator app was added" in house.newest(MIA).text


def test_a_further_app_ends_nothing(mia: Mia) -> None:
    """It is one more; there are no new codes."""
    house = mia.house
    more = mia.password()
    other = mia.answer(more, "totp", mia.app.code())
    house.clock.advance(seconds=60)
    app, bound = enrol(house, mia.session)
    assert bound.recovery_codes == ()
    assert house.auth.sessions.recognise(other.token).user_id == mia.session.user_id
    house.clock.advance(seconds=60)
    assert isinstance(mia.answer(mia.password(), "totp", app.code()), Complete)
    assert isinstance(mia.answer(mia.password(), "totp", mia.app.code()), Complete)
    assert len(house.auth.manage_authenticators.list(mia.session).authenticators) == 3


def test_046_an_enrolment_that_is_abandoned_locks_nobody_out(house: House) -> None:
    """What is not confirmed never counts, and makes room for the next try."""
    session = _session(house.member())
    flows = house.auth.manage_authenticators
    first = flows.begin_totp(HERE, session)
    with pytest.raises(InvalidCode):
        flows.confirm_totp(HERE, session, first.id, Secret("000000"))
    assert isinstance(house.auth.sign_in.begin(ELSEWHERE, identifier=MIA, password=PASSWORD), Complete)
    second = flows.begin_totp(HERE, session)
    with pytest.raises(NotFound):
        flows.confirm_totp(HERE, session, first.id, AuthenticatorApp(first.secret, house.clock).code())
    house.clock.advance(minutes=9)
    app = AuthenticatorApp(second.secret, house.clock)
    assert flows.confirm_totp(HERE, session, second.id, app.code()).recovery_codes


def test_binding_wants_fresh_proof(house: House) -> None:
    """An old session binds nothing, and one of less than the user's own level neither (adversary 53)."""
    session = _session(house.member())
    house.clock.advance(minutes=16)
    with pytest.raises(ReauthenticationRequired):
        house.auth.manage_authenticators.begin_totp(HERE, session)


def test_another_persons_enrolment_cannot_be_named(house: House) -> None:
    """065: neither confirmed, renamed nor removed."""
    mia, leo = _session(house.member()), _session(house.member("leo@example.org"))
    flows = house.auth.manage_authenticators
    proposal = flows.begin_totp(HERE, mia)
    code = AuthenticatorApp(proposal.secret, house.clock).code()
    with pytest.raises(NotFound):
        flows.confirm_totp(HERE, leo, proposal.id, code)
    bound = flows.confirm_totp(HERE, mia, proposal.id, code)
    for act in (flows.rename, flows.remove):
        with pytest.raises(NotFound):
            act(HERE, leo, bound.authenticator.id, **({"name": "mine"} if act == flows.rename else {}))


# --- signing in -----------------------------------------------------------------------------------------------------


def test_a_password_alone_is_not_enough_any_longer(mia: Mia) -> None:
    """042: a state before a session exists. The app's code ends it, at level 2."""
    more = mia.password()
    assert (more.authenticators, more.enrol, more.set) == (("totp", "recovery_code"), (), ())
    session = _session(mia.answer(more, "totp", mia.app.code()))
    assert (session.aal, session.amr) == (2, ("mfa", "otp", "pwd"))


def test_the_second_factor_comes_after_the_first(mia: Mia) -> None:
    """Without a password nothing else is asked for, nor told: before a first factor all depends on settings only."""
    begun = mia.house.auth.sign_in.begin(ELSEWHERE, identifier=MIA)
    assert isinstance(begun, More)
    assert begun.authenticators == ("password", "passkey")
    with pytest.raises(NightlatchError):
        mia.answer(begun, "totp", mia.app.code())


def test_043_a_step_is_accepted_once(mia: Mia) -> None:
    """RFC 6238 5.2: nor any earlier one; the last step's code is good as long as none later was used."""
    code = mia.app.code()
    assert isinstance(mia.answer(mia.password(), "totp", code), Complete)
    for spent in (code, mia.app.code(steps=-1)):
        with pytest.raises(InvalidCode):
            mia.answer(mia.password(), "totp", spent)
    mia.house.clock.advance(seconds=60)
    for steps in (-2, 1):
        with pytest.raises(InvalidCode):
            mia.answer(mia.password(), "totp", mia.app.code(steps=steps))
    assert isinstance(mia.answer(mia.password(), "totp", mia.app.code(steps=-1)), Complete)


def test_a_recovery_code_is_good_once(mia: Mia) -> None:
    """However it is typed; the user is told, and how many are left."""
    typed = Secret(mia.codes[0].reveal().upper().replace("-", " "))
    assert isinstance(mia.answer(mia.password(), "recovery_code", typed), Complete)
    mia.house.deliver()
    assert any("9 of them are left" in each.text for each in mia.house.mails)
    with pytest.raises(InvalidCode):
        mia.answer(mia.password(), "recovery_code", mia.codes[0])
    assert mia.house.auth.manage_authenticators.list(mia.session).recovery_codes_left == 9


def test_another_persons_code_opens_nothing(mia: Mia) -> None:
    """Neither their app's nor their recovery codes."""
    house = mia.house
    session = _session(house.member("leo@example.org"))
    app, bound = enrol(house, session)
    for kind, code in (("totp", app.code()), ("recovery_code", bound.recovery_codes[0])):
        with pytest.raises(InvalidCode):
            mia.answer(mia.password(), kind, code)


def test_044_codes_are_throttled_over_all_attempts(mia: Mia) -> None:
    """044: ten guesses a quarter of an hour, whichever attempt they are made in; then not even the right one."""
    more = mia.password()
    guesses = 0
    with pytest.raises(Throttled):
        for number in range(20):
            with pytest.raises(InvalidCode):
                mia.answer(more, "totp", Secret(f"{number:06}"))
            guesses += 1
    assert guesses == 10
    with pytest.raises(Throttled):
        mia.answer(more, "totp", mia.app.code())


def test_a_hundred_wrong_codes_in_a_row_are_all(mia: Mia) -> None:
    """NIST SP 800-63B-4 3.2.2: with growing delays, over days; then a right code looks like a wrong one."""
    house = mia.house
    for _ in range(120):
        house.clock.advance(minutes=61)
        with pytest.raises(InvalidCode):
            mia.answer(mia.password(), "totp", Secret("000000"))
    (row,) = [r for r in house.store.find(Authenticator, {"user_id": mia.session.user_id}) if r.kind == "totp"]
    assert row.failures == 100
    house.clock.advance(hours=2)
    with pytest.raises(InvalidCode):
        mia.answer(mia.password(), "totp", mia.app.code())


def test_a_code_that_is_missing_costs_nothing(mia: Mia) -> None:
    """It was no guess."""
    more = mia.password()
    for _ in range(12):
        with pytest.raises(NightlatchError) as refused:
            mia.house.auth.attempts.answer(ELSEWHERE, more.attempt, authenticator="totp")
        assert refused.value.code == "invalid_input"
    assert isinstance(mia.answer(more, "totp", mia.app.code()), Complete)


def test_042_no_flow_goes_round_the_second_factor(mia: Mia) -> None:
    """Neither Django's kind of question, nor a recovery of the password, nor an invitation of what was."""
    house = mia.house
    with pytest.raises(InvalidCredentials):
        house.auth.sign_in.prove(ELSEWHERE, identifier=MIA, password=PASSWORD)
    begun = house.auth.recover.begin(ELSEWHERE, identifier=MIA)
    house.deliver()
    more = house.auth.attempts.answer(ELSEWHERE, begun.attempt, authenticator="email_code", code=house.code())
    assert isinstance(more, More)
    assert (more.authenticators, more.set) == (("totp", "recovery_code"), ())
    with pytest.raises(AttemptInvalid):
        house.auth.attempts.answer(ELSEWHERE, more.attempt, new_password=NEW)
    more = mia.answer(more, "totp", mia.app.code())
    assert more.set == ("password",)
    done = house.auth.attempts.answer(ELSEWHERE, more.attempt, new_password=NEW)
    assert done.session is None
    asked = house.auth.sign_in.begin(ELSEWHERE, identifier=MIA, password=NEW)
    assert isinstance(asked, More)
    assert asked.authenticators == ("totp", "recovery_code")


def test_a_recovery_code_that_recovered_is_replaced_at_once(mia: Mia) -> None:
    """The new one is shown with the new password, is good, and the one that was used is not (NIST 4.2.1.1)."""
    house = mia.house
    begun = house.auth.recover.begin(ELSEWHERE, identifier=MIA)
    more = house.auth.attempts.answer(ELSEWHERE, begun.attempt, authenticator="email_code", code=house.code())
    assert isinstance(more, More)
    more = mia.answer(more, "recovery_code", mia.codes[0])
    done = house.auth.attempts.answer(ELSEWHERE, more.attempt, new_password=NEW)
    assert isinstance(done, Complete)
    (fresh,) = done.recovery_codes
    assert fresh.reveal() not in {code.reveal() for code in mia.codes}
    assert len(house.auth.recover._core.recovery_codes.of(house.auth.operator.authenticators(done.user.id))) == 10
    asked = house.auth.sign_in.begin(ELSEWHERE, identifier=MIA, password=NEW)
    assert isinstance(asked, More)
    with pytest.raises(InvalidCode):
        mia.answer(asked, "recovery_code", mia.codes[0])
    signed_in(mia.answer(asked, "recovery_code", fresh))


# --- again, and away ------------------------------------------------------------------------------------------------


def test_reauthentication_reaches_the_users_own_level(mia: Mia) -> None:
    """One proof for level 1; for level 2 both, in one attempt, and the session is rotated once at the end."""
    house = mia.house
    house.clock.advance(minutes=20)
    flows = house.auth.manage_authenticators
    with pytest.raises(ReauthenticationRequired) as refused:
        flows.begin_totp(HERE, mia.session)
    assert refused.value.aal == 2
    more = house.auth.reauthenticate.begin(HERE, mia.session, aal=2)
    assert more.authenticators == ("password",), "an app is never the first step"
    more = house.auth.attempts.answer(
        HERE, more.attempt, authenticator="password", password=PASSWORD, session=mia.session
    )
    assert isinstance(more, More)
    assert more.authenticators == ("totp", "recovery_code")
    done = house.auth.attempts.answer(
        HERE, more.attempt, authenticator="totp", code=mia.app.code(), session=mia.session
    )
    assert flows.begin_totp(HERE, _session(done)).secret
    one = house.auth.reauthenticate.begin(HERE, _session(done))
    with pytest.raises(NightlatchError):
        house.auth.attempts.answer(HERE, one.attempt, authenticator="totp", code=mia.app.code(), session=_session(done))
    again = house.auth.attempts.answer(
        HERE, one.attempt, authenticator="password", password=PASSWORD, session=_session(done)
    )
    assert isinstance(again, Complete)


def test_048_policy_holds_for_who_removes_the_last_app(make_house: Callable[..., House]) -> None:
    """Who must have a second factor keeps one; with another that was just proven, the first may go."""
    house = make_house(policy=Policy(by_role={"admin": Requirement(aal=2)}))
    mia = Mia(house)
    house.auth.operator.set_roles(mia.session.user_id, ("admin",))
    mia.session = _session(mia.answer(mia.password(), "totp", mia.app.code()))
    flows = house.auth.manage_authenticators
    with pytest.raises(Forbidden, match="policy"):
        flows.remove(HERE, mia.session, mia.bound.authenticator.id)
    assert house.auth.sessions.of_user(mia.session.user_id)
    house.clock.advance(seconds=60)
    _, second = enrol(house, mia.session)
    done = flows.remove(HERE, _session(second.complete), mia.bound.authenticator.id)
    assert _session(done).aal == 2
    assert [each.id for each in flows.list(_session(done)).authenticators if each.kind == "totp"] == [
        second.authenticator.id
    ]


def test_removal_ends_every_other_session(mia: Mia) -> None:
    """With the last app its recovery codes go, and a password is enough again."""
    house = mia.house
    other = mia.answer(mia.password(), "totp", mia.app.code())
    done = house.auth.manage_authenticators.remove(HERE, mia.session, mia.bound.authenticator.id)
    with pytest.raises(NotAuthenticated):
        house.auth.sessions.recognise(other.token)
    assert _session(done).aal == 1
    kinds = [each.kind for each in house.store.find(Authenticator, {"user_id": mia.session.user_id})]
    assert kinds == ["password"]
    assert isinstance(house.auth.sign_in.begin(ELSEWHERE, identifier=MIA, password=PASSWORD), Complete)
    house.deliver()
    assert any("app was removed" in each.text for each in house.mails)


def test_recovery_codes_are_replaced_as_a_set(mia: Mia) -> None:
    """The old ones are worth nothing."""
    fresh = mia.house.auth.manage_authenticators.replace_recovery_codes(HERE, mia.session)
    with pytest.raises(InvalidCode):
        mia.answer(mia.password(), "recovery_code", mia.codes[0])
    assert isinstance(mia.answer(mia.password(), "recovery_code", fresh[3]), Complete)


def test_secrets_are_in_no_row_event_or_repr(mia: Mia) -> None:
    """037, 068: seeds are sealed, codes are hashed, and neither is ever printed."""
    house = mia.house
    assert isinstance(mia.answer(mia.password(), "recovery_code", mia.codes[0]), Complete)
    rows = house.store.find(Authenticator, {"user_id": mia.session.user_id})
    events = house.store.find(Event, {"user_id": mia.session.user_id})
    shown = repr(rows) + repr(events) + repr(mia.bound)
    for code in mia.codes:
        assert code.reveal() not in shown
        assert code.reveal().replace("-", "") not in shown


# --- policy ---------------------------------------------------------------------------------------------------------


def test_policy_leads_to_an_enrolment(make_house: Callable[..., House]) -> None:
    """On a device that is not known a mailed code comes first: a stolen password alone binds nothing."""
    house = make_house(policy=Policy(by_role={"editor": Requirement(aal=2)}))
    user = house.member().user
    house.auth.operator.set_roles(user.id, ("editor",))
    more = house.auth.sign_in.begin(ELSEWHERE, identifier=MIA, password=PASSWORD)
    assert isinstance(more, More)
    assert (more.authenticators, more.enrol) == (("email_code",), ())
    flows = house.auth.manage_authenticators
    with pytest.raises(AttemptInvalid):
        flows.begin_totp_in(ELSEWHERE, more.attempt)
    house.auth.attempts.begin(ELSEWHERE, more.attempt, "email_code")
    house.deliver()
    more = house.auth.attempts.answer(ELSEWHERE, more.attempt, authenticator="email_code", code=house.code())
    assert isinstance(more, More)
    assert (more.authenticators, more.enrol) == ((), ("passkey", "totp"))
    proposal = flows.begin_totp_in(ELSEWHERE, more.attempt)
    app = AuthenticatorApp(proposal.secret, house.clock)
    with pytest.raises(InvalidCode):
        flows.confirm_totp_in(ELSEWHERE, more.attempt, proposal.id, Secret("000000"))
    bound = flows.confirm_totp_in(ELSEWHERE, more.attempt, proposal.id, app.code())
    assert _session(bound.complete).aal == 2
    assert len(bound.recovery_codes) == 10
    with pytest.raises(AttemptInvalid):
        flows.begin_totp_in(ELSEWHERE, more.attempt)


def test_on_a_known_device_the_password_is_enough_to_enrol(make_house: Callable[..., House]) -> None:
    """It has proven itself before."""
    house = make_house(policy=Policy(by_role={"editor": Requirement(aal=2)}))
    done = house.member()
    house.auth.operator.set_roles(done.user.id, ("editor",))
    known = Client(ip=HERE.ip, user_agent=HERE.user_agent, device=done.device)
    more = house.auth.sign_in.begin(known, identifier=MIA, password=PASSWORD)
    assert isinstance(more, More)
    assert (more.authenticators, more.enrol) == ((), ("passkey", "totp"))


def test_apps_can_be_switched_off(make_house: Callable[..., House]) -> None:
    """Then nobody binds one, and a policy that would need one does not start."""
    with pytest.raises(ConfigurationError, match="no second factor"):
        make_house(
            totp=TotpSettings(enabled=False),
            passkeys=PasskeySettings(enabled=False),
            policy=Policy(everyone=Requirement(aal=2)),
        )
    house = make_house(totp=TotpSettings(enabled=False))
    with pytest.raises(NightlatchError) as refused:
        house.auth.manage_authenticators.begin_totp(HERE, _session(house.member()))
    assert refused.value.code == "forbidden"


def test_wrong_passwords_stay_what_they_were(mia: Mia) -> None:
    """A wrong password tells nothing of a second factor."""
    with pytest.raises(InvalidCredentials):
        mia.house.auth.sign_in.begin(ELSEWHERE, identifier=MIA, password=WRONG)


@pytest.mark.parametrize("kind", ["totp", "recovery_code"])
def test_043_of_many_at_once_one_wins(make_house: Callable[..., House], kind: str) -> None:
    """100 threads, each with an attempt of its own, and one code: exactly one session, however wide the budgets."""
    wide = Budget(limit=1000, per=timedelta(minutes=5))
    mia = Mia(make_house(throttle=Throttle(sign_in_per_identifier=wide, sign_in_per_network=wide)))
    attempts = [mia.password(Client(ip=f"198.51.{number}.9")) for number in range(100)]
    code = mia.app.code() if kind == "totp" else mia.codes[5]
    won = _at_once(
        [
            lambda m=more, n=number: mia.answer(m, kind, code, Client(ip=f"198.51.{n}.9"))
            for number, more in enumerate(attempts)
        ]
    )
    assert len(won) == 1


def test_043_one_step_is_spent_once_however_many_have_verified_it(mia: Mia) -> None:
    """The guarded write alone decides, among 32 who all hold a right code and have all been counted."""
    house, user_id = mia.house, mia.session.user_id
    app = Totp(house.store, house.clock, house.auth.keyring)
    subject = Subject(
        key="user",
        user=house.store.get(User, user_id),
        bound=tuple(house.store.find(Authenticator, {"user_id": user_id})),
    )
    verified = app.verify(subject, Proof(code=mia.app.code()), HERE, believed=True)

    def spend() -> bool:
        with house.store.transaction():
            app.accept(subject, verified)
        return True

    assert _at_once([spend] * 32) == [True]


def _at_once(acts: list[Callable[[], Any]]) -> list[Any]:
    """Do all of it at once; return what those got that were not refused."""
    gate, won = threading.Barrier(len(acts)), []

    def go(act: Callable[[], Any]) -> None:
        gate.wait()
        try:
            won.append(act())
        except NightlatchError:
            return

    threads = [threading.Thread(target=go, args=(act,)) for act in acts]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    return won


def test_a_seed_that_no_key_opens_is_a_wrong_code(mia: Mia) -> None:
    """A key was taken away too early: a refusal that says why in the log, and no fault; recovery codes go as well."""
    (row,) = [r for r in mia.house.store.find(Authenticator, {"user_id": mia.session.user_id}) if r.kind == "totp"]
    mia.house.store.update(Authenticator, {"id": row.id}, {"sealed_secret": b"\x00" * 60})
    with pytest.raises(InvalidCode, match="does not open"):
        mia.answer(mia.password(), "totp", mia.app.code())
    assert isinstance(mia.answer(mia.password(), "recovery_code", mia.codes[0]), Complete)

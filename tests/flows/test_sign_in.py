"""Signing in, being recognised, and being refused."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import msgspec
import pytest

from house import ELSEWHERE, HERE, PASSWORD, WRONG, House, signed_in
from nightlatch.errors import (
    AttemptInvalid,
    InvalidCredentials,
    NotAuthenticated,
    NotFound,
    PasswordRejected,
    Throttled,
)
from nightlatch.flows.outcome import More
from nightlatch.primitives.assurance import meets
from nightlatch.primitives.secret import Secret
from nightlatch.records import Authenticator, Event, Session
from nightlatch.services.client import Client
from nightlatch.services.gate import Gate
from nightlatch.settings import Policy, Requirement, Sessions


def test_in_and_out(house: House) -> None:
    """A password signs in; signing out ends the session on the server."""
    house.member()
    done = signed_in(house.sign_in())
    session = house.auth.sessions.recognise(done.token or "")
    assert (session.email, session.aal, session.amr) == ("mia@example.org", 1, ("pwd",))
    house.auth.account.sign_out(HERE, session)
    with pytest.raises(NotAuthenticated):
        house.auth.sessions.recognise(done.token or "")


def test_no_password_grows_too_old(house: House) -> None:
    """Years later it still signs in, and nothing is to be set (ASVS 6.2.10)."""
    house.member()
    house.clock.advance(days=1500)
    signed_in(house.sign_in())


def test_the_session_seen_longest_ago_makes_room(make_house: Callable[..., House]) -> None:
    """Past the bound a further sign-in ends one, and no more (ASVS 7.1.2)."""
    house = make_house(sessions=Sessions(max_per_user=3))
    house.member()
    tokens = []
    for _ in range(4):
        house.clock.advance(minutes=1)
        tokens.append(signed_in(house.sign_in()).token or "")
    with pytest.raises(NotAuthenticated):
        house.auth.sessions.recognise(tokens[0])
    assert len({house.auth.sessions.recognise(token).id for token in tokens[1:]}) == 3


def test_without_a_password_the_answer_depends_on_settings_only(house: House) -> None:
    """Known or not, the attempt asks for the password; answering it signs in."""
    house.member()
    known = house.auth.sign_in.begin(HERE, identifier="mia@example.org")
    unknown = house.auth.sign_in.begin(HERE, identifier="nobody@example.org")
    assert isinstance(known, More)
    assert isinstance(unknown, More)
    assert known.authenticators == unknown.authenticators == ("password", "passkey")
    signed_in(house.auth.attempts.answer(HERE, known.attempt, authenticator="password", password=PASSWORD))
    with pytest.raises(InvalidCredentials):
        house.auth.attempts.answer(HERE, unknown.attempt, authenticator="password", password=PASSWORD)


@pytest.mark.parametrize("identifier", ["nobody@example.org", "mia", "not an address@", "\N{SNOWMAN}", "x" * 5000, ""])
def test_every_cause_looks_alike(house: House, identifier: str) -> None:
    """Unknown, impossible, empty: the one public code and message of a wrong password."""
    house.member()
    with pytest.raises(InvalidCredentials) as wrong:
        house.sign_in(password=WRONG)
    with pytest.raises(InvalidCredentials) as unknown:
        house.sign_in(identifier=identifier)
    assert (wrong.value.code, wrong.value.message) == (unknown.value.code, unknown.value.message)


def test_a_suspended_user_looks_like_a_wrong_password(house: House) -> None:
    """063: suspension ends every session at once; the right password is refused like a wrong one."""
    done = house.member()
    house.auth.operator.suspend(done.user.id)
    with pytest.raises(NotAuthenticated):
        house.auth.sessions.recognise(done.token or "")
    with pytest.raises(InvalidCredentials):
        house.sign_in()
    house.auth.operator.restore(done.user.id)
    signed_in(house.sign_in())


def test_suspension_between_gate_and_session_wins(house: House) -> None:
    """A reauthentication or sign-in begun before a suspension ends in nothing."""
    done = signed_in(house.member())
    assert done.session is not None
    more = house.auth.reauthenticate.begin(HERE, done.session)
    house.auth.operator.suspend(done.user.id)
    house.auth.operator.restore(done.user.id)
    with pytest.raises(AttemptInvalid):
        house.auth.attempts.answer(
            HERE, more.attempt, authenticator="password", password=PASSWORD, session=done.session
        )


def test_a_session_does_not_grow_with_each_reauthentication(house: House) -> None:
    """What it holds is read at every request, so it holds what decisions need."""
    session = signed_in(house.member()).session
    sizes = set()
    for _ in range(4):
        assert session is not None
        house.clock.advance(minutes=10)
        more = house.auth.reauthenticate.begin(HERE, session)
        answered = house.auth.attempts.answer(
            HERE, more.attempt, authenticator="password", password=PASSWORD, session=session
        )
        session = signed_in(answered).session
        sizes.add(len(session.evidence if session else ()))
        assert session is not None
        assert meets(session.evidence, max_age=timedelta(seconds=1), now=house.clock.now())
    assert sizes == {3}  # the address proven at sign-up, and the password's first and newest proof


def test_guesses_are_bounded_for_each_identifier(house: House) -> None:
    """The eleventh guess in a quarter of an hour is not verified, be it right; then the window ends."""
    house.member()
    for _ in range(10):
        with pytest.raises(InvalidCredentials):
            house.sign_in(ELSEWHERE, password=WRONG)
    with pytest.raises(Throttled):
        house.sign_in(ELSEWHERE)
    with pytest.raises(Throttled):
        house.sign_in(ELSEWHERE, identifier="MIA@example.org ".strip())  # 076: the same key as the look-up
    house.clock.advance(minutes=16)
    signed_in(house.sign_in(ELSEWHERE))


def test_a_device_buys_nothing_for_another_user(house: House) -> None:
    """The pair of device and user is what is remembered."""
    mia = house.member()
    house.member("leo@example.org", ELSEWHERE)
    mine = Client(ip="203.0.113.5", device=mia.device)
    for _ in range(10):
        with pytest.raises(InvalidCredentials):
            house.sign_in(mine, identifier="leo@example.org", password=WRONG)
    with pytest.raises(Throttled):
        house.sign_in(mine, identifier="leo@example.org", password=WRONG)


def test_a_device_is_forgotten_after_ten_failures(house: House) -> None:
    """A stolen device cookie is worth ten guesses."""
    done = house.member()
    mine = Client(ip="192.0.2.7", device=done.device)
    for _ in range(10):
        with pytest.raises(InvalidCredentials):
            house.sign_in(mine, password=WRONG)
    with pytest.raises((InvalidCredentials, Throttled)):
        house.sign_in(mine, password=WRONG)
    assert signed_in(house.sign_in(Client(ip="192.0.2.8", device=None))).device is not None


def test_a_refusal_leaves_its_count_and_its_event(house: House) -> None:
    """What was tried stays on record, with a private reason (ASVS 16.3.1)."""
    done = house.member()
    with pytest.raises(InvalidCredentials):
        house.sign_in(ELSEWHERE, password=WRONG)
    events = house.store.find(Event, {"user_id": done.user.id, "action": "authn_login_fail"})
    assert [(e.outcome, e.reason, e.ip) for e in events] == [("refused", "wrong password", "198.51.100.9")]


def test_consecutive_failures_end_at_a_hundred(house: House) -> None:
    """NIST 3.2.2: after 100 failures in a row the right password is refused too, but not from a known device."""
    done = house.member()
    record = house.store.find(Authenticator, {"user_id": done.user.id})[0]
    house.store.update(Authenticator, {"id": record.id}, {"failures": 100})
    with pytest.raises(InvalidCredentials):
        house.sign_in(ELSEWHERE)
    signed_in(house.sign_in(Client(ip="192.0.2.7", device=done.device)))
    signed_in(house.sign_in(ELSEWHERE))


def test_sessions_end_at_their_absolute_limit(house: House) -> None:
    """Thirty days, whatever happens in between."""
    done = signed_in(house.member())
    house.clock.advance(days=29)
    house.auth.sessions.touch(house.auth.sessions.recognise(done.token or ""))
    house.auth.sessions.write_touches()
    house.clock.advance(days=1, seconds=1)
    with pytest.raises(NotAuthenticated):
        house.auth.sessions.recognise(done.token or "")


def test_last_seen_is_written_at_most_once_a_minute(house: House) -> None:
    """A look-up notes, the background writes."""
    done = signed_in(house.member())
    session = house.auth.sessions.recognise(done.token or "")
    house.auth.sessions.touch(session)
    assert not house.auth.sessions.has_touches
    house.clock.advance(seconds=61)
    house.auth.sessions.touch(session)
    house.auth.background.run_once()
    assert house.auth.sessions.recognise(done.token or "").last_seen_at == house.clock.now()


def test_sessions_are_listed_and_revoked(house: House) -> None:
    """One, the others; never somebody else's (adversary 65)."""
    mia = signed_in(house.member())
    leo = signed_in(house.member("leo@example.org", ELSEWHERE))
    second = signed_in(house.sign_in(ELSEWHERE))
    third = signed_in(house.sign_in(ELSEWHERE))
    assert mia.session is not None
    assert leo.session is not None
    assert second.session is not None
    account = house.auth.account
    assert len(account.sessions(mia.session)) == 3
    with pytest.raises(NotFound):
        account.revoke_session(HERE, mia.session, leo.session.id)
    account.revoke_session(HERE, mia.session, second.session.id)
    with pytest.raises(NotAuthenticated):
        house.auth.sessions.recognise(second.token or "")
    assert account.revoke_other_sessions(HERE, mia.session) == 1
    with pytest.raises(NotAuthenticated):
        house.auth.sessions.recognise(third.token or "")
    house.auth.sessions.recognise(mia.token or "")
    house.auth.sessions.recognise(leo.token or "")


def test_changing_the_password_ends_the_others_and_rotates_the_acting_one(house: House) -> None:
    """050, 061, 067: old sessions and the old token are dead, a notice goes out, the old password is refused."""
    mia = signed_in(house.member())
    other = signed_in(house.sign_in(ELSEWHERE))
    assert mia.session is not None
    new = Secret("an entirely different sentence")
    with pytest.raises(InvalidCredentials):
        house.auth.account.change_password(HERE, mia.session, current_password=WRONG, new_password=new)
    with pytest.raises(PasswordRejected):
        house.auth.account.change_password(HERE, mia.session, current_password=PASSWORD, new_password=Secret("short"))

    changed = house.auth.account.change_password(HERE, mia.session, current_password=PASSWORD, new_password=new)

    for dead in (mia.token, other.token):
        with pytest.raises(NotAuthenticated):
            house.auth.sessions.recognise(dead or "")
    assert house.auth.sessions.recognise(changed.token or "").user_id == mia.user.id
    with pytest.raises(InvalidCredentials):
        house.sign_in(password=PASSWORD)
    assert "password" in house.newest("mia@example.org").subject.lower()
    signed_in(house.sign_in(password=new))


def test_roles_reach_living_sessions(house: House) -> None:
    """A role given is seen by the next request (ASVS 8.3.2)."""
    mia = signed_in(house.member())
    house.auth.operator.set_roles(mia.user.id, ("editor", "admin"))
    assert house.auth.sessions.recognise(mia.token or "").roles == ("admin", "editor")


def test_a_role_that_needs_more_proof_ends_the_sessions_that_lack_it(make_house: Callable[..., House]) -> None:
    """Whoever becomes an administrator signs in as administrators do, first (adversary 51)."""
    twice = Policy(by_role={"admin": Requirement(sequence=("password", "password"))})
    house = make_house(policy=twice)
    mia = signed_in(house.member())
    house.auth.operator.set_roles(mia.user.id, ("editor",))
    assert house.auth.sessions.recognise(mia.token or "").roles == ("editor",)
    house.auth.operator.set_roles(mia.user.id, ("admin",))
    with pytest.raises(NotAuthenticated):
        house.auth.sessions.recognise(mia.token or "")
    more = house.sign_in()
    assert isinstance(more, More)
    done = signed_in(house.auth.attempts.answer(HERE, more.attempt, authenticator="password", password=PASSWORD))
    assert house.auth.sessions.recognise(done.token or "").roles == ("admin",)


def test_a_role_taken_during_a_sign_in_does_not_live_on(house: House) -> None:
    """What the gate saw is what the session is written for; else the sign-in is begun anew."""
    mia = signed_in(house.member())
    assert mia.session is not None
    gate = Gate(Policy(), {"password": ("knowledge",)})
    user = house.auth.operator.set_roles(mia.user.id, ("admin",))
    seen = gate.grant_or_refuse(user, mia.session.evidence, ())
    house.auth.operator.set_roles(mia.user.id, ())
    with pytest.raises(AttemptInvalid):
        house.auth.sessions.start(seen, HERE)
    assert signed_in(house.sign_in()).user.roles == ()


def test_no_secret_is_stored_or_shown(house: House) -> None:
    """Only hashes lie in the store, and nothing prints a secret (ASVS 14.2.6, adversary 68)."""
    mia = signed_in(house.member())
    token = (mia.token or Secret("")).reveal()
    stored = house.store.find(Session, {"user_id": mia.user.id})[0]
    secret = token.split("_")[2]
    assert secret.encode() not in msgspec.json.encode(stored)
    assert token not in repr(mia)
    assert secret not in repr(mia)


def test_a_password_that_must_be_changed_leads_only_there(house: House) -> None:
    """A flag on the password makes the next sign-in set a new one, and nothing else (NIST 3.1.1.2-6)."""
    mia = signed_in(house.member())
    record = house.store.find(Authenticator, {"user_id": mia.user.id})[0]
    house.store.update(Authenticator, {"id": record.id}, {"must_change": True})
    more = house.sign_in()
    assert isinstance(more, More)
    assert more.set == ("password",)
    with pytest.raises(PasswordRejected, match="unchanged"):
        house.auth.attempts.answer(HERE, more.attempt, new_password=PASSWORD)
    done = signed_in(
        house.auth.attempts.answer(HERE, more.attempt, new_password=Secret("an entirely different sentence"))
    )
    assert house.auth.sessions.recognise(done.token or "").user_id == mia.user.id
    with pytest.raises(NotAuthenticated):
        house.auth.sessions.recognise(mia.token or "")
    house.deliver()
    assert "was changed" in house.newest("mia@example.org").subject

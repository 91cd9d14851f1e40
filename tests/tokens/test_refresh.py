"""Refresh tokens: they rotate, a lost answer is given again, a stolen one ends it all; none outlives its session."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from threading import Barrier, Thread

import pytest

from house import ELSEWHERE, HERE, PASSWORD, House
from nightlatch.authenticators.password import Password
from nightlatch.errors import InvalidToken
from nightlatch.flows.outcome import Complete, Granted
from nightlatch.ports import after
from nightlatch.primitives.opaque import Kind, issue
from nightlatch.primitives.secret import Secret
from nightlatch.records import Device, Event, Session, TokenFamily
from nightlatch.services.gate import Gate
from nightlatch.settings import Policy, Requirement, Sessions, Tokens


def app(house: House, identifier: str = "mia@example.org") -> Complete:
    """Sign an application in, which asked for tokens."""
    done = house.auth.sign_in.begin(HERE, identifier=identifier, password=PASSWORD, deliver="tokens")
    assert isinstance(done, Complete)
    assert done.refresh is not None
    assert done.token is None
    assert done.device is None
    return done


@pytest.fixture
def done(house: House) -> Complete:
    """Return somebody who is signed in with tokens."""
    house.member()
    return app(house)


def newest(granted: Granted | Complete) -> Secret:
    """Return the refresh token."""
    assert granted.refresh is not None
    return granted.refresh


def families(house: House) -> list[TokenFamily]:
    """Return every family there is."""
    return house.store.find(TokenFamily, {"generation": after(-1)})


def test_round_and_round(house: House, done: Complete) -> None:
    """Each refresh gives the next tokens; `auth_time` stays, the session is one and the same."""
    assert done.session is not None
    token = newest(done)
    seen = {token.reveal()}
    for _ in range(5):
        house.clock.advance(hours=1)
        granted = house.auth.tokens.refresh(HERE, token)
        session = house.auth.tokens.recognise(granted.access)
        assert (session.id, session.authenticated_at) == (done.session.id, done.session.authenticated_at)
        assert granted.life == timedelta(minutes=5)
        token = newest(granted)
        assert token.reveal() not in seen
        seen.add(token.reveal())
    assert families(house)[0].generation == 5


def test_nothing_is_kept_in_clear(house: House, done: Complete) -> None:
    """The store holds the hash of the newest alone."""
    for token in (newest(done), newest(house.auth.tokens.refresh(HERE, newest(done)))):
        secret = token.reveal().split("_")[2]
        assert secret not in repr(families(house)[0])
        assert secret not in repr(token)


def test_a_lost_answer_is_given_again(house: House, done: Complete) -> None:
    """Within ten seconds the same client gets the same successor, and nobody is logged out."""
    first = house.auth.tokens.refresh(HERE, newest(done))
    house.clock.advance(seconds=10)
    again = house.auth.tokens.refresh(replace(HERE, ip="203.0.113.9"), newest(done))  # on another network by now
    assert newest(again) == newest(first)
    house.clock.advance(hours=1)
    house.auth.tokens.refresh(HERE, newest(again))


def test_069_a_spent_token_ends_the_family(house: House, done: Complete) -> None:
    """After eleven seconds, by another client, or once the successor was used: two hold what one was given."""
    assert done.session is not None
    for case in ("late", "another client", "successor used", "older"):
        holder = app(house)
        first = house.auth.tokens.refresh(HERE, newest(holder))
        client = HERE
        if case == "late":
            house.clock.advance(seconds=11)
        elif case == "another client":
            client = ELSEWHERE
        else:
            second = house.auth.tokens.refresh(HERE, newest(first))
            if case == "older":
                second = house.auth.tokens.refresh(HERE, newest(second))
            first = second
        with pytest.raises(InvalidToken):
            house.auth.tokens.refresh(client, newest(holder))
        with pytest.raises(InvalidToken):
            house.auth.tokens.refresh(HERE, newest(first))
        with pytest.raises(InvalidToken):
            house.auth.tokens.recognise(first.access)
    assert len(house.store.find(Event, {"action": "authn_token_reuse"})) == 4
    assert [each.session_id for each in families(house)] == [done.session.id]  # nobody else's


def test_069_fifty_at_once(house: House, done: Complete) -> None:
    """Tabs, retries, threads: one successor for all, one living family, and nobody is logged out."""
    barrier, answers = Barrier(50), []

    def refresh() -> None:
        barrier.wait(60)
        try:
            answers.append(newest(house.auth.tokens.refresh(HERE, newest(done))).reveal())
        except InvalidToken as refusal:  # pragma: no cover - the test fails then
            answers.append(refusal.reason)

    threads = [Thread(target=refresh) for _ in range(50)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(120)
    assert len(answers) == 50
    assert len(set(answers)) == 1
    assert [each.generation for each in families(house)] == [1]
    house.auth.tokens.refresh(HERE, Secret(answers[0]))


def test_069_after_a_restart(house: House, done: Complete) -> None:
    """A crash between the rotation and its answer: the next process gives the same successor, and still knows reuse."""
    first = house.auth.tokens.refresh(HERE, newest(done))
    restarted = House(house.store)
    restarted.auth.clock.advance(seconds=5)  # type: ignore[attr-defined]
    assert newest(restarted.auth.tokens.refresh(HERE, newest(done))) == newest(first)
    house.auth.tokens.refresh(HERE, newest(first))
    with pytest.raises(InvalidToken):
        restarted.auth.tokens.refresh(HERE, newest(done))
    assert families(house) == []
    restarted.auth.close()


def test_069_new_secret_keys_do_not_log_out(house: House, done: Complete) -> None:
    """A successor that was derived under the old key is found under the new ones."""
    first = house.auth.tokens.refresh(HERE, newest(done))
    rotated = House(
        house.store, secret_keys=(Secret("another secret, of forty-two characters or so"), *house.settings.secret_keys)
    )
    assert newest(rotated.auth.tokens.refresh(HERE, newest(done))) == newest(first)
    rotated.auth.tokens.refresh(HERE, newest(first))
    rotated.auth.close()


@pytest.mark.parametrize(
    "what", ["sign out", "suspend", "password", "revoke session", "revoke token", "delete", "elsewhere"]
)
def test_063_what_ends_a_session_ends_its_tokens(house: House, done: Complete, what: str) -> None:
    """At once, and the access token with the refresh token (adversary 63, 67)."""
    assert done.session is not None
    access = house.auth.tokens.issue(done.session).access
    session = house.auth.tokens.recognise(access)
    match what:
        case "sign out":
            house.auth.account.sign_out(HERE, session)
        case "suspend":
            house.auth.operator.suspend(done.user.id)
        case "delete":
            house.auth.operator.delete(done.user.id)
        case "revoke session":
            house.auth.operator.revoke_session(session.id)
        case "revoke token":
            house.auth.tokens.revoke(HERE, newest(done))
        case "elsewhere":
            house.auth.account.revoke_other_sessions(HERE, house.sign_in().session)  # type: ignore[union-attr,arg-type]
        case _:
            other = house.sign_in()
            assert isinstance(other, Complete)
            assert other.session is not None
            house.auth.account.change_password(
                HERE, other.session, current_password=PASSWORD, new_password=Secret("another horse, another staple")
            )
    for _ in range(2):
        with pytest.raises(InvalidToken):
            house.auth.tokens.refresh(HERE, newest(done))
        with pytest.raises(InvalidToken):
            house.auth.tokens.recognise(access)
    assert families(house) == []


def test_who_changes_the_password_gets_new_tokens(house: House, done: Complete) -> None:
    """The acting application goes on, with a family of its own; the one before has ended."""
    assert done.session is not None
    changed = house.auth.account.change_password(
        HERE, done.session, current_password=PASSWORD, new_password=Secret("another horse, another staple")
    )
    assert (changed.token, changed.device) == (None, None)
    with pytest.raises(InvalidToken):
        house.auth.tokens.refresh(HERE, newest(done))
    house.auth.tokens.refresh(HERE, newest(changed))
    assert house.store.find(Device, {"user_id": done.user.id}) == []


def test_064_policy_is_asked_at_every_refresh(house: House, done: Complete) -> None:
    """What holds at sign-in may hold no longer: the settings changed since."""
    stricter = Policy(everyone=Requirement(sequence=("password", "password")))
    object.__setattr__(house.auth.tokens._core, "gate", Gate(stricter, {Password.kind: Password.factors}))
    with pytest.raises(InvalidToken):
        house.auth.tokens.refresh(HERE, newest(done))
    assert families(house)[0].generation == 0


def test_no_token_outlives_its_session(make_house: Callable[..., House]) -> None:
    """Neither the refresh token nor the access token that it gives at the last moment."""
    house = make_house(sessions=Sessions(absolute=timedelta(hours=1)))
    house.member()
    done = app(house)
    house.clock.advance(minutes=58)
    granted = house.auth.tokens.refresh(HERE, newest(done))
    assert granted.life == timedelta(minutes=2)
    house.clock.advance(minutes=2)
    with pytest.raises(InvalidToken):
        house.auth.tokens.refresh(HERE, newest(granted))
    with pytest.raises(InvalidToken):
        house.auth.tokens.recognise(granted.access)


def test_an_idle_token_is_worth_nothing(make_house: Callable[..., House]) -> None:
    """Used often enough it goes on; left for too long it does not."""
    house = make_house(tokens=Tokens(refresh_idle=timedelta(days=1)))
    house.member()
    token = newest(app(house))
    for _ in range(3):
        house.clock.advance(hours=23)
        token = newest(house.auth.tokens.refresh(HERE, token))
    house.clock.advance(hours=24)
    with pytest.raises(InvalidToken):
        house.auth.tokens.refresh(HERE, token)


def test_a_session_idle_for_too_long(make_house: Callable[..., House]) -> None:
    """The session's own limit holds for its tokens, and refreshing counts as being there."""
    house = make_house(sessions=Sessions(preset="aal2"))
    house.member()
    token = newest(app(house))
    for _ in range(3):
        house.clock.advance(minutes=59)
        token = newest(house.auth.tokens.refresh(HERE, token))
        house.auth.sessions.write_touches()
    house.clock.advance(minutes=61)
    with pytest.raises(InvalidToken):
        house.auth.tokens.refresh(HERE, token)


def test_tokens_of_another_kind(house: House, done: Complete) -> None:
    """Garbage, other kinds of ours, access tokens, strangers' ones: refused, and nothing ends (adversary 30, 39)."""
    assert done.session is not None
    member = house.sign_in()
    assert isinstance(member, Complete)
    assert member.token is not None
    text = newest(done).reveal()
    wrong = [
        "", "x", text[:-1], text + "0", text.replace("nlr_", "nls_"), text.upper(), member.token.reveal(),
        *(issue(kind).text() for kind in Kind), house.auth.tokens.issue(done.session).access.reveal(),
    ]  # fmt: skip
    for each in wrong:
        with pytest.raises(InvalidToken):
            house.auth.tokens.refresh(HERE, Secret(each))
        if each != wrong[-1]:
            with pytest.raises(InvalidToken):
                house.auth.tokens.recognise(each)
            house.auth.tokens.revoke(HERE, Secret(each))
    house.auth.tokens.refresh(HERE, newest(done))


def test_revoking(house: House, done: Complete) -> None:
    """By either token, a spent one too; twice is as good as once (RFC 7009 2.2)."""
    for how in ("refresh", "spent", "access"):
        holder = app(house)
        assert holder.session is not None
        granted = house.auth.tokens.refresh(HERE, newest(holder))
        token = {"refresh": newest(granted), "spent": newest(holder), "access": granted.access}[how]
        for _ in range(2):
            house.auth.tokens.revoke(HERE, token)
        assert house.store.get(Session, holder.session.id) is None
        with pytest.raises(InvalidToken):
            house.auth.tokens.refresh(HERE, newest(granted))
    house.auth.tokens.refresh(HERE, newest(done))

"""Leaving: one's data as a file, an account closed and kept after all, or erased."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from house import ELSEWHERE, HERE, PASSWORD, House, signed_in
from nightlatch.errors import (
    Forbidden,
    InvalidCredentials,
    InvalidInput,
    LinkInvalid,
    NotAuthenticated,
    NotFound,
    ReauthenticationRequired,
    UsernameTaken,
)
from nightlatch.flows.outcome import Complete, More
from nightlatch.ports import after
from nightlatch.primitives.secret import Secret
from nightlatch.records import RECORDS, Event, Identifier, Session, User

MIA = "mia@example.org"


def session_of(complete: object) -> Session:
    """Return the session that was started."""
    session = signed_in(complete).session
    assert session is not None
    return session


# --- a new name -----------------------------------------------------------------------------------------------------


@pytest.fixture
def named(make_house: Callable[..., House]) -> House:
    """A house where people have an address and a user name; Mia lives there."""
    house = make_house(identifiers="email_and_username")
    more = house.auth.sign_up.begin(HERE, email=MIA, username="mia", password=PASSWORD)
    assert isinstance(more, More)
    house.auth.attempts.answer(HERE, more.attempt, authenticator="email_code", code=house.code())
    return house


def test_a_user_name_is_changed(named: House) -> None:
    """The new one signs in, the old one is free, sessions show it at once, and the owner is told (ASVS 6.3.7)."""
    mia = signed_in(named.sign_in())
    user = named.auth.account.change_username(HERE, session_of(mia), username="Mia_B")
    assert user.username == "Mia_B"
    assert named.auth.sessions.recognise(mia.token or Secret("")).username == "Mia_B"
    assert "user name" in named.newest(MIA).subject
    signed_in(named.sign_in(identifier="mia_b"))
    with pytest.raises(InvalidCredentials):
        named.sign_in(identifier="mia")
    rows = named.store.find(Identifier, {"user_id": mia.user.id, "kind": "username"})
    assert [row.key for row in rows] == ["mia_b"]


def test_a_name_in_another_case_is_the_same_name(named: House) -> None:
    """Only how it is shown changes."""
    session = session_of(named.sign_in())
    assert named.auth.account.change_username(HERE, session, username="MIA").username == "MIA"
    signed_in(named.sign_in(identifier="mia"))


def test_a_taken_name_is_refused_and_nothing_is_changed(named: House) -> None:
    """Nor is one that speaks for the service."""
    more = named.auth.sign_up.begin(ELSEWHERE, email="leo@example.org", username="leo", password=PASSWORD)
    assert isinstance(more, More)
    named.auth.attempts.answer(ELSEWHERE, more.attempt, authenticator="email_code", code=named.code("leo@example.org"))
    session = session_of(named.sign_in())
    for name, refusal in (("LEO", UsernameTaken), ("admin", InvalidInput), ("mia@example.com", InvalidInput)):
        with pytest.raises(refusal):
            named.auth.account.change_username(HERE, session, username=name)
    signed_in(named.sign_in(identifier="mia"))


def test_without_user_names_there_is_none_to_change(house: House) -> None:
    """Said plainly."""
    session = session_of(house.member())
    with pytest.raises(InvalidInput):
        house.auth.account.change_username(HERE, session, username="mia")


# --- who may --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("act", ["close", "erase", "export", "change_username"])
def test_a_session_left_open_is_not_enough(named: House, act: str) -> None:
    """Eleven minutes after the last proof it takes another (ASVS 7.5.1); then it is done."""
    flows: dict[str, Callable[[Session], Any]] = {
        "close": lambda session: named.auth.close_account.close(HERE, session),
        "erase": lambda session: named.auth.close_account.erase(HERE, session),
        "export": lambda session: named.auth.export_account.export(HERE, session),
        "change_username": lambda session: named.auth.account.change_username(HERE, session, username="mia2"),
    }
    session = session_of(named.sign_in())
    named.clock.advance(minutes=11)
    with pytest.raises(ReauthenticationRequired):
        flows[act](session)
    more = named.auth.reauthenticate.begin(HERE, session)
    done = named.auth.attempts.answer(HERE, more.attempt, authenticator="password", password=PASSWORD, session=session)
    flows[act](session_of(done))


@pytest.mark.parametrize("act", ["close", "erase"])
def test_an_account_of_a_hosts_own_table_ends_there(house: House, act: str) -> None:
    """Where the application's table leads, ours does not end what it would bring back."""
    mia = house.member()
    house.store.update(User, {"id": mia.user.id}, {"external_id": "17"})
    with pytest.raises(Forbidden):
        getattr(house.auth.close_account, act)(HERE, session_of(mia))


# --- closing --------------------------------------------------------------------------------------------------------


def test_a_closed_account_lets_nobody_in(house: House) -> None:
    """Every session ends, a right password looks like a wrong one, and the mail tells until when it can be kept."""
    mia = signed_in(house.member())
    erased_at = house.auth.close_account.close(HERE, session_of(mia))
    assert (erased_at - house.clock.now()).days == 30
    with pytest.raises(NotAuthenticated):
        house.auth.sessions.recognise(mia.token or Secret(""))
    with pytest.raises(InvalidCredentials):
        house.sign_in()
    assert "was closed" in house.newest(MIA).subject
    house.clock.advance(days=29)
    house.auth.background.run_once()
    assert house.auth.operator.find_user(MIA).status == "closing"


def test_a_closing_is_called_off_by_the_link(house: House) -> None:
    """The account is as it was; the link works once; nobody is signed in by it."""
    mia = house.member()
    house.auth.close_account.close(HERE, session_of(mia))
    link = house.link()
    assert house.auth.notice_links.look(link).purpose == "close_account"
    assert house.auth.operator.find_user(MIA).status == "closing"

    house.auth.notice_links.redeem(ELSEWHERE, link)

    house.deliver()
    signed_in(house.sign_in())
    assert "is open again" in "".join(mail.subject for mail in house.mails)
    with pytest.raises(LinkInvalid):
        house.auth.notice_links.redeem(HERE, link)
    house.clock.advance(days=31)
    house.auth.background.run_once()
    assert house.auth.operator.find_user(MIA).status == "active"


def test_when_the_time_is_over_the_account_is_erased(house: House) -> None:
    """By the background, with a last mail; the address is free again, the link dead."""
    mia = house.member()
    house.auth.close_account.close(HERE, session_of(mia))
    link = house.link()
    house.clock.advance(days=30, seconds=1)
    house.auth.background.run_once()
    with pytest.raises(NotFound):
        house.auth.operator.find_user(MIA)
    assert "was erased" in house.newest(MIA).subject
    with pytest.raises(LinkInvalid):
        house.auth.notice_links.redeem(HERE, link)
    assert house.member().user.id != mia.user.id


@pytest.mark.parametrize("act", ["restore", "suspend"])
def test_what_an_operator_did_since_stands(house: House, act: str) -> None:
    """Restored, the account is not erased; suspended, the link does not open it (adversary 63)."""
    mia = house.member()
    house.auth.close_account.close(HERE, session_of(mia))
    link = house.link()
    getattr(house.auth.operator, act)(mia.user.id)
    with pytest.raises(LinkInvalid):
        house.auth.notice_links.redeem(HERE, link)
    house.clock.advance(days=31)
    house.auth.background.run_once()
    assert house.auth.operator.find_user(MIA).status == ("active" if act == "restore" else "suspended")


# --- erasing --------------------------------------------------------------------------------------------------------


def test_nothing_is_left_of_who_is_erased(house: House) -> None:
    """No row names them or their address, but events their id; what had no user yet is swept in its time."""
    mia = signed_in(house.member())
    house.auth.recover.begin(HERE, identifier=MIA)
    house.auth.reauthenticate.begin(HERE, session_of(mia))
    house.auth.close_account.erase(HERE, session_of(mia))
    assert "was erased" in house.newest(MIA).subject
    house.clock.advance(hours=3)
    house.auth.background.run_once()
    times = {"created_at", "at", "expires_at", "done_at", "last_seen_at"}
    for kind in RECORDS:
        field = next(name for name in kind.__struct_fields__ if name in times)
        rows = house.store.find(kind, {field: after(house.clock.now().replace(year=2000))})
        told = msgspec.json.encode([msgspec.to_builtins(row) for row in rows])
        assert b"mia@" not in told, kind
        if kind is not Event:
            assert str(mia.user.id).encode() not in told, kind


def test_an_operator_erases_as_much(house: House) -> None:
    """`users delete` leaves no code and no attempt behind either."""
    mia = house.member()
    more = house.auth.recover.begin(HERE, identifier=MIA)
    code = house.code()
    house.auth.operator.delete(mia.user.id)
    with pytest.raises(Exception, match="attempt"):
        house.auth.attempts.answer(HERE, more.attempt, authenticator="email_code", code=code)


# --- taking one's data away -----------------------------------------------------------------------------------------


def test_the_export_holds_everything_but_secrets(house: House) -> None:
    """Identifiers, devices, sessions and events are there; no hash, selector or seal is (ASVS 14.2.6)."""
    mia = signed_in(house.member())
    house.sign_in(ELSEWHERE)
    told = house.auth.export_account.export(HERE, session_of(mia))
    assert told["user"]["email"] == MIA
    assert [each["value"] for each in told["identifiers"]] == [MIA]
    assert [each["kind"] for each in told["authenticators"]] == ["password"]
    assert (len(told["sessions"]), len(told["devices"])) == (2, 2)
    assert {"user_created", "authn_login_success"} <= {each["action"] for each in told["events"]}
    text = msgspec.json.encode(told).decode()
    assert not [word for word in ("hash", "selector", "sealed", "secret", "$argon2", "reason") if word in text]


# --- notices --------------------------------------------------------------------------------------------------------


def test_a_new_device_is_told_of_and_a_known_one_is_not(house: House) -> None:
    """By its cookie: the same browser from another address is no news (ASVS 6.3.5)."""
    mia = house.member()
    house.deliver()
    mailed = len(house.mails)
    known = type(HERE)(ip=ELSEWHERE.ip, user_agent=HERE.user_agent, device=mia.device)
    house.sign_in(known)
    house.deliver()
    assert len(house.mails) == mailed
    stranger = house.sign_in(ELSEWHERE)
    assert isinstance(stranger, Complete)
    assert "A new device signed in" in house.newest(MIA).subject

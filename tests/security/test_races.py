"""What is good once, redeemed a hundred times at once (adversary 31): SQLite, one connection for all, servers."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
import sqlalchemy as sa

from databases import empty
from house import PASSWORD, House, signed_in
from nightlatch.errors import NightlatchError, Refusal, StoreUnavailable
from nightlatch.flows.outcome import Complete, More
from nightlatch.ports import Store
from nightlatch.primitives.secret import Secret
from nightlatch.services.client import Client
from nightlatch.settings import Budget, Sessions, Throttle
from nightlatch.storage.sql import SqlStore
from nightlatch.testing.authenticator_app import AuthenticatorApp

MIA, NEW = "mia@example.org", Secret("an entirely different sentence")
AT_ONCE = 100
PLENTY = Budget(limit=10_000, per=timedelta(hours=1))
"""Nobody is to be refused for having tried often: the races themselves are to decide."""


def _client(turn: int) -> Client:
    return Client(ip=f"198.51.{turn}.9", user_agent=f"browser {turn}")


@pytest.fixture(params=["sqlite", "pool of one", "postgresql", "mariadb"])
def store(request: pytest.FixtureRequest, tmp_path: Path, empty_database: Path) -> Iterator[Store]:
    """Return a store that races are decided in."""
    if request.param in {"postgresql", "mariadb"}:
        url = request.getfixturevalue(f"{request.param}_url")
        engine = sa.create_engine(url)
        empty(engine)
        engine.dispose()
        made = SqlStore.open(url)
        yield made
        made.close()
        return
    path = tmp_path / "races.db"
    shutil.copy(empty_database, path)
    if request.param == "sqlite":
        made = SqlStore.open(f"sqlite:///{path}", durable=False)
        yield made
        made.close()
        return
    one = sa.create_engine(f"sqlite:///{path}", poolclass=sa.QueuePool, pool_size=1, max_overflow=0, pool_timeout=60)
    yield SqlStore.on_engine(one)
    one.dispose()


@pytest.fixture
def house(store: Store) -> Iterator[House]:
    """Return a house whose budgets are no obstacle."""
    budgets = dict.fromkeys(Throttle.__struct_fields__, PLENTY)
    made = House(store, throttle=Throttle(**budgets), sessions=Sessions(preset="aal2"))
    yield made
    made.auth.close()


Act = Callable[[int], object]


def _typed_code(house: House) -> Act:
    more = house.auth.sign_up.begin(_client(0), email=MIA, password=PASSWORD)
    assert isinstance(more, More)
    code = house.code(MIA)
    return lambda turn: house.auth.attempts.answer(_client(turn), more.attempt, authenticator="email_code", code=code)


def _pressed_link(house: House) -> Act:
    house.auth.sign_up.begin(_client(0), email=MIA)
    link = house.link(MIA)
    return lambda turn: house.auth.attempts.link(_client(turn), link)


def _recovery(house: House) -> Act:
    house.member()
    more = house.auth.recover.begin(_client(0), identifier=MIA)
    code = house.code(MIA)
    return lambda turn: house.auth.attempts.answer(_client(turn), more.attempt, authenticator="email_code", code=code)


def _new_password(house: House) -> Act:
    house.member()
    more = house.auth.recover.begin(_client(0), identifier=MIA)
    step = house.auth.attempts.answer(_client(0), more.attempt, authenticator="email_code", code=house.code(MIA))
    assert isinstance(step, More)
    return lambda turn: house.auth.attempts.answer(
        _client(turn), step.attempt, new_password=Secret(f"sentence number {turn} of a hundred")
    )


def _with_app(house: House) -> tuple[More, AuthenticatorApp, tuple[Secret, ...]]:
    done = signed_in(house.member())
    assert done.session is not None
    flows = house.auth.manage_authenticators
    proposal = flows.begin_totp(_client(0), done.session)
    app = AuthenticatorApp(proposal.secret, house.clock)
    bound = flows.confirm_totp(_client(0), done.session, proposal.id, app.code())
    house.clock.advance(seconds=60)
    more = house.sign_in(_client(1))
    assert isinstance(more, More)
    return more, app, bound.recovery_codes


def _apps_code(house: House) -> Act:
    """The code of one step, in a hundred sign-ins side by side: the step itself is good once."""
    _, app, _ = _with_app(house)
    begun = [house.sign_in(_client(turn)) for turn in range(AT_ONCE)]
    code = app.code()
    return lambda turn: house.auth.attempts.answer(
        _client(turn), _attempt(begun[turn]), authenticator="totp", code=code
    )


def _paper_code(house: House) -> Act:
    _, _, codes = _with_app(house)
    begun = [house.sign_in(_client(turn)) for turn in range(AT_ONCE)]
    return lambda turn: house.auth.attempts.answer(
        _client(turn), _attempt(begun[turn]), authenticator="recovery_code", code=codes[0]
    )


def _attempt(step: object) -> Secret:
    assert isinstance(step, More)
    return step.attempt


def _invitation(house: House) -> Act:
    link = house.auth.invitations.invite(email=MIA)
    assert link is not None
    return lambda turn: house.auth.invitations.redeem(_client(turn), link, new_password=PASSWORD)


def _closing(house: House) -> Act:
    session = signed_in(house.member()).session
    assert session is not None
    house.auth.close_account.close(_client(0), session)
    link = house.link(MIA)
    return lambda turn: house.auth.notice_links.redeem(_client(turn), link)


def _session(house: House) -> Act:
    """One reauthentication, answered a hundred times: the session is rotated once."""
    session = signed_in(house.member()).session
    assert session is not None
    more = house.auth.reauthenticate.begin(_client(0), session)
    return lambda turn: house.auth.attempts.answer(
        _client(turn), more.attempt, authenticator="password", password=PASSWORD, session=session
    )


ONCE: Mapping[str, Callable[[House], Act]] = {
    "typed code": _typed_code,
    "pressed link": _pressed_link,
    "recovery": _recovery,
    "new password": _new_password,
    "app's code": _apps_code,
    "recovery code": _paper_code,
    "invitation": _invitation,
    "closing called off": _closing,
    "reauthentication": _session,
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", ONCE)
def test_031_091_of_a_hundred_at_once_one_wins(house: House, kind: str) -> None:
    """All the others are refused in words; nothing deadlocks, and no connection is asked for beside the first."""
    act = ONCE[kind](house)
    barrier = Barrier(AT_ONCE)

    def redeem(turn: int) -> Any:
        barrier.wait(60)
        while True:
            try:
                return act(turn)
            except StoreUnavailable:
                continue  # MariaDB ends one of two that wait for each other: a client is answered 503, and asks again
            except Refusal as refusal:
                if refusal.code != "busy":
                    return refusal
            except NightlatchError as fault:
                return fault

    with ThreadPoolExecutor(AT_ONCE) as threads:
        answers = list(threads.map(redeem, range(AT_ONCE)))
    won = [each for each in answers if not isinstance(each, NightlatchError)]
    assert len(won) == 1, answers
    odd = [each for each in answers if each is not won[0] and not isinstance(each, Refusal)]
    assert not odd
    assert isinstance(won[0], Complete | More | str)


@pytest.mark.slow
def test_031_a_remembered_browser_holds_one_session(house: House) -> None:
    """A hundred passwords at once where it is idle: each session that begins there replaces one, and one is left."""
    more, app, _ = _with_app(house)
    proof = house.auth.attempts.answer(
        _client(1), more.attempt, authenticator="totp", code=app.code(), remember_device=True
    )
    held = signed_in(proof)
    house.clock.advance(hours=2)

    def sign_in(turn: int) -> Any:
        try:
            return house.sign_in(replace(_client(turn), device=held.device))
        except NightlatchError as refusal:
            return refusal

    with ThreadPoolExecutor(AT_ONCE) as threads:
        answers = list(threads.map(sign_in, range(AT_ONCE)))
    begun = [each.session.id for each in answers if isinstance(each, Complete) and each.session is not None]
    assert begun
    left = [row.id for row in house.auth.sessions.of_user(held.user.id) if row.remembered_until_at is not None]
    assert len(left) == 1
    assert left[0] in begun

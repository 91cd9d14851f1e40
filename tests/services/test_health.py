"""What an operator is told while mail, the disk or the clock is not as it should be."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from aiosmtpd.controller import Controller

from free_ports import free_port
from house import HERE, PASSWORD, House, signed_in
from nightlatch.errors import AttemptInvalid, InvalidCode, InvalidCredentials, NightlatchError
from nightlatch.flows.outcome import More
from nightlatch.ports import after
from nightlatch.records import OutboxMessage
from nightlatch.services.clock import SystemClock
from nightlatch.services.health import Health
from nightlatch.services.mailers import SmtpMailer
from nightlatch.settings import Mail as MailSettings
from nightlatch.storage.sql import SqlStore
from nightlatch.testing.authenticator_app import AuthenticatorApp

MIA = "mia@example.org"


# --- mail ---


class Server:
    """A mail server that does as it is told.

    Args:
        mood: ``refusing`` (550 to each recipient), ``failing`` (451 to each message), ``slow``, ``rude`` (takes the
            message and answers the farewell with an error), ``well``.
    """

    def __init__(self, mood: str) -> None:
        self.mood = mood
        self.accepted: list[str] = []

    async def handle_RCPT(self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any) -> str:  # noqa: N802
        """Take a recipient, or not."""
        if self.mood == "refusing":
            return "550 nobody by that name"
        if self.mood == "slow":
            await asyncio.sleep(3)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802
        """Take a message, or not."""
        if self.mood == "failing":
            return "451 no room"
        self.accepted += envelope.rcpt_tos
        return "250 OK"

    async def handle_QUIT(self, _server: Any, _session: Any, _envelope: Any) -> str:  # noqa: N802
        """Answer a farewell."""
        return "421 shutting down" if self.mood == "rude" else "221 Bye"


@pytest.fixture
def start() -> Iterator[Callable[..., tuple[Server, int]]]:
    """Start mail servers."""
    running: list[Controller] = []

    def make(mood: str, port: int | None = None) -> tuple[Server, int]:
        server = Server(mood)
        controller = Controller(server, hostname="127.0.0.1", port=port or free_port())
        controller.start()
        running.append(controller)
        return server, controller.port

    yield make
    for each in running:
        each.stop()


def mailer(port: int) -> SmtpMailer:
    """Return a mailer with little patience."""
    settings = MailSettings(
        smtp_host="localhost",
        smtp_port=port,
        smtp_security="allow_plaintext_to_loopback",
        smtp_timeout=timedelta(seconds=0.3),
    )
    return SmtpMailer(settings)


@pytest.mark.parametrize("mood", ["down", "refusing", "failing", "slow"])
def test_mail_that_does_not_go_out_is_told_and_not_lost(
    house: House, start: Callable[..., tuple[Server, int]], caplog: pytest.LogCaptureFixture, mood: str
) -> None:
    """Sign-ups are answered as ever; the state is told once it has failed thrice; then it goes out, once."""
    caplog.set_level(logging.WARNING)
    health = Health(house.store, house.clock, seconds=lambda: house.clock.now().timestamp())
    port = free_port() if mood == "down" else start(mood)[1]
    house.auth.outbox._mailer = mailer(port)
    assert isinstance(house.auth.sign_up.begin(HERE, email=MIA), More)
    assert health.troubles() == ()
    for _ in range(3):
        assert house.auth.outbox.run_once() == 0
        house.clock.advance(seconds=30)
    (late,) = health.troubles()
    assert (late.name, late.state, late.stops) == ("mail", "is late", False)
    assert "was tried 3 times" in late.detail
    assert "mail is late" in caplog.text
    assert MIA not in caplog.text
    server, port = start("well")
    house.auth.outbox._mailer = mailer(port)
    assert house.auth.outbox.run_once() == 1
    assert house.auth.outbox.run_once() == 0
    assert server.accepted == [MIA]
    house.clock.advance(seconds=10)
    assert health.troubles() == ()
    assert "mail is well again" in caplog.text


def test_what_a_server_has_accepted_is_not_sent_again(house: House, start: Callable[..., tuple[Server, int]]) -> None:
    """It took the message and failed at the farewell: it is the server's from its 250 on (RFC 5321 4.1.1.4)."""
    server, port = start("rude")
    house.auth.outbox._mailer = mailer(port)
    house.auth.sign_up.begin(HERE, email=MIA)
    for _ in range(3):
        house.auth.outbox.run_once()
        house.clock.advance(minutes=5)
    assert server.accepted == [MIA]


def test_a_server_that_is_down_keeps_nobody_waiting(house: House) -> None:
    """Three failures in a row end the round; the rest stays due."""
    for turn in range(8):
        house.auth.sign_up.begin(HERE, email=f"u{turn}@example.org")
    house.auth.outbox._mailer = mailer(free_port())
    house.auth.outbox.run_once()
    rows = house.store.find(OutboxMessage, {"due_at": after(house.clock.now() - timedelta(days=1))})
    assert sorted(row.attempts for row in rows) == [0] * 5 + [1] * 3


# --- the disk ---


def test_a_disk_that_takes_no_writes_is_told(
    house: House, empty_database: Any, tmp_path: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """Full or read-only: every question is answered, and yet it is no place to send requests to."""
    del house
    path = tmp_path / "full.db"
    path.write_bytes(empty_database.read_bytes())
    engine = sa.create_engine(f"sqlite:///{path}")
    broken = {"now": False}

    @sa.event.listens_for(engine, "checkout")
    def _(connection: Any, *_: Any) -> None:
        connection.execute(f"PRAGMA query_only={'ON' if broken['now'] else 'OFF'}")

    place = House(SqlStore.on_engine(engine))
    health = Health(place.store, place.clock, seconds=lambda: place.clock.now().timestamp())
    signed_in(place.member())
    assert health.troubles() == ()
    broken["now"] = True
    place.clock.advance(seconds=6)
    (trouble,) = health.troubles()
    assert (trouble.name, trouble.state, trouble.stops) == ("store", "takes no writes", True)
    assert "store takes no writes" in caplog.text
    with pytest.raises(NightlatchError) as refused:
        place.sign_in()
    assert refused.value.code == "unavailable"
    broken["now"] = False
    assert len(health.troubles()) == 1, "looked at no more often than every five seconds"
    place.clock.advance(seconds=6)
    assert health.troubles() == ()
    signed_in(place.sign_in())
    place.auth.close()
    engine.dispose()


# --- the clock ---


class Wall:
    """A machine's clock, set by hand."""

    def __init__(self) -> None:
        self.time = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        """Read it."""
        return self.time


def test_time_is_held_where_the_clock_steps_back(caplog: pytest.LogCaptureFixture) -> None:
    """It stands still, in order, until it has caught up; a correction of many hours is followed. Both are logged."""
    wall = Wall()
    clock = SystemClock(wall)
    first = clock.now()
    wall.time -= timedelta(hours=1)
    held = [clock.now() for _ in range(100)]
    assert sorted(set(held)) == held
    assert timedelta(0) < held[0] - first < timedelta(seconds=1)
    assert clock.behind > timedelta(minutes=59)
    assert caplog.text.count("stepped back by 1:00:0") == 1
    wall.time += timedelta(hours=1, seconds=5)
    assert (clock.now(), clock.behind) == (wall.time, timedelta(0))
    wall.time -= timedelta(days=300)
    assert clock.now() == wall.time
    assert "is followed" in caplog.text


def test_nothing_that_has_ended_lives_again(make_house: Callable[..., House]) -> None:
    """An hour back: a code that has expired stays so, through the clock that is held; and who may sign in does."""
    house = make_house()
    wall = Wall()
    house.clock.now = SystemClock(wall).now  # type: ignore[method-assign]
    house.member()
    more = house.auth.recover.begin(HERE, identifier=MIA)
    code = house.code(MIA)
    wall.time += timedelta(hours=1, minutes=1)
    with pytest.raises((InvalidCode, AttemptInvalid)):
        house.auth.attempts.answer(HERE, more.attempt, authenticator="email_code", code=code)
    wall.time -= timedelta(hours=1)
    with pytest.raises((InvalidCode, AttemptInvalid)):
        house.auth.attempts.answer(HERE, more.attempt, authenticator="email_code", code=code)
    signed_in(house.sign_in())


def test_another_process_whose_clock_is_behind(house: House, caplog: pytest.LogCaptureFixture) -> None:
    """Started an hour behind the others it lets nobody in by what is used up, and says what is wrong."""
    done = signed_in(house.member())
    assert done.session is not None
    flows = house.auth.manage_authenticators
    proposal = flows.begin_totp(HERE, done.session)
    app = AuthenticatorApp(proposal.secret, house.clock)
    codes = flows.confirm_totp(HERE, done.session, proposal.id, app.code()).recovery_codes
    house.clock.advance(seconds=60)
    more = house.sign_in()
    assert isinstance(more, More)
    used = app.code()
    signed_in(house.auth.attempts.answer(HERE, more.attempt, authenticator="totp", code=used))
    health = Health(house.store, house.clock, seconds=iter(range(0, 1000, 10)).__next__)
    assert health.troubles() == ()

    house.clock.advance(hours=-1)
    (trouble,) = health.troubles()
    assert (trouble.name, trouble.state, trouble.stops) == ("clock", "is behind", False)
    assert "clock is behind" in caplog.text
    more = house.sign_in()
    assert isinstance(more, More)
    for code in (used, app.code()):  # spent; and of a step before the last that was accepted
        with pytest.raises(InvalidCode):
            house.auth.attempts.answer(HERE, more.attempt, authenticator="totp", code=code)
    with pytest.raises(InvalidCredentials):
        house.sign_in(password=type(PASSWORD)("certainly not the password"))
    signed_in(house.auth.attempts.answer(HERE, more.attempt, authenticator="recovery_code", code=codes[0]))
    house.auth.background.run_once()
    house.clock.advance(hours=1, minutes=1)
    assert health.troubles() == ()
    assert len([mail for mail in house.mails if "recovery code was used" in mail.subject.lower()]) <= 1

"""Mail is never lost, never sent for nothing, and nobody's but its reader's."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import msgspec
import pytest

from house import HERE, PASSWORD, House
from nightlatch import Nightlatch
from nightlatch.pages.mails import PasswordChangedMail
from nightlatch.ports import Mail, after
from nightlatch.primitives.secret import Secret
from nightlatch.records import OutboxMessage
from nightlatch.settings import Outbox

MIA = "mia@example.org"


def rows(house: House) -> list[OutboxMessage]:
    """Return every message's row, oldest first."""
    past = house.clock.now() - timedelta(days=365)
    return house.store.find(OutboxMessage, {"created_at": after(past)}, order_by="created_at")


class Refusing:
    """A mail server that refuses so many times, then accepts."""

    def __init__(self, house: House, times: int) -> None:
        self.times, self.tries, self.accept = times, 0, house.mailbox.send
        house.auth.outbox._mailer = self

    def send(self, mail: Mail) -> None:
        """Refuse, or accept."""
        self.tries += 1
        if self.tries <= self.times:
            raise ConnectionRefusedError("550 mia@example.org is unknown here, code 12345678")
        self.accept(mail)


def test_what_rolls_back_takes_its_message_along(house: House) -> None:
    """A message is written in the transaction of what causes it."""
    with pytest.raises(RuntimeError), house.store.transaction():
        house.auth.outbox.enqueue(
            PasswordChangedMail(service_name="Books", device="curl", place=None, at=house.clock.now()), to=MIA
        )
        raise RuntimeError
    house.deliver()
    assert house.mails == []


def test_bodies_are_sealed_and_erased(house: House) -> None:
    """Nothing of a waiting mail can be read in the store, nothing of a delivered one is left."""
    house.auth.sign_up.begin(HERE, email=MIA, password=PASSWORD)
    (waiting,) = rows(house)
    raw = msgspec.json.encode(waiting)
    assert waiting.sealed_body is not None
    assert MIA.encode() not in waiting.sealed_body + raw
    house.deliver()
    (delivered,) = rows(house)
    assert (delivered.sealed_body, delivered.due_at) == (None, None)
    assert delivered.delivered_at == house.clock.now()


def test_a_refusal_is_retried_later_and_later(house: House) -> None:
    """Five seconds, ten, twenty; the stable Message-ID stays; the server's words are not kept."""
    server = Refusing(house, times=3)
    house.auth.sign_up.begin(HERE, email=MIA)
    for wait in (5, 10, 20):
        house.deliver()
        (row,) = rows(house)
        assert row.due_at == house.clock.now() + timedelta(seconds=wait)
        assert row.last_error == "ConnectionRefusedError"
        house.clock.advance(seconds=wait - 1)
        house.deliver()
        house.clock.advance(seconds=1)
    house.deliver()
    assert server.tries == 4
    assert len(house.mails) == 1
    assert house.mails[0].message_id == f"<{rows(house)[0].id}@localhost>"


def test_a_crash_while_sending_sends_again(house: House) -> None:
    """The process dies after the server accepted: the lease runs out, the same message goes once more."""

    class Dying:
        def send(self, mail: Mail) -> None:
            house.mailbox.send(mail)
            raise KeyboardInterrupt

    house.auth.sign_up.begin(HERE, email=MIA)
    house.auth.outbox._mailer, mailer = Dying(), house.auth.outbox._mailer
    with pytest.raises(KeyboardInterrupt):
        house.auth.outbox.run_once()
    house.auth.outbox._mailer = mailer
    house.deliver()
    assert len(house.mails) == 1
    house.clock.advance(seconds=61)
    house.deliver()
    assert len(house.mails) == 2
    assert house.mails[0].message_id == house.mails[1].message_id
    house.clock.advance(hours=1)
    house.deliver()
    assert len(house.mails) == 2


def test_many_workers_send_each_message_once(house: House) -> None:
    """Sixteen at once: a claim is one guarded update."""
    for turn in range(8):
        house.auth.sign_up.begin(HERE, email=f"u{turn}@example.org")
    with ThreadPoolExecutor(16) as threads:
        list(threads.map(lambda _: house.auth.outbox.run_once(), range(16)))
    assert sorted(mail.to for mail in house.mails) == [f"u{turn}@example.org" for turn in range(8)]


def test_an_expired_code_is_not_delivered(house: House) -> None:
    """The server came back after two hours: the code is worth nothing by now."""
    Refusing(house, times=1)
    house.auth.sign_up.begin(HERE, email=MIA)
    house.deliver()
    house.clock.advance(hours=2)
    house.deliver()
    assert house.mails == []
    assert rows(house)[0].sealed_body is None


def test_a_notice_of_a_completed_change_never_expires(house: House) -> None:
    """A day without a mail server, and it still arrives; after two it is given up, and said so."""
    done = house.member()
    assert done.session is not None
    Refusing(house, times=1)
    house.auth.account.change_password(
        HERE, done.session, current_password=PASSWORD, new_password=Secret("an entirely different sentence")
    )
    house.deliver()
    house.clock.advance(days=1)
    house.deliver()
    assert "was changed" in house.mails[-1].subject


def test_a_body_under_a_lost_key_is_given_up(house: House, caplog: pytest.LogCaptureFixture) -> None:
    """It cannot be opened and is not tried for ever."""
    house.auth.sign_up.begin(HERE, email=MIA)
    settings = msgspec.structs.replace(
        house.settings, secret_keys=(Secret("quite another key of some length, is it not"),)
    )
    other = Nightlatch(settings, house.store, mailer=house.mailbox, clock=house.clock, background=False)
    other.outbox.run_once()
    assert rows(house)[0].due_at is None
    assert "given up" in caplog.text
    other.hashing.close()


def test_a_rotated_key_still_opens(house: House) -> None:
    """The new key in front, the old one behind: mail, codes and attempts go on."""
    more = house.auth.sign_up.begin(HERE, email=MIA, password=PASSWORD)
    settings = msgspec.structs.replace(
        house.settings, secret_keys=(Secret("the new key, which is long enough as well"), *house.settings.secret_keys)
    )
    rotated = Nightlatch(settings, house.store, mailer=house.mailbox, clock=house.clock, background=False)
    rotated.outbox.run_once()
    code = house.mailbox.code_for(MIA)
    done = rotated.attempts.answer(HERE, more.attempt, authenticator="email_code", code=code)  # type: ignore[union-attr]
    assert done.user.email == MIA  # type: ignore[union-attr]
    rotated.hashing.close()


def test_the_background_thread_delivers(make_house: Callable[..., House]) -> None:
    """Begun by the first message, it sends without being asked, and ends when told."""
    house = make_house(outbox=Outbox(poll=timedelta(milliseconds=50)))
    auth = Nightlatch(house.settings, house.store, mailer=house.mailbox, clock=house.clock)
    auth.sign_up.begin(HERE, email=MIA)
    for _ in range(100):
        if house.mails:
            break
        time.sleep(0.05)
    auth.background.stop()
    auth.hashing.close()
    assert [mail.to for mail in house.mails] == [MIA]


def test_finished_rows_are_swept(house: House) -> None:
    """A week later nothing is left of them."""
    house.auth.sign_up.begin(HERE, email=MIA)
    house.deliver()
    house.clock.advance(days=8)
    house.auth.background.run_once()
    assert rows(house) == []

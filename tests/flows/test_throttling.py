"""What guesses cost, what is given back, and what a stranger cannot do to anybody."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager

import pytest
import redis

from house import ELSEWHERE, PASSWORD, WRONG, House, signed_in
from nightlatch.errors import Busy, InvalidCredentials, Throttled
from nightlatch.flows.outcome import Complete
from nightlatch.ports import after
from nightlatch.primitives.secret import Secret
from nightlatch.records import Authenticator, Device, Event, ThrottleCounter
from nightlatch.services.client import Client
from nightlatch.settings import Hashing, Redis

NO_COOKIE = Client(ip="198.51.100.9", device=Secret("no device of anybody"))
"""Who sends any device cookie is let past the first look at the queue."""


def failures(house: House) -> int:
    """Return the run of failures of the one password there is."""
    return house.store.find(Authenticator, {"kind": "password"})[0].failures


def spent(house: House) -> int:
    """Return what is spent of all budgets together."""
    stored = sum(row.count for row in house.store.find(ThrottleCounter, {"count": after(0)}))
    url = house.auth.settings.redis.url
    if url is None:
        return stored
    assert stored == 0
    with redis.Redis.from_url(url.reveal()) as client:
        return sum(int(client.hget(key, "count")) for key in client.scan_iter("nightlatch:throttle:*"))  # type: ignore[arg-type]


@pytest.fixture(params=["counted in the store", "counted in Redis"])
def make_house(request: pytest.FixtureRequest, make_house: Callable[..., House]) -> Callable[..., House]:
    """Build houses whose budgets are counted in their store, or in Redis."""
    if request.param == "counted in the store":
        return make_house
    url = request.getfixturevalue("redis_url")
    with redis.Redis.from_url(url) as client:
        client.flushall()
    return lambda **settings: make_house(redis=Redis(url=Secret(url)), **settings)


@contextmanager
def full(house: House) -> Iterator[None]:
    """Take every place of the hashing pool, those of known devices aside."""
    with ExitStack() as places:
        for _ in range(3):
            places.enter_context(house.auth.hashing.place("", known_device=True))
        yield


def guess_in_parallel(house: House, *, times: int) -> None:
    """Try wrong passwords from many places at once."""

    def guess(turn: int) -> None:
        with pytest.raises((InvalidCredentials, Throttled, Busy)):
            house.sign_in(Client(ip=f"203.0.113.{turn}"), password=WRONG)

    with ThreadPoolExecutor(times) as threads:
        list(threads.map(guess, range(times)))


@pytest.fixture
def small(make_house: Callable[..., House]) -> House:
    """Return a house that hashes one password at a time, and lets two strangers wait."""
    return make_house(hashing=Hashing(profile="cheap_for_tests", slots=1, queue=4))


def test_a_503_gives_back_what_the_sign_in_spent(small: House) -> None:
    """Nothing was looked at: budgets and failures stand where they stood."""
    small.member()
    with pytest.raises(InvalidCredentials):
        small.sign_in(ELSEWHERE, password=WRONG)
    before = spent(small), failures(small)
    with full(small), pytest.raises(Busy):
        small.sign_in(NO_COOKIE, password=WRONG)
    assert (spent(small), failures(small)) == before == (before[0], 1)


def test_a_503_does_not_wear_away_the_hundred_failures(small: House) -> None:
    """What was refused without being counted is not taken back."""
    small.member()
    (record,) = small.store.find(Authenticator, {"kind": "password"})
    small.store.update(Authenticator, {"id": record.id}, {"failures": 100})
    for _ in range(3):
        with full(small), pytest.raises(Busy):
            small.sign_in(NO_COOKIE, password=WRONG)
    assert failures(small) == 100
    with pytest.raises(InvalidCredentials):
        small.sign_in(ELSEWHERE)


def test_a_try_within_a_delay_is_refused_and_not_counted(house: House) -> None:
    """The delays spread a hundred failures: no flood of tries reaches the hundredth in an afternoon."""
    house.member()
    for turn in range(10):
        with pytest.raises(InvalidCredentials):
            house.sign_in(Client(ip=f"203.0.113.{turn}"), password=WRONG)
    house.clock.advance(minutes=16)
    for turn in range(5):
        with pytest.raises(InvalidCredentials):
            house.sign_in(Client(ip=f"203.0.113.{turn}"), password=WRONG)
    assert failures(house) == 11
    house.clock.advance(seconds=31)
    with pytest.raises(InvalidCredentials):
        house.sign_in(ELSEWHERE, password=WRONG)
    assert failures(house) == 12
    with pytest.raises(InvalidCredentials):
        house.sign_in(ELSEWHERE)  # within the second delay even the right one
    house.clock.advance(seconds=61)
    signed_in(house.sign_in(ELSEWHERE))
    assert failures(house) == 0


def test_of_parallel_guesses_after_ten_failures_one_is_believed(house: House) -> None:
    """The delay is set with the count, before anything is verified (adversary 75)."""
    house.member()
    (record,) = house.store.find(Authenticator, {"kind": "password"})
    house.store.update(Authenticator, {"id": record.id}, {"failures": 10})

    guess_in_parallel(house, times=8)
    assert failures(house) == 11


def test_parallel_guesses_do_not_outrun_the_delays(house: House) -> None:
    """Those that looked before the tenth failure have no free tries left after it (adversary 75)."""
    house.member()
    (record,) = house.store.find(Authenticator, {"kind": "password"})
    house.store.update(Authenticator, {"id": record.id}, {"failures": 8})
    guess_in_parallel(house, times=8)
    assert failures(house) in {10, 11}


def test_a_device_is_forgotten_at_its_tenth_failure(house: House) -> None:
    """From then on its tries are a stranger's, with a stranger's budget: the right password still signs in."""
    done = house.member()
    mine = Client(ip="192.0.2.7", device=done.device)
    for _ in range(10):
        with pytest.raises(InvalidCredentials):
            house.sign_in(mine, password=WRONG)
    assert house.store.find(Device, {"user_id": done.user.id}) == []
    assert signed_in(house.sign_in(mine, password=PASSWORD)).device is not None


def used_up(house: House) -> Complete:
    """Return a member whose password has had its hundred failures, from other browsers than the member's."""
    done = house.member()
    (record,) = house.store.find(Authenticator, {"kind": "password"})
    house.store.update(Authenticator, {"id": record.id}, {"failures": 99})
    house.deliver()
    house.mails.clear()
    with pytest.raises(InvalidCredentials):
        house.sign_in(ELSEWHERE, password=WRONG)
    return done


def test_the_hundredth_failure_in_a_row_is_told_once(house: House) -> None:
    """The password is refused from then on where the user is not known; the user hears of it, once."""
    done = used_up(house)
    for turn in range(3):
        house.clock.advance(hours=2)
        with pytest.raises(InvalidCredentials):
            house.sign_in(Client(ip=f"203.0.113.{turn}"), password=PASSWORD if turn else WRONG)
    house.deliver()
    (notice,) = house.mails
    assert (notice.to, "100 times in a row" in notice.text) == ("mia@example.org", True)
    assert [each.action for each in house.store.find(Event, {"user_id": done.user.id, "action": "authn_login_lock"})]


def test_a_known_device_ends_the_refusal(house: House) -> None:
    """What the notice says is so: one sign-in in a browser that was used before, and the password is good again."""
    done = used_up(house)
    signed_in(house.sign_in(Client(ip="192.0.2.7", device=done.device)))
    signed_in(house.sign_in(ELSEWHERE))


def test_an_operator_ends_the_refusal(house: House) -> None:
    """Who has no browser left asks the people who run the service."""
    done = used_up(house)
    house.auth.operator.restore(done.user.id)
    signed_in(house.sign_in(ELSEWHERE))


def test_mails_of_sign_ups_do_not_keep_the_notice_from_coming(house: House) -> None:
    """The cap on what strangers cause is not shared with what warns of strangers."""
    house.member()
    for turn in range(6):
        house.auth.sign_up.begin(Client(ip=f"203.0.113.{turn}"), email="mia@example.org")
    house.deliver()
    (record,) = house.store.find(Authenticator, {"kind": "password"})
    house.store.update(Authenticator, {"id": record.id}, {"failures": 99})
    with pytest.raises(InvalidCredentials):
        house.sign_in(ELSEWHERE, password=WRONG)
    house.deliver()
    assert "guess" in house.newest("mia@example.org").subject


def test_a_notice_caused_by_strangers_is_capped(house: House) -> None:
    """Who may sign in now and then in between cannot be mailed without end."""
    done = house.member()
    mine = Client(ip="192.0.2.7", device=done.device)
    house.deliver()
    house.mails.clear()
    for turn in range(7):
        (record,) = house.store.find(Authenticator, {"kind": "password"})
        house.store.update(Authenticator, {"id": record.id}, {"failures": 99})
        with pytest.raises(InvalidCredentials):
            house.sign_in(Client(ip=f"203.0.113.{turn}"), password=WRONG)
        signed_in(house.sign_in(mine))
    house.deliver()
    assert len(house.mails) == 5


def test_what_a_full_pool_sheds_is_counted_once_it_has_time(small: House) -> None:
    """A 503 costs no write; the next poll writes one event a minute for each network, with a count."""
    house = small
    house.member()
    with full(house):
        for _ in range(3):
            with pytest.raises(Busy):
                house.sign_in()
        with pytest.raises(Busy):
            house.sign_in(ELSEWHERE)
    assert house.auth.audit_trail.search(action="authn_busy") == []
    house.auth.background.run_once()
    told = {event.ip: event.count for event in house.auth.audit_trail.search(action="authn_busy")}
    assert told == {"192.0.2.0/24": 3, "198.51.100.0/24": 1}
    with full(house), pytest.raises(Busy):
        house.sign_in()
    house.auth.background.run_once()
    told = {event.ip: event.count for event in house.auth.audit_trail.search(action="authn_busy")}
    assert told == {"192.0.2.0/24": 4, "198.51.100.0/24": 1}

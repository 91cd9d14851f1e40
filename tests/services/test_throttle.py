"""Budgets, wherever they are counted: in each store, in Redis, and in the store when Redis is lost."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
import redis

from free_ports import free_port
from house import House
from nightlatch.errors import ConfigurationError, StoreUnavailable, Throttled
from nightlatch.ports import after
from nightlatch.primitives.secret import Secret
from nightlatch.records import ThrottleCounter
from nightlatch.services.shared_counters import SharedCounters
from nightlatch.services.throttle import Charge, Spent
from nightlatch.settings import Budget, Redis
from nightlatch.storage.memory import MemoryStore
from redis_servers import RedisServer

FIVE = Budget(limit=5, per=timedelta(minutes=10))
CHARGE = Charge(FIVE, "sign_in:identifier:mia@example.org")
OTHER = Charge(FIVE, "sign_in:identifier:leo@example.org")
CHARGE_ID, WHEN = UUID(int=8), datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture(params=["store", "redis", "valkey"])
def counting(request: pytest.FixtureRequest, make_house: Callable[..., House]) -> Iterator[House]:
    """Return a house whose budgets are counted in its store, or in Redis, through either client."""
    if request.param == "store":
        yield make_house()
        return
    url = request.getfixturevalue("redis_url")
    with redis.Redis.from_url(url) as client:
        client.flushall()
    house = make_house(redis=Redis(url=Secret(url.replace("redis://", f"{request.param}://"))))
    yield house
    assert not stored(house), "what Redis counts is not in the store"
    assert not house.auth.throttle.fallen_back


def stored(house: House) -> int:
    """Return what the store has counted."""
    return sum(row.count for row in house.store.find(ThrottleCounter, {"count": after(0)}))


def spend_all(house: House, charge: Charge = CHARGE, *, times: int = 20) -> list[Spent]:
    """Spend from many threads at once, and return what was granted."""

    def one(_: int) -> Spent | None:
        try:
            return house.auth.throttle.spend([charge])
        except Throttled:
            return None

    with ThreadPoolExecutor(8) as threads:
        return [each for each in threads.map(one, range(times)) if each is not None]


def test_075_parallel_guesses_never_exceed_a_budget(counting: House) -> None:
    """Twenty at once for five units: five are granted, and only they."""
    assert len(spend_all(counting)) == 5
    assert len(spend_all(counting, OTHER)) == 5


def test_looking_costs_nothing(counting: House) -> None:
    """An operator sees until when a budget is used up, wherever it is counted."""
    throttle = counting.auth.throttle
    assert throttle.used_up_until(CHARGE) is None
    spend_all(counting)
    ends = counting.clock.now() + FIVE.per
    assert [throttle.used_up_until(CHARGE) for _ in range(9)] == [ends] * 9
    assert throttle.used_up_until(OTHER) is None
    counting.clock.advance(minutes=10)
    assert throttle.used_up_until(CHARGE) is None


def test_a_window_ends(counting: House) -> None:
    """The refusal says when; then the budget is whole again."""
    spend_all(counting)
    counting.clock.advance(minutes=4)
    with pytest.raises(Throttled) as refused:
        counting.auth.throttle.spend([CHARGE])
    assert refused.value.retry_after == timedelta(minutes=6)
    counting.clock.advance(minutes=6)
    assert len(spend_all(counting)) == 5


def test_077_what_is_given_back_is_what_was_spent(counting: House) -> None:
    """A unit goes back to the window that it came from, and to no later one."""
    first = spend_all(counting)
    counting.auth.throttle.give_back(first[0])
    assert len(spend_all(counting)) == 1
    counting.clock.advance(minutes=10)
    assert len(spend_all(counting)) == 5
    for each in first:
        counting.auth.throttle.give_back(each)
    assert spend_all(counting) == []


def test_refusals_leave_a_budget_as_it_is(counting: House) -> None:
    """A unit that is given back after refusals is there again."""
    first = spend_all(counting, times=5)
    assert spend_all(counting) == []
    counting.auth.throttle.give_back(first[0])
    assert len(spend_all(counting)) == 1


def test_the_first_budget_that_is_used_up_refuses(counting: House) -> None:
    """What was spent before it stays spent, and what comes after is not touched."""
    spend_all(counting)
    third = Charge(FIVE, "sign_in:address:192.0.2.1")
    for _ in range(2):
        with pytest.raises(Throttled):
            counting.auth.throttle.spend([OTHER, CHARGE, third])
    assert len(spend_all(counting, OTHER)) == 3
    assert len(spend_all(counting, third)) == 5


def test_a_failure_within_leaves_nothing_spent(counting: House) -> None:
    """Counts of an authenticator that cannot be written take the budget's count with them."""

    def fail() -> None:
        raise ValueError("cannot count")

    for _ in range(6):
        with pytest.raises(ValueError, match="cannot count"):
            counting.auth.throttle.spend([CHARGE], within=fail)
    assert len(spend_all(counting)) == 5


def test_redis_killed_and_back(make_house: Callable[..., House], redis_server: RedisServer) -> None:
    """Lost, it lets nobody pass: the store counts, whole budgets and no more; and by itself Redis counts again."""
    house = make_house(redis=Redis(url=Secret(redis_server.url), retry_after=timedelta(seconds=0.2)))
    kept = spend_all(house, times=3)
    assert (len(kept), stored(house), redis_server.counted()) == (3, 0, 3)

    redis_server.kill()
    assert len(spend_all(house)) == 5
    assert stored(house) == 5
    assert spend_all(house) == []
    assert house.auth.throttle.fallen_back
    house.auth.throttle.give_back(kept[0])  # nowhere to give it back to: it stays spent
    assert spend_all(house) == []

    redis_server.start()
    for _ in range(200):
        spend_all(house, OTHER, times=1)
        if redis_server.counted():
            break
        time.sleep(0.05)
    assert not house.auth.throttle.fallen_back
    assert spend_all(house, times=5)


def test_redis_that_does_not_answer(make_house: Callable[..., House], redis_server: RedisServer) -> None:
    """Silent, it is waited for once, for its time-out; what it had granted before stays spent there."""
    house = make_house(redis=Redis(url=Secret(redis_server.url), retry_after=timedelta(hours=1)))
    assert len(spend_all(house)) == 5
    redis_server.hold()
    try:
        assert len(spend_all(house)) == 5
        assert spend_all(house) == []
        assert house.auth.throttle.fallen_back
    finally:
        redis_server.let_go()


def test_one_asks_while_the_others_go_on() -> None:
    """Counters that are out of reach are asked once in a while, by one request; then by all."""
    asked: list[float] = []
    now = [0.0]

    def out_of_reach() -> SharedCounters:
        asked.append(now[0])
        raise StoreUnavailable("not there")

    shared = SharedCounters(out_of_reach, timedelta(seconds=5), lambda: now[0])
    for now[0] in (0.0, 1.0, 4.9, 5.0, 5.1, 9.9, 10.0):
        with pytest.raises(StoreUnavailable):
            shared.give_back(CHARGE_ID, WHEN)
    assert asked == [0.0, 5.0, 10.0]


@pytest.mark.parametrize("url", ["memory://", "http://127.0.0.1", "redis", "async+redis://127.0.0.1"])
def test_addresses_that_are_none(url: str) -> None:
    """A budget for each process is no budget: whatever is not a server that all share is refused at the start."""
    with pytest.raises(ConfigurationError, match="redis"):
        Redis(url=Secret(url))


@pytest.mark.parametrize(
    "form", ["redis+sentinel://127.0.0.1:{}/nodes", "redis+cluster://127.0.0.1:{}", "rediss://127.0.0.1:{}"]
)
def test_what_is_not_there_at_the_start(form: str) -> None:
    """Whatever kind of Redis is named, one that cannot be reached stops no start, and lets nobody pass."""
    house = House(MemoryStore(), redis=Redis(url=Secret(form.format(free_port()))))
    assert len(spend_all(house)) == 5
    assert house.auth.throttle.fallen_back
    house.auth.close()


@pytest.mark.parametrize("url", ["redis://127.0.0.1:port/0", "redis://:a-secret@[::1/0"])
def test_an_address_that_cannot_be_read(url: str) -> None:
    """Refused at the start, in words that do not repeat the password."""
    with pytest.raises(ConfigurationError) as refused:
        House(MemoryStore(), redis=Redis(url=Secret(url)))
    assert "a-secret" not in str(refused.value)

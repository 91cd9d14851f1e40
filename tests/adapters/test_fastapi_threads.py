"""The event loop is never blocked, what has begun is ended, and sign-ins keep nobody from being recognised."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import anyio
import pytest
from fastapi import FastAPI

from fastapi_shop import SECRET, fast_settings, router
from nightlatch.fastapi import Nightlatch
from nightlatch.http.app import LONGEST_BODY
from nightlatch.records import Attempt, User
from nightlatch.storage.memory import MemoryStore

Messages = list[dict[str, Any]]
SIGN_UP = json.dumps({"username": "mia", "password": SECRET}).encode()
SIGN_IN = json.dumps({"identifier": "mia", "password": SECRET}).encode()


class WatchedStore(MemoryStore):
    """A store that knows which threads use it, and whose writers can be held."""

    def __init__(self) -> None:
        super().__init__()
        self.threads: set[int] = set()
        self.opened = threading.Event()
        self.opened.set()
        self.waiting = threading.Semaphore(0)

    @contextmanager
    def transaction(self, *, own: bool = False) -> Iterator[None]:
        """Wait until writers may, and write."""
        self.threads.add(threading.get_ident())
        self.waiting.release()
        assert self.opened.wait(20)
        with super().transaction(own=own):
            yield

    def find(self, *args: Any, **more: Any) -> Any:
        """Note the thread, and read."""
        self.threads.add(threading.get_ident())
        return super().find(*args, **more)

    def get(self, *args: Any, **more: Any) -> Any:
        """Note the thread, and read."""
        self.threads.add(threading.get_ident())
        return super().get(*args, **more)


class Stage:
    """An application, called as a server calls it."""

    def __init__(self) -> None:
        self.store = WatchedStore()
        self.app = FastAPI()
        throttle = {
            "sign_in_per_identifier": {"limit": 1000, "per": 60},
            "sign_in_per_address": {"limit": 1000, "per": 60},
        }
        hashing = {"profile": "cheap_for_tests", "slots": 2, "queue": 4}
        values = fast_settings(identifiers="username", throttle=throttle, hashing=hashing)
        self.auth = Nightlatch(self.app, values, store=self.store)
        self.app.include_router(router)

    async def wire(self) -> None:
        """Wire everything, and forget who wrote for that."""
        await asyncio.to_thread(lambda: self.auth.core)
        self.store.waiting = threading.Semaphore(0)

    async def call(
        self, method: str, path: str, parts: Sequence[bytes] = (), *, cookie: str = "", stays: bool = True
    ) -> tuple[Messages, int]:
        """Return what was answered, and how many parts of the body were asked for."""
        waiting = [
            {"type": "http.request", "body": each, "more_body": not stays or number < len(parts)}
            for number, each in enumerate(parts or (b"",), 1)
        ]
        if not stays:
            waiting.append({"type": "http.disconnect"})
        asked = 0

        async def receive() -> dict[str, Any]:
            nonlocal asked
            asked += 1
            return waiting.pop(0)

        sent: Messages = []

        async def send(message: Any) -> None:
            sent.append(message)

        headers = [(b"host", b"localhost"), (b"content-type", b"application/json"), (b"cookie", cookie.encode())]
        scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method, "path": path,
            "raw_path": path.encode(), "root_path": "", "query_string": b"", "scheme": "http", "headers": headers,
            "client": ("192.0.2.7", 1), "server": ("localhost", 80), "state": {},
        }  # fmt: skip
        await self.app(scope, receive, send)
        return sent, asked

    async def sign_up(self) -> str:
        """Sign somebody up, and return the cookie."""
        sent, _ = await self.call("POST", "/auth/api/sign-up", [SIGN_UP])
        assert sent[0]["status"] == 200
        cookies = [value.decode() for name, value in sent[0]["headers"] if name == b"set-cookie"]
        return next(each.partition(";")[0] for each in cookies if each.startswith("session="))

    async def held(self, count: int) -> None:
        """Wait until so many transactions have been asked for."""
        for _ in range(count):
            assert await asyncio.to_thread(self.store.waiting.acquire, timeout=20)


@pytest.fixture
def stage() -> Iterator[Stage]:
    """An application on a store that is watched."""
    made = Stage()
    yield made
    made.store.opened.set()
    made.auth.site.close()


def play(story: Callable[[], Awaitable[None]], backend: str = "asyncio") -> None:
    """Run a story on an event loop, for a minute at most."""

    async def bounded() -> None:
        with anyio.fail_after(60):
            await story()

    anyio.run(bounded, backend=backend)


def test_nothing_synchronous_is_done_on_the_event_loop(stage: Stage) -> None:
    """32 sign-ins at once, and routes of every kind: the loop's own thread never meets the store."""

    async def story() -> None:
        cookie = await stage.sign_up()
        sent = await asyncio.gather(*(stage.call("POST", "/auth/api/sign-in", [SIGN_IN]) for _ in range(32)))
        assert {each[0]["status"] for each, _ in sent} <= {200, 503}
        assert 200 in {each[0]["status"] for each, _ in sent}
        for path in ("/hello", "/theirs", "/name", "/reports", "/auth/sign-in", "/auth/api/session"):
            await stage.call("GET", path, cookie=cookie)
        assert stage.store.threads
        assert threading.get_ident() not in stage.store.threads

    play(story)


def test_the_loop_goes_on_while_a_flow_waits(stage: Stage) -> None:
    """A flow that waits for the store is waited for in its thread: the loop answers others meanwhile."""

    async def story() -> None:
        cookie = await stage.sign_up()
        stage.store.opened.clear()
        slow = asyncio.create_task(stage.call("POST", "/auth/api/sign-in", [SIGN_IN]))
        await stage.held(1)
        for _ in range(3):
            sent, _ = await stage.call("GET", "/public")
            assert sent[0]["status"] == 200
        assert not slow.done()
        stage.store.opened.set()
        sent, _ = await slow
        assert sent[0]["status"] == 200
        assert cookie

    play(story)


def test_sign_ins_keep_nobody_from_being_recognised(stage: Stage) -> None:
    """However many hold their threads, who is signed in is told: on the application's routes and on ours."""

    async def story() -> None:
        cookie = await stage.sign_up()
        stage.store.opened.clear()
        flood = [asyncio.create_task(stage.call("POST", "/auth/api/sign-in", [SIGN_IN])) for _ in range(64)]
        held = stage.auth.core.hashing.slots + 1  # and one network's share of the queue
        await stage.held(held)
        for path in ("/hello", "/theirs", "/auth/api/session"):
            sent, _ = await stage.call("GET", path, cookie=cookie)
            assert sent[0]["status"] == 200, path
        assert sum(not each.done() for each in flood) >= held
        stage.store.opened.set()
        statuses = {sent[0]["status"] for sent, _ in await asyncio.gather(*flood)}
        assert statuses <= {200, 503}

    play(story)


def test_half_of_those_who_act_can_be_held_by_hashes(stage: Stage) -> None:
    """The other half is there to be refused in at once (running and waiting: two and four, of sixteen)."""
    assert stage.auth.core.hashing.most_held == 6
    assert stage.auth.site.threads.acting == 16
    stage.auth.core.hashing.most_held = 70
    stage.auth.site.threads.make_room(stage.auth.core.hashing)
    assert stage.auth.site.threads.acting == 140


def test_a_flow_begun_is_ended(stage: Stage) -> None:
    """Its task is cancelled in the middle, as servers do whose client has left: the account is there all the same."""

    async def story() -> None:
        await stage.wire()
        stage.store.opened.clear()
        begun = asyncio.create_task(stage.call("POST", "/auth/api/sign-up", [SIGN_UP]))
        await stage.held(1)
        begun.cancel()
        await asyncio.sleep(0)
        stage.store.opened.set()
        await asyncio.gather(begun, return_exceptions=True)
        for _ in range(200):
            if stage.auth.core.store.find(User, {"username": "mia"}):
                return
            await asyncio.sleep(0.05)
        raise AssertionError("the sign-up was abandoned")

    play(story)


def test_cancelled_from_around_it_is_waited_for(stage: Stage) -> None:
    """Within a scope that is cancelled (a time-out around the application) the flow ends before the scope does."""

    async def story() -> None:
        await stage.wire()
        stage.store.opened.clear()

        async def cancel(scope: anyio.CancelScope) -> None:
            await stage.held(1)
            scope.cancel()
            stage.store.opened.set()

        async with anyio.create_task_group() as group:
            with anyio.CancelScope() as scope:
                group.start_soon(cancel, scope)
                await stage.call("POST", "/auth/api/sign-up", [SIGN_UP])
        assert stage.auth.core.store.find(User, {"username": "mia"})

    play(story)


def test_who_leaves_in_the_middle_of_a_body_has_begun_nothing(stage: Stage) -> None:
    """Half a request is none: no answer, no thread, no row."""

    async def story() -> None:
        sent, asked = await stage.call("POST", "/auth/api/sign-up", [SIGN_UP], stays=False)
        assert (sent, asked) == ([], 2)
        assert stage.store.threads == set()
        assert not stage.auth.core.store.find(Attempt, {"purpose": "sign_up"})

    play(story)


def test_a_body_is_read_as_far_as_it_may_be_long(stage: Stage) -> None:
    """In however many parts it comes; past the limit it is not asked for."""

    async def story() -> None:
        parts = [SIGN_UP[each : each + 1] for each in range(len(SIGN_UP))]
        sent, asked = await stage.call("POST", "/auth/api/sign-up", parts)
        assert (sent[0]["status"], asked) == (200, len(parts))
        sent, asked = await stage.call("POST", "/auth/api/sign-in", [b" " * 1000] * 100)
        assert sent[0]["status"] == 413
        assert asked == LONGEST_BODY // 1000 + 1
        sent, asked = await stage.call("GET", "/auth/api/session", [b"x" * 1000] * 3)
        assert (sent[0]["status"], asked) == (401, 0)

    play(story)


CALLER = ContextVar("CALLER", default="nobody")


def test_the_context_comes_along(stage: Stage) -> None:
    """What the application has set for this request (its name in traces) is known in the thread."""

    async def story() -> None:
        CALLER.set("this request")
        assert await stage.auth.run(lambda _: CALLER.get()) == "this request"

    play(story)

"""An ASGI application, called as a server calls it (ASGI 3, HTTP spec 2.4)."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import unquote

from nightlatch.http.messages import Response
from nightlatch.testing.sites.site import Sent

__all__ = ["AsgiSite"]

_Message = MutableMapping[str, Any]
_App = Callable[..., Awaitable[None]]


class AsgiSite:
    """Call an ASGI application, on an event loop in a thread of its own; its lifespan lasts until `close`.

    Args:
        app: the application.
        lifespan: whether it has one (Django has none).
        on_close: lets go of what it holds, after the lifespan's end.
    """

    def __init__(self, app: _App, *, lifespan: bool = True, on_close: Callable[[], object] = lambda: None) -> None:
        self.app = app
        self._on_close = on_close
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="asgi-site", daemon=True)
        self._thread.start()
        self._state: dict[str, Any] = {}
        self._ending: asyncio.Event | None = None
        self._living: asyncio.Task[None] | None = None
        if lifespan:
            self._run(self._begin())

    def send(self, sent: Sent) -> Response:
        """Call the application."""
        response: Response = self._run(self._ask(sent))
        return response

    def close(self) -> None:
        """End the lifespan, then the loop."""
        if self._living is not None:
            self._run(self._end())
        self._run(self._loop.shutdown_default_executor())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        self._on_close()

    def _run(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(60)

    async def _ask(self, sent: Sent) -> Response:
        waiting: asyncio.Queue[_Message] = asyncio.Queue()
        half = len(sent.body) // 2 if sent.chunked else 0
        if half:
            waiting.put_nowait({"type": "http.request", "body": sent.body[:half], "more_body": True})
        waiting.put_nowait({"type": "http.request", "body": sent.body[half:], "more_body": False})
        messages: list[_Message] = []

        async def told(message: _Message) -> None:
            messages.append(message)

        await self.app(scope_of(sent, self._state), waiting.get, told)
        start, *parts = messages
        assert start["type"] == "http.response.start"
        assert parts, "no body was sent"
        assert [bool(each.get("more_body")) for each in parts] == [True] * (len(parts) - 1) + [False]
        return Response(
            status=start["status"],
            headers=[(name.decode("latin-1"), value.decode("latin-1")) for name, value in start["headers"]],
            body=b"".join(each.get("body", b"") for each in parts),
        )

    async def _begin(self) -> None:
        self._ending, begun = asyncio.Event(), self._loop.create_future()
        asked = False

        async def receive() -> _Message:
            nonlocal asked
            if not asked:
                asked = True
                return {"type": "lifespan.startup"}
            assert self._ending is not None
            await self._ending.wait()
            return {"type": "lifespan.shutdown"}

        async def told(message: _Message) -> None:
            if message["type"] == "lifespan.startup.complete":
                begun.set_result(None)
            assert not message["type"].endswith("failed"), message

        scope = {"type": "lifespan", "asgi": {"version": "3.0", "spec_version": "2.0"}, "state": self._state}
        self._living = self._loop.create_task(self.app(scope, receive, told))  # type: ignore[arg-type]
        await asyncio.wait({self._living, begun}, return_when=asyncio.FIRST_COMPLETED)
        if not begun.done():
            await self._living  # raises what went wrong

    async def _end(self) -> None:
        assert self._ending is not None
        assert self._living is not None
        self._ending.set()
        await self._living


def scope_of(sent: Sent, state: dict[str, Any]) -> dict[str, Any]:
    """Return the scope that a server makes of a request."""
    path, _, query = sent.target.partition("?")
    scope: dict[str, Any] = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "method": sent.method.upper(),  # as the specification has it
        "scheme": "http",
        # The path holds the root as well, since version 2.4 of the specification.
        "path": sent.root + unquote(path, errors="replace"),
        "raw_path": (sent.root + path).encode("ascii"),
        "query_string": query.encode("latin-1"),
        "root_path": sent.root,
        "headers": [
            *([] if sent.has("host") else [(b"host", b"localhost:8000")]),
            *((name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in sent.headers),
        ],
        "server": ("localhost", 8000),
        "state": dict(state),
    }
    if sent.peer is not None:
        scope["client"] = (sent.peer, 50_000)
    return scope

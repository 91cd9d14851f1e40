"""The same route as in fastapi_users_app.py, with Nightlatch in FastAPI; and how late the event loop is."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from nightlatch.fastapi import CurrentUser, Nightlatch

_BEAT = 0.002
_BUDGETS = ("sign_in_per_identifier", "sign_in_per_address", "sign_in_per_network", "sign_in_per_device")

late: list[float] = [0.0]
"""The worst since it was last asked for, in seconds."""


async def _beat() -> None:
    while True:
        due = time.perf_counter() + _BEAT
        await asyncio.sleep(_BEAT)
        late[0] = max(late[0], time.perf_counter() - due)


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    """Beat as long as the application runs."""
    beating = asyncio.create_task(_beat())
    yield
    beating.cancel()


app = FastAPI(lifespan=lifespan)
Nightlatch(
    app,
    {
        "base_url": f"http://127.0.0.1:{os.environ['BENCH_PORT']}",
        "secret_keys": ["a key of more than 32 bytes that only this benchmark knows"],
        "mail": {"transport": "file", "directory": "mail"},
        "throttle": {name: {"limit": 1_000_000_000, "per": 300} for name in _BUDGETS},
    },
    database_url=f"sqlite:///{os.environ['BENCH_DATABASE']}",
)


@app.get("/me")
async def me(user: CurrentUser) -> dict[str, str]:
    """Tell who is signed in."""
    return {"id": str(user.id), "email": user.email or ""}


@app.get("/late")
async def worst() -> dict[str, float]:
    """Tell how late the event loop was at the worst since this was last asked, in milliseconds."""
    found, late[0] = late[0] * 1000, 0.0
    return {"late": found}

"""FastAPI Users as its documentation has it: a cookie, the database strategy, SQLAlchemy's asynchronous engine.

``python fastapi_users_app.py <database> <users> <cookies>`` fills the database and writes the cookies; Granian serves
`app`.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID, uuid4

from fastapi import Depends, FastAPI
from fastapi_users import BaseUserManager, FastAPIUsers, UUIDIDMixin
from fastapi_users.authentication import AuthenticationBackend, CookieTransport
from fastapi_users.authentication.strategy.db import AccessTokenDatabase, DatabaseStrategy
from fastapi_users_db_sqlalchemy import SQLAlchemyBaseUserTableUUID, SQLAlchemyUserDatabase
from fastapi_users_db_sqlalchemy.access_token import SQLAlchemyAccessTokenDatabase, SQLAlchemyBaseAccessTokenTableUUID
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase

_DAY = 24 * 60 * 60

engine = create_async_engine(f"sqlite+aiosqlite:///{Path(os.environ['BENCH_DATABASE']).resolve()}")
session_maker = async_sessionmaker(engine, expire_on_commit=False)


@event.listens_for(engine.sync_engine, "connect")
def _pragmas(connection: Any, _: Any) -> None:
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=NORMAL")
    connection.execute("PRAGMA busy_timeout=20000")


class Base(DeclarativeBase):
    """The tables."""


class User(SQLAlchemyBaseUserTableUUID, Base):
    """A user."""


class AccessToken(SQLAlchemyBaseAccessTokenTableUUID, Base):
    """A session."""


async def _session() -> AsyncIterator[AsyncSession]:
    async with session_maker() as session:
        yield session


_Session = Annotated[AsyncSession, Depends(_session)]


async def _users(session: _Session) -> AsyncIterator[Any]:
    yield SQLAlchemyUserDatabase(session, User)


async def _tokens(session: _Session) -> AsyncIterator[Any]:
    yield SQLAlchemyAccessTokenDatabase(session, AccessToken)


class Manager(UUIDIDMixin, BaseUserManager[User, UUID]):
    """As little as there may be."""


async def _manager(users: Annotated[Any, Depends(_users)]) -> AsyncIterator[Manager]:
    yield Manager(users)


def _strategy(tokens: Annotated[AccessTokenDatabase[AccessToken], Depends(_tokens)]) -> Any:
    return DatabaseStrategy(tokens, lifetime_seconds=_DAY)


backend = AuthenticationBackend(name="cookie", transport=CookieTransport(cookie_name="peer"), get_strategy=_strategy)
fastapi_users = FastAPIUsers[User, UUID](_manager, [backend])
app = FastAPI()


@app.get("/me")
async def me(user: Annotated[User, Depends(fastapi_users.current_user(active=True))]) -> dict[str, str]:
    """Tell who is signed in."""
    return {"id": str(user.id), "email": user.email}


async def seed(users: int) -> list[str]:
    """Fill the database and return one cookie per user."""
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    lines: list[str] = []
    async with session_maker() as session:
        for number in range(1, users + 1):
            user = User(id=uuid4(), email=f"user{number}@example.org", hashed_password="-" * 97)
            token = AccessToken(token=f"{number:043}", user_id=user.id)
            session.add_all([user, token])
            lines.append(f"peer={token.token}\n")
        await session.commit()
    await engine.dispose()
    return lines


if __name__ == "__main__":
    Path(sys.argv[3]).write_text("".join(asyncio.run(seed(int(sys.argv[2])))))

"""Rows to insert where it does not matter what is in them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from nightlatch.primitives.ids import uuid7
from nightlatch.records import Attempt, Evidence, Identifier, Session, TokenFamily, User

__all__ = ["NOW", "a_session", "a_token_family", "a_user", "an_attempt", "an_identifier"]

NOW = datetime(2026, 11, 24, 12, 0, 0, tzinfo=UTC)


def a_user(**fields: Any) -> User:
    """Return a user to insert."""
    return User(**{"id": uuid7(NOW), "created_at": NOW, "updated_at": NOW, **fields})


def a_session(user: User, **fields: Any) -> Session:
    """Return a session to insert."""
    evidence = Evidence(
        authenticator="password", authenticator_id=uuid4(), factors=("knowledge",), amr=("pwd",), verified_at=NOW
    )
    usual: dict[str, Any] = {
        "id": uuid7(NOW),
        "selector": uuid4().hex,
        "secret_hash": b"\x00\xff" * 16,
        "user_id": user.id,
        "epoch": 1,
        "aal": 1,
        "amr": ("pwd",),
        "evidence": (evidence,),
        "authenticated_at": NOW,
        "created_at": NOW,
        "last_seen_at": NOW,
        "expires_at": NOW + timedelta(days=1),
    }
    return Session(**{**usual, **fields})


def an_identifier(user: User, key: str, **fields: Any) -> Identifier:
    """Return an identifier to insert."""
    usual = {"id": uuid7(NOW), "user_id": user.id, "kind": "email", "value": key, "proven_at": NOW, "created_at": NOW}
    return Identifier(**{**usual, "key": key, **fields})


def a_token_family(session: Session, **fields: Any) -> TokenFamily:
    """Return a token family to insert."""
    usual: dict[str, Any] = {
        "id": uuid7(NOW),
        "selector": uuid4().hex,
        "session_id": session.id,
        "user_id": session.user_id,
        "epoch": 1,
        "secret_hash": b"s" * 32,
        "created_at": NOW,
        "expires_at": NOW + timedelta(days=1),
    }
    return TokenFamily(**{**usual, **fields})


def an_attempt(**fields: Any) -> Attempt:
    """Return an attempt to insert."""
    usual = {"selector": uuid4().hex, "secret_hash": b"h" * 32, "purpose": "sign_in", "created_at": NOW}
    return Attempt(**{"id": uuid7(NOW), "expires_at": NOW, **usual, **fields})

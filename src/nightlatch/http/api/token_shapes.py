"""What the JSON API takes and gives of tokens and API keys: `shapes`, continued."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec

from nightlatch.flows.outcome import Complete, Granted
from nightlatch.http.api.shapes import Body, Given, Short, SignedIn, session_shape, user_shape
from nightlatch.primitives.secret import Secret
from nightlatch.records import ApiKey

__all__ = [
    "ApiKeyShape",
    "ApiKeysShape",
    "EndedBody",
    "EndedShape",
    "Keys",
    "NewApiKeyBody",
    "NewApiKeyShape",
    "RefreshBody",
    "RevokeBody",
    "TokensShape",
    "api_key_shape",
    "signed_in_shape",
    "tokens_shape",
]


class RefreshBody(Body, frozen=True, kw_only=True):
    """Refresh: without a token, for the page whose cookie came with it."""

    refresh_token: Secret | None = None


class RevokeBody(Body, frozen=True, kw_only=True):
    """Revoke a token, with the names of RFC 7009."""

    token: Secret
    token_type_hint: Short | None = None


class EndedBody(Body, frozen=True, kw_only=True):
    """Ask which of these sessions have ended."""

    sessions: Annotated[list[UUID], msgspec.Meta(max_length=300)]


class NewApiKeyBody(Body, frozen=True, kw_only=True):
    """Make an API key."""

    name: Short
    scopes: Annotated[tuple[Short, ...], msgspec.Meta(max_length=32)] = ()
    expires_in: Annotated[int, msgspec.Meta(ge=60, le=2**31)] | None = None
    """Seconds."""


class TokensShape(Given, frozen=True, kw_only=True):
    """Tokens, with the names of RFC 6749 5.1."""

    access_token: str
    token_type: str
    expires_in: int
    """Seconds."""
    refresh_token: str | msgspec.UnsetType = msgspec.UNSET
    """Not for a page: its cookie asks for the next one."""


class EndedShape(Given, frozen=True, kw_only=True):
    """Those that have ended, or never were."""

    ended: list[UUID]


class ApiKeyShape(Given, frozen=True, kw_only=True):
    """An API key, as far as it is ever shown again."""

    id: UUID
    name: str
    scopes: tuple[str, ...]
    created_at: datetime
    last_used_at: datetime | None
    expires_at: datetime | None


class ApiKeysShape(Given, frozen=True, kw_only=True):
    """One's API keys."""

    api_keys: list[ApiKeyShape]


class NewApiKeyShape(Given, frozen=True, kw_only=True):
    """An API key that was made, and its text: the only time it is shown."""

    api_key: ApiKeyShape
    key: str


class Keys(Given, frozen=True, kw_only=True):
    """The public keys of access tokens (RFC 7517 5)."""

    keys: list[dict[str, str]]


def signed_in_shape(complete: Complete, granted: Granted | None = None) -> SignedIn:
    """Return what is told of a sign-in, with the tokens that carry it where a cookie does not."""
    session = session_shape(complete.session) if complete.session else None
    told = SignedIn(user=user_shape(complete.user), session=session, return_to=complete.return_to)
    if complete.recovery_codes:
        told = msgspec.structs.replace(told, new_recovery_codes=[each.reveal() for each in complete.recovery_codes])
    if granted is None:
        return told
    tokens = tokens_shape(granted)
    return msgspec.structs.replace(
        told,
        access_token=tokens.access_token,
        token_type=tokens.token_type,
        expires_in=tokens.expires_in,
        refresh_token=tokens.refresh_token,
    )


def api_key_shape(key: ApiKey) -> ApiKeyShape:
    """Return what is told of an API key."""
    return ApiKeyShape(
        id=key.id,
        name=key.name,
        scopes=key.scopes,
        created_at=key.created_at,
        last_used_at=key.last_used_at,
        expires_at=key.expires_at,
    )


def tokens_shape(granted: Granted) -> TokensShape:
    """Return tokens as they are handed over: the one place where they are text."""
    return TokensShape(
        access_token=granted.access.reveal(),
        token_type="Bearer",  # noqa: S106 - a kind, no secret
        expires_in=int(granted.life.total_seconds()),
        refresh_token=granted.refresh.reveal() if granted.refresh else msgspec.UNSET,
    )

"""What goes in and out where a phone is bound."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec

from nightlatch.http.api.shapes import NO_NUL, Body, Given, Short
from nightlatch.primitives.secret import Secret

__all__ = ["BeginPhoneBody", "ConfirmPhoneBody", "PhoneProposalShape"]


class BeginPhoneBody(Body, frozen=True, kw_only=True):
    """Bind a phone that gets codes by text; with `attempt` for a sign-in that waits for one."""

    attempt: Secret | None = None
    number: Annotated[str, msgspec.Meta(min_length=1, max_length=512, pattern=NO_NUL)]
    """With its ``+`` and country, or as it is dialled in the first country of settings."""
    name: Short | None = None


class ConfirmPhoneBody(Body, frozen=True, kw_only=True):
    """Confirm a phone by the code that was texted to it."""

    attempt: Secret | None = None
    id: UUID
    code: Secret


class PhoneProposalShape(Given, frozen=True, kw_only=True):
    """A phone that a code was texted to."""

    id: UUID
    number: str
    """E.164, as it was read."""
    expires_at: datetime
    """Until when the code is good."""

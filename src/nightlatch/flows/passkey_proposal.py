"""What a browser is asked to make."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

__all__ = ["PasskeyProposal"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PasskeyProposal:
    """A passkey that is being made.

    Args:
        id: of the authenticator; hand it back with the credential.
        options: what the browser is to be asked to make.
    """

    id: UUID
    options: dict[str, Any]

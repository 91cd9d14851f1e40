"""Step-up: what a session that is not sure enough is asked for, told to programs and to pages alike."""

from __future__ import annotations

from typing import Literal

import msgspec

from nightlatch.errors import ReauthenticationRequired
from nightlatch.settings import Settings

__all__ = ["StepUp", "query_of_step_up", "step_up"]


class Asked(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The body of `POST reauthenticate` that begins what is asked for."""

    aal: Literal[1, 2] = 1
    phishing_resistant: bool = False


class StepUp(msgspec.Struct, frozen=True, kw_only=True):
    """The attempt to begin before the same request is sent again."""

    url: str
    body: Asked


def step_up(error: ReauthenticationRequired, settings: Settings) -> StepUp:
    """Return the attempt that a refusal asks to begin; its address is made of settings alone (adversary 36)."""
    return StepUp(url=f"{settings.base_url}{settings.mount}/api/reauthenticate", body=_asked(error))


def query_of_step_up(error: ReauthenticationRequired) -> str:
    """Return the same as the query of our page, to be followed by ``return_to``."""
    asked = _asked(error)
    level = "aal=2&" if asked.aal > 1 else ""
    return level + ("phishing_resistant=true&" if asked.phishing_resistant else "")


def _asked(error: ReauthenticationRequired) -> Asked:
    # Nobody reaches AAL3 here (design, section 3): the way up ends at what can be proven.
    return Asked(aal=2 if (error.aal or 1) > 1 else 1, phishing_resistant=error.phishing_resistant)

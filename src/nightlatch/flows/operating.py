"""Who acts as an operator: somebody at the console, or an administrator who has just proven a second factor."""

from __future__ import annotations

from uuid import UUID

from nightlatch.errors import Forbidden, ReauthenticationRequired
from nightlatch.flows.administrators import ADMINISTRATOR
from nightlatch.flows.core import Core
from nightlatch.flows.fresh import FRESH
from nightlatch.primitives.assurance import meets
from nightlatch.records import Session

__all__ = ["CONSOLE", "By", "actor_of", "name_of", "see_that_it_is_an_operator"]

CONSOLE = "console"
"""The command line is its own authority: whoever runs it can read the keys and write the database."""

By = Session | str
"""An administrator's session; or what somebody at the console is called."""


def see_that_it_is_an_operator(core: Core, by: By) -> None:
    """Let an operator pass: at the console anybody, through the web an administrator with fresh proof at AAL2.

    Raises:
        Forbidden: the session is no administrator's.
        ReauthenticationRequired: its proof is older, or a password alone.
    """
    if isinstance(by, str):
        return
    if ADMINISTRATOR not in by.roles:
        raise Forbidden("no administrator")
    if not meets(by.evidence, aal=2, max_age=FRESH, now=core.clock.now()):
        raise ReauthenticationRequired("an operator's act needs a fresh second factor", aal=2, max_age=FRESH)


def name_of(by: By) -> str:
    """Return what tells one operator from another."""
    return f"console:{by}" if isinstance(by, str) else f"user:{by.user_id}"


def actor_of(by: By) -> UUID | None:
    """Return the operator's own user, where there is one."""
    return None if isinstance(by, str) else by.user_id

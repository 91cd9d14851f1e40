"""What somebody who finds a session open must not be able to do."""

from __future__ import annotations

from datetime import timedelta

from nightlatch.errors import Forbidden, ReauthenticationRequired
from nightlatch.flows.core import Core
from nightlatch.primitives.assurance import meets
from nightlatch.records import Session, User
from nightlatch.services.gate import needed_by

__all__ = ["FRESH", "see_that_it_is_fresh", "see_that_it_is_ours"]

FRESH = timedelta(minutes=10)
"""How old the newest proof may be for a change of what an account is found, recovered or ended by."""


def see_that_it_is_fresh(core: Core, session: Session) -> None:
    """Let a session pass whose user proved lately who they are, at the level that their sign-ins need (ASVS 7.5.1).

    Raises:
        ReauthenticationRequired: the proof is older: `flows.reauthenticate`, then again.
    """
    needed = needed_by(core.users.authenticators(session.user_id))
    if not meets(session.evidence, aal=needed, max_age=FRESH, now=core.clock.now()):
        raise ReauthenticationRequired("proof too old for this", aal=needed, max_age=FRESH)


def see_that_it_is_ours(user: User) -> None:
    """Let pass whoever has no row in a host application's own user table: that table leads, and would undo the change.

    Raises:
        Forbidden: the application keeps this account.
    """
    if user.external_id is not None:
        raise Forbidden("the host's table leads", message="This is kept by the application. Please change it there.")

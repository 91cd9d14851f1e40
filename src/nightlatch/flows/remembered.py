"""A remembered browser: idle for too long, it asks for one factor of the two that it held (docs/decisions/0013).

It never stands in for the first sign-in's factors: what it keeps is that something was held when its session began,
for as long as that session may be replaced, and nothing that is asked for fresh is met by it.
"""

from __future__ import annotations

from collections.abc import Sequence

from nightlatch.authenticators.base import Subject
from nightlatch.flows.core import Core
from nightlatch.primitives.assurance import remembered
from nightlatch.records import Evidence, Session, User
from nightlatch.services.gate import Assurance, Missing

__all__ = ["weigh_remembered"]


def weigh_remembered(
    core: Core, subject: Subject, user: User, evidence: Sequence[Evidence], missing: Missing
) -> tuple[Assurance | Missing, Session | None]:
    """Weigh a password together with what this browser held before it was idle for too long.

    Args:
        core: what flows stand on.
        subject: whose proof it is, and from which browser.
        user: as the gate saw it.
        evidence: what was proven now.
        missing: what the gate asks for besides.

    Returns:
        the gate's word, and the session that the next one replaces; or what was missing.
    """
    if subject.device is None or not missing.authenticators:
        return missing, None
    # NIST SP 800-63B-4 5.2: what is known (or a biometric), together with the secret of the session that was idle.
    # The device's cookie is that secret: its hash stands beside the session's in the store, and in this browser alone.
    held = core.sessions.remembered(user, subject.device.id)
    if held is None or not any("knowledge" in each.factors for each in evidence):
        return missing, None
    bound = {each.id for each in subject.bound if each.confirmed_at is not None}
    granted = core.gate.admit(user, (*remembered(held.evidence, bound), *evidence), subject.bound)
    return (granted, held) if isinstance(granted, Assurance) else (missing, None)

"""From evidence to assurance: how sure is it, and is that enough?

NIST SP 800-63B-4 2.

The table, with nothing else anywhere deciding on levels:

==========================================  ==========================  ==========================
proof                                       factors                     alone
==========================================  ==========================  ==========================
password                                    knowledge                   AAL1
TOTP, SMS code, recovery code               possession                  AAL1, never the first step
passkey without user verification           possession                  AAL1
passkey with user verification              possession and another      AAL2, phishing-resistant
e-mail code                                 none                        nothing
==========================================  ==========================  ==========================
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from nightlatch.records import Evidence

__all__ = ["Level", "condensed", "level_of", "meets", "next_in_sequence", "remembered"]


class Level(msgspec.Struct, frozen=True, kw_only=True):
    """What a set of evidence amounts to."""

    aal: int
    """0 to 3; 0 signs nobody in."""
    amr: tuple[str, ...]
    """RFC 8176, sorted; ``mfa`` where more than one factor was proven."""
    phishing_resistant: bool
    """The evidence used was, not: an authenticator that is owned would be."""


def level_of(evidence: Sequence[Evidence]) -> Level:
    """Weigh evidence.

    Args:
        evidence: the proofs accepted so far, in any order.

    Returns:
        the level they reach together.
    """
    factors = {factor for each in evidence for factor in each.factors}
    amr = {value for each in evidence for value in each.amr}
    if len(factors) > 1:
        amr.add("mfa")
    counted = [each for each in evidence if each.factors]
    resistant = any(each.phishing_resistant for each in counted)
    return Level(aal=_aal(factors, counted), amr=tuple(sorted(amr)), phishing_resistant=resistant)


def _aal(factors: set[str], counted: Sequence[Evidence]) -> int:
    if not factors:
        return 0
    if len(factors) == 1:
        # Two things of one kind (two passwords, an app and a text message) are still one factor: NIST 2.2.
        return 1
    # AAL3 (NIST 2.3): hardware that verified its user, whose key cannot leave it, and which says so with a signature.
    if any(e.phishing_resistant and e.user_verified and e.backup_eligible is False and e.attested for e in counted):
        return 3
    return 2


def meets(
    evidence: Sequence[Evidence],
    *,
    aal: int = 1,
    max_age: timedelta | None = None,
    phishing_resistant: bool = False,
    now: datetime,
) -> bool:
    """Tell whether evidence is enough.

    Args:
        evidence: the proofs a session or attempt holds.
        aal: the level asked for.
        max_age: how old proofs may be. Met only if those within it reach the level by themselves.
        phishing_resistant: whether a proof that cannot be phished must be among them.
        now: the time.

    Returns:
        True if it is enough.
    """
    fresh = [each for each in evidence if max_age is None or now - each.verified_at <= max_age]
    level = level_of(fresh)
    return level.aal >= aal and (level.phishing_resistant or not phishing_resistant)


def condensed(evidence: Sequence[Evidence]) -> tuple[Evidence, ...]:
    """Drop what no decision needs: of each authenticator the first proof tells the order, the newest how fresh it is.

    Without this a session grew with every reauthentication, and with it what is read at every request.

    Args:
        evidence: proofs in the order they were accepted.

    Returns:
        at most two proofs of each authenticator, in that order.
    """
    seen = [(each.authenticator, each.authenticator_id) for each in evidence]
    return tuple(
        each for at, each in enumerate(evidence) if seen[at] not in seen[:at] or seen[at] not in seen[at + 1 :]
    )


def remembered(evidence: Sequence[Evidence], bound: Collection[UUID]) -> tuple[Evidence, ...]:
    """Return what a remembered browser still stands for, of what was proven in it.

    That something was held: nothing of who its user is or what they know, and no resistance to phishing, which only
    the ceremony itself has.

    Args:
        evidence: what its session holds.
        bound: the authenticators that its user has now; what is removed counts no longer (adversary 48).

    Returns:
        proofs of possession, as old as they are.
    """
    return tuple(
        msgspec.structs.replace(
            each, factors=("possession",), phishing_resistant=False, user_verified=False, attested=False
        )
        for each in evidence
        if "possession" in each.factors and each.authenticator_id in bound
    )


def next_in_sequence(evidence: Sequence[Evidence], sequence: Sequence[str]) -> str | None:
    """Tell what comes next where these authenticators must be proven in this order, others in between allowed.

    Args:
        evidence: proofs in the order they were accepted.
        sequence: kinds of authenticators: ``("password", "totp", "passkey")``.

    Returns:
        the first that is not proven in its turn; None if all are.
    """
    kinds = iter(each.authenticator for each in evidence)
    return next((wanted for wanted in sequence if wanted not in kinds), None)

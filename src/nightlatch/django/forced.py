"""Under Django's test runner alone: what ``force_login`` stands on. A real session, of a proof nobody gave."""

from __future__ import annotations

from typing import Any

from nightlatch.auth import Nightlatch as Core
from nightlatch.django.configuration import under_test_runner
from nightlatch.django.installation import installation
from nightlatch.django.users import record_of
from nightlatch.errors import ConfigurationError, InvalidCredentials
from nightlatch.primitives.assurance import next_in_sequence
from nightlatch.records import Evidence, User
from nightlatch.services.gate import Assurance

__all__ = ["assurance_for"]

_MOST_PROOFS = 8
"""Longer sequences than any policy has."""


def assurance_for(user: Any) -> Assurance:
    """Return the gate's word for a user whom a test puts in, however much their policy asks for.

    Raises:
        ConfigurationError: this is no test run, or the user is in no table of ours.
        InvalidCredentials: the user is suspended.
    """
    if not under_test_runner():
        raise ConfigurationError("force_login is for tests")
    core = installation().core
    record = record_of(user)
    if record is None:
        raise ConfigurationError(f"{user!r} has no row in Nightlatch's table: make users with create_user()")
    granted = core.gate.admit(record, _enough(core, record), ())
    if not isinstance(granted, Assurance):
        raise InvalidCredentials("policy asks for what no test gives")
    return granted


def _enough(core: Core, user: User) -> tuple[Evidence, ...]:
    """Return what policy asks of a user, proof by proof."""
    evidence: tuple[Evidence, ...] = (_proof(core, "password", "knowledge"),)
    for _ in range(_MOST_PROOFS):
        asked = core.gate.unmet(user, evidence)
        if asked is None:
            break
        evidence += (_proof(core, next_in_sequence(evidence, asked.sequence) or "totp", "possession"),)
    return evidence


def _proof(core: Core, kind: str, factor: str) -> Evidence:
    amr = ("pwd",) if kind == "password" else ("otp",)
    return Evidence(authenticator=kind, authenticator_id=None, factors=(factor,), amr=amr, verified_at=core.clock.now())

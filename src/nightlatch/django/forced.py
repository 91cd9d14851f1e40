"""Under Django's test runner alone: what ``force_login`` stands on. A real session, of a proof nobody gave."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from nightlatch.django.configuration import under_test_runner
from nightlatch.django.installation import installation
from nightlatch.django.users import record_of
from nightlatch.errors import ConfigurationError, InvalidCredentials
from nightlatch.records import Evidence
from nightlatch.services.gate import Assurance
from nightlatch.settings import Requirement

__all__ = ["assurance_for"]


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
    granted = core.gate.admit(record, _enough(core.gate.requirement(record.roles), core.clock.now()), ())
    if not isinstance(granted, Assurance):
        raise InvalidCredentials("policy asks for what no test gives")
    return granted


def _enough(asked: Requirement, now: datetime) -> tuple[Evidence, ...]:
    factors = ("knowledge",) if asked.aal == 1 else ("knowledge", "possession")
    kinds = asked.sequence or ("password",)
    return tuple(
        Evidence(authenticator=kind, authenticator_id=None, factors=factors, amr=("pwd",), verified_at=now)
        for kind in kinds
    )

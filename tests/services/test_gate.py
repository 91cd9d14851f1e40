"""The one gate: who needs what, and nothing gets by."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from nightlatch.errors import ConfigurationError, InvalidCredentials
from nightlatch.primitives.assurance import condensed, level_of, meets, next_in_sequence
from nightlatch.primitives.ids import uuid7
from nightlatch.records import Authenticator, Evidence, User
from nightlatch.services.gate import Assurance, Gate, Missing
from nightlatch.settings import Policy, Requirement

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
FACTORS = {
    "password": ("knowledge",),
    "email_code": (),
    "totp": ("possession",),
    "passkey": ("possession", "knowledge"),
}


def proof(kind: str, *factors: str, **more: Any) -> Evidence:
    """Return accepted evidence."""
    return Evidence(
        authenticator=kind, authenticator_id=uuid7(NOW), factors=factors, amr=(kind,), **{"verified_at": NOW, **more}
    )


PASSWORD = proof("password", "knowledge")
EMAIL = proof("email_code")
TOTP = proof("totp", "possession")
BLIND_PASSKEY = proof("passkey", "possession", phishing_resistant=True)
PASSKEY = proof("passkey", "possession", "knowledge", phishing_resistant=True, user_verified=True)
HARDWARE = proof(
    "passkey",
    "possession",
    "inherence",
    phishing_resistant=True,
    user_verified=True,
    backup_eligible=False,
    attested=True,
)


@pytest.mark.parametrize(
    ("evidence", "aal"),
    [
        ((), 0),
        ((EMAIL,), 0),
        ((EMAIL, EMAIL), 0),
        ((PASSWORD,), 1),
        ((PASSWORD, EMAIL), 1),
        ((PASSWORD, PASSWORD), 1),
        ((TOTP, BLIND_PASSKEY), 1),
        ((BLIND_PASSKEY,), 1),
        ((PASSWORD, TOTP), 2),
        ((PASSWORD, BLIND_PASSKEY), 2),
        ((PASSKEY,), 2),
        ((HARDWARE,), 3),
    ],
)
def test_what_evidence_amounts_to(evidence: tuple[Evidence, ...], aal: int) -> None:
    """NIST SP 800-63B-4 2: two different factors are AAL2; mail is none (ASVS 6.3.6)."""
    assert level_of(evidence).aal == aal


def test_freshness_is_of_what_reaches_the_level() -> None:
    """An old second factor does not freshen up by a new first one."""
    old = proof("totp", "possession", verified_at=NOW - timedelta(hours=2))
    assert meets((old, PASSWORD), aal=2, now=NOW)
    assert not meets((old, PASSWORD), aal=2, max_age=timedelta(minutes=5), now=NOW)
    assert meets((old, PASSWORD), aal=1, max_age=timedelta(minutes=5), now=NOW)
    assert not meets((PASSWORD, TOTP), phishing_resistant=True, now=NOW)
    assert meets((PASSKEY,), phishing_resistant=True, now=NOW)


def test_a_sequence_is_proven_in_its_order() -> None:
    """Others may stand between; none may be missing."""
    assert next_in_sequence((PASSWORD, EMAIL, TOTP), ("password", "totp")) is None
    assert next_in_sequence((TOTP, PASSWORD), ("password", "totp")) == "totp"
    assert next_in_sequence((TOTP,), ("password", "totp")) == "password"
    assert next_in_sequence((), ()) is None


def test_what_no_decision_needs_is_dropped() -> None:
    """Of each authenticator the first proof and the newest stay, in their order."""
    proofs = [msgspec.structs.replace(PASSWORD, verified_at=NOW + timedelta(minutes=turn)) for turn in range(4)]
    kept = condensed((proofs[0], EMAIL, TOTP, *proofs[1:]))
    assert kept == (proofs[0], EMAIL, TOTP, proofs[3])
    assert condensed(kept) == kept
    assert condensed(()) == ()


def user(**fields: Any) -> User:
    """Return a user."""
    return User(**{"id": uuid7(NOW), "created_at": NOW, "updated_at": NOW, **fields})


def bound(kind: str, evidence: Evidence | None = None, **fields: Any) -> Authenticator:
    """Return an authenticator that a user has."""
    return Authenticator(
        **{
            "id": evidence.authenticator_id if evidence else uuid7(NOW),
            "user_id": uuid7(NOW),
            "kind": kind,
            "created_at": NOW,
            "confirmed_at": NOW,
            **fields,
        }
    )


def test_only_the_gate_makes_an_assurance() -> None:
    """Built by hand it is a TypeError."""
    with pytest.raises(TypeError):
        Assurance(object(), user=user(), evidence=(PASSWORD,), level=level_of((PASSWORD,)), at=NOW)


def test_enough_or_what_would_help() -> None:
    """A password is enough for AAL1; for AAL2 what the user has is asked for, or enrolment of what would help."""
    gate = Gate(Policy(by_role={"admin": Requirement(aal=2)}), FACTORS, enrolled=("totp", "passkey"))
    password = bound("password", PASSWORD)
    assert isinstance(gate.admit(user(), (PASSWORD,), (password,)), Assurance)
    admin = user(roles=("admin", "editor"))
    assert gate.admit(admin, (PASSWORD,), (password, bound("totp"))) == Missing(authenticators=("totp",))
    missing = gate.admit(admin, (PASSWORD,), (password,))
    assert isinstance(missing, Missing)
    assert missing.enrol == ("totp", "passkey")
    assert isinstance(gate.admit(admin, (PASSWORD, TOTP), (password, bound("totp", TOTP))), Assurance)


def test_unconfirmed_authenticators_count_for_nothing() -> None:
    """046: an unfinished enrolment neither helps nor locks out."""
    gate = Gate(Policy(everyone=Requirement(aal=2)), FACTORS)
    missing = gate.admit(user(), (PASSWORD,), (bound("password", PASSWORD), bound("totp", confirmed_at=None)))
    assert isinstance(missing, Missing)
    assert missing.authenticators == ()


def test_an_explicit_sequence() -> None:
    """Password, then a code, then a passkey: three factors when someone wants three."""
    wanted = ("password", "totp", "passkey")
    gate = Gate(Policy(everyone=Requirement(sequence=wanted)), FACTORS)
    mine = (bound("password", PASSWORD), bound("totp"), bound("passkey"))
    assert gate.admit(user(), (PASSWORD,), mine) == Missing(authenticators=("totp",))
    assert gate.admit(user(), (PASSWORD, TOTP), mine) == Missing(authenticators=("passkey",))
    assert isinstance(gate.admit(user(), (PASSWORD, TOTP, PASSKEY), mine), Assurance)
    assert gate.admit(user(), (PASSKEY, TOTP, PASSWORD), mine) == Missing(authenticators=("totp",))


def test_every_requirement_that_applies_is_met() -> None:
    """No role's sequence stands in for another's, nor for the level that everybody needs."""
    by_role = {"editor": Requirement(sequence=("password", "totp")), "admin": Requirement(sequence=("passkey",))}
    gate = Gate(Policy(by_role=by_role), FACTORS)
    mine = (bound("password", PASSWORD), bound("totp", TOTP), bound("passkey", PASSKEY))
    both = user(roles=("admin", "editor"))
    assert gate.admit(both, (PASSWORD, TOTP), mine) == Missing(authenticators=("passkey",))
    assert gate.admit(both, (PASSKEY,), mine) == Missing(authenticators=("password",))
    assert isinstance(gate.admit(both, (PASSWORD, TOTP, PASSKEY), mine), Assurance)
    strict = Gate(Policy(everyone=Requirement(aal=2), by_role={"editor": Requirement(sequence=("password",))}), FACTORS)
    assert strict.admit(user(roles=("editor",)), (PASSWORD,), mine) == Missing(authenticators=("totp", "passkey"))


def test_a_short_password_never_stands_alone() -> None:
    """8 characters beside a second factor; alone it must be set anew. One that must change, always."""
    gate = Gate(Policy(), FACTORS)
    short = bound("password", PASSWORD, stands_alone=False)
    assert gate.admit(user(), (PASSWORD,), (short,)) == Missing(set=("password",))
    assert isinstance(gate.admit(user(), (PASSWORD, TOTP), (short, bound("totp", TOTP))), Assurance)
    lost = bound("password", PASSWORD, must_change=True)
    assert gate.admit(user(), (PASSWORD, TOTP), (lost, bound("totp", TOTP))) == Missing(set=("password",))


@pytest.mark.parametrize("status", ["suspended", "closing"])
def test_who_is_not_active_is_refused_like_a_wrong_proof(status: str) -> None:
    """ASVS 6.3.8: whatever was proven."""
    with pytest.raises(InvalidCredentials):
        Gate(Policy(), FACTORS).admit(user(status=status), (HARDWARE,), ())


@pytest.mark.parametrize(
    ("requirement", "factors"),
    [
        (Requirement(aal=3), FACTORS),
        (Requirement(aal=2), {"password": ("knowledge",), "email_code": ()}),
        (Requirement(sequence=("password", "retina")), FACTORS),
    ],
)
def test_a_policy_that_nobody_could_meet_does_not_start(requirement: Requirement, factors: dict[str, Any]) -> None:
    """It would lock everyone out."""
    with pytest.raises(ConfigurationError):
        Gate(Policy(by_role={"x": requirement}), factors)

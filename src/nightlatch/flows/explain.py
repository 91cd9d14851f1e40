"""Explain to an operator why somebody does not get in: what stands in the way now, what was refused, what would pass.

Nothing is tried, spent or written. What would pass is asked of the gate itself, on proofs that nobody gave.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from nightlatch.authenticators.password import Password
from nightlatch.authenticators.tries import MOST_FAILURES
from nightlatch.flows.core import Core
from nightlatch.flows.explain_words import FAILED_STATUS, rule_of
from nightlatch.ports import any_of
from nightlatch.records import Authenticator, Device, Event, Evidence, Identifier, User
from nightlatch.services.client import Client
from nightlatch.services.event_proofs import order_of
from nightlatch.services.gate import Assurance
from nightlatch.services.throttle import Charge

__all__ = ["Block", "Explain", "Explanation", "Refused"]

_FAILURE = "authn_login_fail"


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """Something that stands in the way now.

    Args:
        rule: which, in words.
        remedy: what would lift it.
        until: when it ends by itself; None: it does not.
    """

    rule: str
    remedy: str
    until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """A sign-in that was refused.

    Args:
        at: when.
        ip: from where.
        user_agent: by what browser.
        reason: as the audit log has it.
        rule: what that means.
        remedy: what would have passed.
    """

    at: datetime
    ip: str | None
    user_agent: str | None
    reason: str
    rule: str
    remedy: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """What there is to know of an identifier.

    Args:
        user: whom it leads to; None: nobody.
        blocks: what stands in the way now.
        ways: what would pass once nothing does: each the steps of one way in.
        refused: the last refusals, newest first.
    """

    user: User | None
    blocks: tuple[Block, ...]
    ways: tuple[tuple[str, ...], ...]
    refused: tuple[Refused, ...]


class Explain:
    """Look at a user, or at an identifier that belongs to nobody.

    Args:
        core: what flows stand on.
    """

    def __init__(self, core: Core) -> None:
        self._core = core

    def sign_in(self, identifier: str, *, limit: int = 10) -> Explanation:
        """Explain why the last sign-ins under an identifier were refused, and what would pass.

        Args:
            identifier: an address or a user name as it would be typed at sign-in, or a user's id.
            limit: how many refusals to look at.
        """
        core = self._core
        user = self._user(identifier)
        claim = core.users.claim(identifier)
        key = core.claimed(claim, identifier)
        failures = self._failures(user, key, limit)
        keys = [key] if user is None else self._keys(user)
        spent = tuple(self._spent(keys, failures))
        if user is None:
            nobody = Block(
                rule="nobody has this identifier, proven", remedy="another spelling, sign-up or an invitation"
            )
            return Explanation(user=None, blocks=(nobody, *spent), ways=(), refused=self._told(failures))
        bound = [each for each in core.users.authenticators(user.id) if each.confirmed_at is not None]
        blocks = (*self._of_user(user, bound), *self._of_authenticators(bound), *spent, *self._of_devices(user))
        return Explanation(user=user, blocks=blocks, ways=self._ways(user, bound), refused=self._told(failures))

    def _user(self, identifier: str) -> User | None:
        try:
            return self._core.store.get(User, UUID(identifier))
        except ValueError:
            claim = self._core.users.claim(identifier)
            return self._core.users.find(claim.kind, claim.key) if claim else None

    def _keys(self, user: User) -> list[str]:
        """Return what guesses at a user are counted under: each identifier, and the user at later steps."""
        rows = self._core.store.find(Identifier, {"user_id": user.id}, order_by="created_at")
        return [*(f"{row.kind}:{row.key}" for row in rows), f"user:{user.id}"]

    # --- what was refused -------------------------------------------------------------------------------------------

    def _failures(self, user: User | None, key: str, limit: int) -> list[Event]:
        hashes = tuple(self._core.audit.identifier_hashes("sign_in", key))
        whose = {"user_id": user.id} if user else {"user_id": None, "identifier_hash": any_of(hashes)}
        found = self._core.store.find(Event, {"action": _FAILURE, **whose}, order_by="-at", limit=limit)
        return sorted(found, key=order_of, reverse=True)

    def _told(self, failures: Sequence[Event]) -> tuple[Refused, ...]:
        told = []
        for event in failures:
            rule, remedy = rule_of(event.reason or "")
            told.append(
                Refused(
                    at=event.at,
                    ip=event.ip,
                    user_agent=event.user_agent,
                    reason=event.reason or "",
                    rule=rule,
                    remedy=remedy,
                )
            )
        return tuple(told)

    # --- what stands in the way -------------------------------------------------------------------------------------

    def _of_user(self, user: User, bound: Sequence[Authenticator]) -> Iterator[Block]:
        if user.status != "active":
            rule, remedy = FAILED_STATUS[user.status]
            yield Block(rule=rule, remedy=remedy)
        if not self._firsts(bound):
            yield Block(rule="nothing to begin a sign-in with: no password", remedy="recovery, which sets one")

    def _of_authenticators(self, bound: Sequence[Authenticator]) -> Iterator[Block]:
        now = self._core.clock.now()
        for each in bound:
            if each.failures >= MOST_FAILURES:
                yield Block(
                    rule=f"{each.kind}: {each.failures} failures in a row; refused from unknown devices, even if right",
                    remedy="a known device, recovery, or users restore",
                )
            elif each.retry_at is not None and each.retry_at > now:
                yield Block(
                    rule=f"{each.kind}: {each.failures} failures in a row; a growing delay for unknown devices",
                    remedy="waiting, or a known device",
                    until=each.retry_at,
                )

    def _spent(self, keys: Sequence[str], failures: Sequence[Event]) -> Iterator[Block]:
        """Yield the budgets that are used up: of the identifiers, and of the networks that were refused."""
        places = list(dict.fromkeys(event.ip for event in failures))
        clients = [Client(ip=ip) for ip in places] or [Client()]
        charges = {
            charge.key: charge
            for client in clients
            for key in keys
            for charge in self._core.charges("sign_in", client, key, None)
        }
        for charge in charges.values():
            yield from self._budget(charge, charge.key.removeprefix("sign_in:"))

    def _of_devices(self, user: User) -> Iterator[Block]:
        for device in self._core.store.find(Device, {"user_id": user.id}, order_by="-last_seen_at", limit=10):
            charge = Charge(self._core.settings.throttle.sign_in_per_device, f"sign_in:device:{device.id}")
            yield from self._budget(charge, f"known device, {device.user_agent or 'unnamed'}")

    def _budget(self, charge: Charge, what: str) -> Iterator[Block]:
        until = self._core.throttle.used_up_until(charge)
        if until is not None:
            budget = charge.budget
            minutes = int(budget.per.total_seconds() // 60)
            rule = f"too many tries: {budget.limit} in {minutes} minutes are used up for {what}"
            yield Block(rule=rule, remedy="waiting, or a known device", until=until)

    # --- what would pass --------------------------------------------------------------------------------------------

    def _firsts(self, bound: Sequence[Authenticator]) -> list[Authenticator]:
        methods = self._core.methods
        return [
            each
            for each in bound
            if each.kind == Password.kind or (each.kind in methods and methods[each.kind].phishing_resistant)
        ]

    def _ways(self, user: User, bound: Sequence[Authenticator]) -> tuple[tuple[str, ...], ...]:
        if user.status != "active":
            return ()
        return tuple(dict.fromkeys(self._way(user, bound, first) for first in self._firsts(bound)))

    def _way(self, user: User, bound: Sequence[Authenticator], first: Authenticator) -> tuple[str, ...]:
        """Return the steps that lead in from a first proof, as the gate decides them."""
        evidence, steps = [self._supposed(first)], [first.kind]
        for _ in self._core.methods:
            found = self._core.gate.admit(user, evidence, bound)
            if isinstance(found, Assurance):
                break
            if found.set:
                steps.append("set a new password")
            if found.enrol:
                steps.append(f"bind one of: {', '.join(found.enrol)}")
            if not found.authenticators:
                break
            steps.append(" or ".join(found.authenticators))
            evidence.append(self._supposed(next(each for each in bound if each.kind == found.authenticators[0])))
        return tuple(steps)

    def _supposed(self, authenticator: Authenticator) -> Evidence:
        method = self._core.methods[authenticator.kind]
        return Evidence(
            authenticator=method.kind,
            authenticator_id=authenticator.id,
            factors=method.factors,
            phishing_resistant=method.phishing_resistant,
            verified_at=self._core.clock.now(),
        )

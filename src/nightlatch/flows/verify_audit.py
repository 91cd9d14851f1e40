"""Verify the audit log: each event is as it was written, none is gone, and no seal is another than it was."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from nightlatch.flows.audit_trail import AuditTrail
from nightlatch.flows.core import Core
from nightlatch.ports import after
from nightlatch.primitives.keyring import SealBroken
from nightlatch.primitives.merkle import HASH_LENGTH, root_of, split_leaves
from nightlatch.primitives.seal_statements import FIRST, SealKeys, line_of, next_hash, signature_holds
from nightlatch.records import Event, Seal
from nightlatch.services.event_proofs import EventProofs, order_of
from nightlatch.services.seals import drop_text

__all__ = ["Verdict", "VerifyAudit"]

_PAGE = 200
_MOST_TOLD = 1000


@dataclass(slots=True, kw_only=True)
class Verdict:
    """What `VerifyAudit` found.

    Args:
        key: the public key that signs seals now, as hexadecimal digits.
        seals: how many there are.
        sealed: how many events they cover that are there.
        erased: how many of these were emptied of what is personal.
        dropped: how many retention let go.
        adopted: how many were written before there were MACs, and given one when the first seals were made.
        unchecked: how many bear a MAC under a secret key that is not here; their seals were verified all the same.
        unsealed: how many no seal covers yet: of these only the MAC is proven, and not that none is gone.
        unsealed_since: when the earliest of them was written.
        compared: how many outside copies of seals were compared.
        failures: what does not hold, in words.
    """

    key: str
    seals: int = 0
    sealed: int = 0
    erased: int = 0
    dropped: int = 0
    adopted: int = 0
    unchecked: int = 0
    unsealed: int = 0
    unsealed_since: datetime | None = None
    compared: int = 0
    failures: list[str] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        """Whether nothing failed."""
        return not self.failures

    def fail(self, words: str) -> None:
        """Note a failure; past a thousand they say no more."""
        if len(self.failures) < _MOST_TOLD:
            self.failures.append(words)


class VerifyAudit:
    """Look at every seal and every event.

    Args:
        core: what flows stand on.
    """

    def __init__(self, core: Core) -> None:
        self._store = core.store
        self._keyring = core.keyring
        self._keys = SealKeys(core.keyring)
        self._proofs = EventProofs(core.keyring)
        self._trail = AuditTrail(core)

    def run(self, *, roots: Iterable[str] = (), keys: Iterable[str] = ()) -> Verdict:
        """Verify all of it.

        Args:
            roots: outside copies of seals, one JSON object each, as they were emitted.
            keys: public keys that signed before, as hexadecimal digits, where their secret key is no longer here.

        Returns:
            what was found; nothing raises for a log that does not hold.
        """
        ours = [key.hex() for key in self._keys.public()]
        trusted = {*ours, *(key.strip().lower() for key in keys)}
        verdict = Verdict(key=ours[0])
        copies = _copies(roots, verdict)
        ids: set[UUID] = set()
        last: Seal | None = None
        for seal in self._seals():
            self._chain(seal, last, trusted, verdict)
            self._compare(seal, copies.pop(seal.number, None), verdict)
            self._tree(seal, verdict)
            ids.add(seal.id)
            last = seal
        verdict.seals = len(ids)
        for number in sorted(copies):
            verdict.fail(f"seal {number}: an outside copy tells of it, and it is gone")
        self._rest(ids, verdict)
        return verdict

    def _seals(self) -> Iterator[Seal]:
        seen = -(2**62)
        while rows := self._store.find(Seal, {"number": after(seen)}, order_by="number", limit=_PAGE):
            seen = rows[-1].number
            yield from rows

    # --- one seal ---------------------------------------------------------------------------------------------------

    def _chain(self, seal: Seal, last: Seal | None, trusted: set[str], verdict: Verdict) -> None:
        """Verify a seal's place after the one before it, and who signed it."""
        expected, previous = (last.number + 1, next_hash(last)) if last else (1, FIRST)
        if seal.number != expected:
            gone = f"{expected}" if seal.number == expected + 1 else f"{expected} to {seal.number - 1}"
            verdict.fail(f"seal {seal.number}: before it, {gone} is gone")
        elif seal.previous_hash != previous:
            verdict.fail(f"seal {seal.number}: it does not follow from the seal before it as that is now")
        if not signature_holds(seal):
            verdict.fail(f"seal {seal.number}: its signature does not hold")
        elif seal.public_key.hex() not in trusted:
            verdict.fail(
                f"seal {seal.number}: signed by {seal.public_key.hex()}, which is no key of this installation"
                " (if it was one under an earlier secret key: --key)"
            )

    def _compare(self, seal: Seal, copy: str | None, verdict: Verdict) -> None:
        if copy is None:
            return
        verdict.compared += 1
        if json.loads(copy) != json.loads(line_of(seal)):
            verdict.fail(f"seal {seal.number}: an outside copy says otherwise")

    def _tree(self, seal: Seal, verdict: Verdict) -> None:
        """Verify that a seal's events are all there, and those that it gathered."""
        events = sorted(self._store.find(Event, {"seal_id": seal.id}), key=order_of)
        if len(events) < seal.size:
            seal = self._store.get(Seal, seal.id) or seal  # retention may be at work meanwhile
        if seal.dropped_at is not None:
            self._dropped(seal, events, verdict)
            return
        leaves = split_leaves(seal.leaves or b"")
        if len(leaves) != seal.size or any(len(leaf) != HASH_LENGTH for leaf in leaves):
            verdict.fail(f"seal {seal.number}: its leaves are not the {seal.size} that it gathered")
        elif root_of(leaves) != seal.root_hash:
            verdict.fail(f"seal {seal.number}: its leaves do not lead to its root")
        places = {leaf: place for place, leaf in enumerate(leaves)}
        for event in events:
            self._event(event, verdict)
            verdict.adopted += self._proofs.adopted(event)
            if places.pop(self._proofs.leaf(event), None) is None:
                verdict.fail(f"event {event.id}: it is not as seal {seal.number} gathered it, or was added to it")
        verdict.sealed += len(events)
        if len(events) < seal.size:
            where = ", ".join(str(place + 1) for place in sorted(places.values())[:20])
            verdict.fail(
                f"seal {seal.number}: {seal.size - len(events)} of {seal.size} events are gone (place {where})"
            )

    def _dropped(self, seal: Seal, events: list[Event], verdict: Verdict) -> None:
        try:
            said = drop_text(seal, seal.dropped_at or seal.created_at)
            self._keyring.verify_named_mac("audit retention", seal.drop_mac or b"", *said)
        except SealBroken:
            verdict.fail(f"seal {seal.number}: its {seal.size} events are gone, and not by retention")
            return
        verdict.dropped += seal.size
        for event in events:
            verdict.fail(f"event {event.id}: it was added to seal {seal.number}, whose events retention dropped")

    # --- one event --------------------------------------------------------------------------------------------------

    def _event(self, event: Event, verdict: Verdict) -> None:
        verdict.erased += event.salt is None and event.personal_hash is not None
        verdict.unchecked += self._proofs.unchecked(event)
        for fault in self._proofs.faults(event):
            verdict.fail(f"event {event.id}: {fault}")

    def _rest(self, ids: set[UUID], verdict: Verdict) -> None:
        """Look at the events that no seal covers."""
        for event in self._trail.every():
            if event.seal_id is None or (event.seal_id not in ids and self._store.get(Seal, event.seal_id)):
                verdict.unsealed += 1
                verdict.unsealed_since = verdict.unsealed_since or event.at
                if event.mac is None and not ids:
                    continue  # from before there were MACs: the first seals will give it one
                self._event(event, verdict)
                if self._proofs.unchecked(event):
                    verdict.fail(f"event {event.id}: neither a seal nor a MAC under a key that is here covers it")
            elif event.seal_id not in ids:
                verdict.fail(f"event {event.id}: its seal is gone")


def _copies(roots: Iterable[str], verdict: Verdict) -> dict[int, str]:
    """Return outside copies by the number of their seal; two that differ are a failure by themselves."""
    found: dict[int, str] = {}
    for line in roots:
        if not line.strip():
            continue
        number = _number(line)
        if number is None:
            verdict.fail(f"an outside copy is no seal: {line.strip()[:60]!r}")
        elif found.setdefault(number, line) != line:
            verdict.fail(f"seal {number}: two outside copies differ")
    return found


def _number(line: str) -> int | None:
    try:
        facts: Any = json.loads(line)
    except ValueError:
        return None
    number = facts.get("seal") if isinstance(facts, dict) else None
    return number if type(number) is int else None

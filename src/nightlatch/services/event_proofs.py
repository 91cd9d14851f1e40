"""What proves one event: a digest that stands for what is personal, a keyed MAC, and the leaf that a seal gathers.

What is personal (address, browser, request, hash of what was typed) goes in as a digest under a salt of the event's
own. To erase it, fields and salt are emptied: MAC, leaf and root hold as before, and the digest tells nothing.
"""

from __future__ import annotations

import hashlib
import os

import msgspec

from nightlatch.primitives.keyring import KeyGone, Keyring, SealBroken
from nightlatch.primitives.merkle import leaf_hash
from nightlatch.records import Event

__all__ = ["PERSONAL", "EventProofs", "order_of"]

PERSONAL = ("ip", "user_agent", "request_id", "identifier_hash")
"""The fields of an event that are erased with the user."""

_FRAMED = ("action", "outcome", "reason", "user_id", "actor_id", "session_id", "attempt_id", "details", "number")
_SALT_LENGTH = 16
_GATHERED = 8
"""The version of a gathered event's id: its count goes on rising for a minute, so that no MAC can hold it."""

_WRITTEN, _ADOPTED = "audit events", "audit events adopted"


def order_of(event: Event) -> tuple[object, ...]:
    """Return what events are ordered by: their moment, and their number within it."""
    return event.at, event.number or 0, event.id


class EventProofs:
    """Make and verify them.

    Args:
        keyring: holds the key of the MACs.
    """

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring

    def marked(self, event: Event, *, adopted: bool = False) -> Event:
        """Return an event with its salt, digest and MAC.

        Args:
            event: as it will be written; nothing of it may change afterwards but the count of a gathered one.
            adopted: it was written long ago, by what made no MACs yet.
        """
        salt = os.urandom(_SALT_LENGTH)
        event = msgspec.structs.replace(event, salt=salt, personal_hash=_personal(event, salt))
        purpose = _ADOPTED if adopted else _WRITTEN
        return msgspec.structs.replace(event, mac=self._keyring.named_mac(purpose, *_parts(event)))

    def leaf(self, event: Event) -> bytes:
        """Return the hash that stands for an event in its seal."""
        parts = (*_parts(event), str(event.count), (event.mac or b"").hex())
        return leaf_hash(b"".join(len(raw).to_bytes(8, "big") + raw for raw in (part.encode() for part in parts)))

    def faults(self, event: Event) -> list[str]:
        """Return what does not hold of an event, in words; nothing where all of it does."""
        found = [each for each in (_personal_fault(event),) if each]
        try:
            self._verify(event, _WRITTEN)
        except SealBroken as fault:
            if isinstance(fault, KeyGone) or self.adopted(event):
                return found
            found.append("its MAC does not hold: something of it was changed, or it was written by somebody else")
        return found

    def adopted(self, event: Event) -> bool:
        """Tell whether an event was given its MAC after it was written, because it had none."""
        return self._holds(event, _ADOPTED)

    def unchecked(self, event: Event) -> bool:
        """Tell whether an event's MAC is under a secret key that is not here."""
        try:
            self._verify(event, _WRITTEN)
        except KeyGone:
            return event.mac is not None
        except SealBroken:
            return False
        return False

    def _holds(self, event: Event, purpose: str) -> bool:
        try:
            self._verify(event, purpose)
        except SealBroken:
            return False
        return True

    def _verify(self, event: Event, purpose: str) -> None:
        if event.mac is None:
            raise SealBroken("no MAC")
        self._keyring.verify_named_mac(purpose, event.mac, *_parts(event))


def _personal_fault(event: Event) -> str | None:
    if event.personal_hash is None:
        return "it has no digest of what is personal"
    if event.salt is None:
        erased = all(getattr(event, name) is None for name in PERSONAL)
        return None if erased else "it says something personal that was erased, or never there"
    if event.personal_hash != _personal(event, event.salt):
        return f"one of {', '.join(PERSONAL)} was changed"
    return None


def _personal(event: Event, salt: bytes) -> bytes:
    texts = (event.ip, event.user_agent, event.request_id, event.identifier_hash and event.identifier_hash.hex())
    return hashlib.sha256(salt + msgspec.json.encode(texts)).digest()


def _parts(event: Event) -> list[str]:
    parts = [str(event.id), event.at.isoformat()]
    for name in _FRAMED:
        value = getattr(event, name)
        parts.append("" if value is None else f"={value}")  # nothing is not the empty text
    parts.append(event.personal_hash.hex() if event.personal_hash else "")
    parts.append("gathered" if event.id.version == _GATHERED else str(event.count))
    return parts

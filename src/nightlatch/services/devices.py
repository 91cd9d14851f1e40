"""Remembered devices: a browser that has signed in before as this user. It buys throttle budget, never evidence."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from nightlatch.ports import Clock, Store, after, before, plus
from nightlatch.primitives.ids import uuid7
from nightlatch.primitives.opaque import Kind, MalformedToken, issue, parse, secret_hash, verify
from nightlatch.primitives.secret import Secret
from nightlatch.records import Device
from nightlatch.services.client import Client

__all__ = ["DEVICE_LIFE", "Devices"]

DEVICE_LIFE = timedelta(days=400)
"""What browsers keep a cookie for at the most (RFC 6265bis 5.5)."""

_FORGET_AFTER = 10


class Devices:
    """Remember, recognise and forget devices.

    Args:
        store: where they are.
        clock: tells the time.
    """

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def known(self, client: Client, user_id: UUID | None) -> Device | None:
        """Return the device of this client if it is remembered for this very user; else None, whatever the cause."""
        if client.device is None:
            return None
        try:
            presented = parse(Kind.DEVICE, client.device.reveal())
            found = self._store.find(Device, {"selector": presented.selector}, limit=1)
            if not found:
                return None
            verify(presented, found[0].secret_hash)
        except MalformedToken:
            return None
        device = found[0]
        # A pair of device and user: having signed in as oneself buys nothing against others (design, section 3).
        return device if device.user_id == user_id and device.expires_at > self._clock.now() else None

    def count_try(self, device: Device) -> bool:
        """Count a try before it is verified, in the open transaction; False once there were ten in a row."""
        guard = {"id": device.id, "failures": before(_FORGET_AFTER)}
        return bool(self._store.update(Device, guard, {"failures": plus(1)}))

    def refused(self, device: Device | None) -> None:
        """Forget a device at its tenth failure in a row, in the transaction that writes the audit entry."""
        if device is not None:
            self._store.delete(Device, {"id": device.id, "failures": after(_FORGET_AFTER - 1)})

    def uncount(self, device: Device) -> None:
        """Take a try back that was counted: it was never verified."""
        self._store.update(Device, {"id": device.id, "failures": after(0)}, {"failures": plus(-1)})

    def welcome(self, user_id: UUID, client: Client, known: Device | None) -> tuple[UUID, Secret | None]:
        """Remember the device that a session is being started on, in the transaction that is open.

        Returns:
            its id, and the value for its cookie where it is new.
        """
        now = self._clock.now()
        if known is not None:
            changes = {"failures": 0, "last_seen_at": now}
            if self._store.update(Device, {"id": known.id, "user_id": user_id}, changes):
                return known.id, None
        token = issue(Kind.DEVICE)
        device = Device(
            id=uuid7(now),
            selector=token.selector,
            secret_hash=secret_hash(token),
            user_id=user_id,
            user_agent=client.user_agent,
            created_at=now,
            last_seen_at=now,
            expires_at=now + DEVICE_LIFE,
        )
        self._store.insert(device)
        return device.id, Secret(token.text())

    def forget_others(self, user_id: UUID, *, keep: UUID | None) -> None:
        """Forget every device of a user but one, in the transaction that is open ("sign out everywhere")."""
        for each in self._store.find(Device, {"user_id": user_id}):
            if each.id != keep:
                self._store.delete(Device, {"id": each.id, "user_id": user_id})

    def sweep(self, limit: int = 500) -> int:
        """Delete expired ones, in a small batch."""
        old = self._store.find(Device, {"expires_at": before(self._clock.now())}, order_by="expires_at", limit=limit)
        return sum(self._store.delete(Device, {"id": each.id}) for each in old)

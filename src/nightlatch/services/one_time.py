"""Codes and links that are good once: issued with a message, redeemed by one guarded update.

The probabilities that follow: a mailed code has 8 digits and 5 tries, an attempt at most 3 codes alive, so an attempt
guesses one of them with 3 x 5 / 10^8 at the very most; 20 failures a day for a destination bound what further
attempts add (docs/threat-model.md).
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal
from uuid import UUID

from nightlatch.errors import InvalidCode, LinkInvalid
from nightlatch.ports import Clock, Store, after, before, plus
from nightlatch.primitives.codes import MalformedCode, new_code, normalise_code
from nightlatch.primitives.ids import uuid7
from nightlatch.primitives.keyring import Keyring
from nightlatch.primitives.opaque import Kind, MalformedToken, issue, parse, secret_hash, verify
from nightlatch.primitives.secret import Secret
from nightlatch.records import Attempt, OneTimeSecret

__all__ = ["EMAIL_CODE_DIGITS", "SMS_CODE_DIGITS", "Issued", "OneTimeSecrets"]

EMAIL_CODE_DIGITS = 8
SMS_CODE_DIGITS = 6
"""Only ever after another factor (design, section 3)."""


@dataclass(frozen=True, slots=True)
class Issued:
    """What goes into the message, and nowhere else."""

    record: OneTimeSecret
    code: Secret | None
    link: Secret


class OneTimeSecrets:
    """Issue and redeem codes and links.

    Args:
        store: where their hashes are.
        clock: tells the time.
        keyring: keys the codes' hashes: a short code in a leaked table stays unknown.
        tries: how often a code may be guessed.
    """

    def __init__(self, store: Store, clock: Clock, keyring: Keyring, tries: int) -> None:
        self._store = store
        self._clock = clock
        self._keyring = keyring
        self._tries = tries

    def issue(
        self,
        purpose: str,
        *,
        destination_key: str,
        life: timedelta,
        attempt: Attempt | None = None,
        user_id: UUID | None = None,
        channel: Literal["email", "handed_over"] = "email",
        with_code: bool = True,
        worthless: bool = False,
    ) -> Issued:
        """Write a code and a link in the transaction that is open.

        Args:
            purpose: what it may be used for; part of what is hashed.
            destination_key: the normalised address it is sent to.
            life: how long it is good.
            attempt: whose it is; None for an invitation.
            user_id: whom it concerns, if that is known.
            channel: how it gets there.
            with_code: whether there is a code beside the link.
            worthless: write the same row with hashes that nothing matches, so that an address which must not get a
                code costs the same as one which does.
        """
        now = self._clock.now()
        code = new_code(EMAIL_CODE_DIGITS) if with_code else None
        link = issue(Kind.LINK)
        attempt_id = attempt.id if attempt else None
        code_hash = self._code_hash(purpose, attempt_id, destination_key, code) if code else None
        record = OneTimeSecret(
            id=uuid7(now),
            purpose=purpose,
            attempt_id=attempt_id,
            user_id=user_id,
            channel=channel,
            destination_key=destination_key,
            code_hash=secrets.token_bytes(32) if worthless and code else code_hash,
            link_selector=link.selector,
            link_secret_hash=secrets.token_bytes(32) if worthless else secret_hash(link),
            created_at=now,
            expires_at=now + life,
        )
        self._store.insert(record)
        return Issued(record, code, Secret(link.text()))

    def issue_text(
        self,
        purpose: str,
        *,
        destination_key: str,
        life: timedelta,
        user_id: UUID,
        attempt: Attempt | None = None,
    ) -> tuple[OneTimeSecret, Secret]:
        """Write a code for a text message in the transaction that is open: six digits, and no link.

        Args:
            purpose: what it may be used for; part of what is hashed.
            destination_key: the number, E.164.
            life: how long it is good.
            user_id: whose it is.
            attempt: the attempt that it answers; None for one that confirms a phone.
        """
        now = self._clock.now()
        code = new_code(SMS_CODE_DIGITS)
        record = OneTimeSecret(
            id=uuid7(now),
            purpose=purpose,
            attempt_id=attempt.id if attempt else None,
            user_id=user_id,
            channel="sms",
            destination_key=destination_key,
            code_hash=self._code_hash(purpose, attempt.id if attempt else None, destination_key, code),
            created_at=now,
            expires_at=now + life,
        )
        self._store.insert(record)
        return record, code

    def try_code(self, attempt: Attempt, code: Secret, *, purpose: str | None = None) -> OneTimeSecret:
        """Find the living code of this attempt that was typed. Counts the try first, in a transaction of its own.

        Args:
            attempt: whose code it must be.
            code: as typed.
            purpose: what it was issued for; None: the attempt's own.

        Returns:
            the row, not yet redeemed: `redeem` it in the transaction of what it allows.

        Raises:
            InvalidCode: wrong, spent, expired, or guessed too often.
        """
        return self._try({"attempt_id": attempt.id, "purpose": purpose or attempt.purpose}, code)

    def try_text(self, purpose: str, user_id: UUID, code: Secret) -> OneTimeSecret:
        """Find the living code that was texted for a purpose outside any attempt. Counts the try first.

        Raises:
            InvalidCode: wrong, spent, expired, or guessed too often.
        """
        return self._try({"attempt_id": None, "purpose": purpose, "user_id": user_id}, code)

    def _try(self, whose: dict[str, object], code: Secret) -> OneTimeSecret:
        now = self._clock.now()
        try:
            typed = normalise_code(code)
        except MalformedCode:
            typed = None
        living = {**whose, "used_at": None, "expires_at": after(now)}
        with self._store.transaction(own=True):
            # A guess counts against every code that it could hit, each by a guarded update that says whether this code
            # may still be tried: a code sent later is no new life for one that had its tries (adversary 31, 44, 75).
            rows = [each for each in self._store.find(OneTimeSecret, living) if self._count(each)]
        if typed is None:
            raise InvalidCode("not a code")
        for row in rows:
            expected = self._code_hashes(row, typed)
            if any(secrets.compare_digest(row.code_hash or b"", each) for each in expected):
                return row
        raise InvalidCode("wrong code" if rows else "no code left to try")

    def _count(self, row: OneTimeSecret) -> bool:
        guard = {"id": row.id, "used_at": None, "tries": before(self._tries)}
        return bool(self._store.update(OneTimeSecret, guard, {"tries": plus(1)}))

    def find_link(self, link: Secret, *purposes: str) -> OneTimeSecret:
        """Find what a link leads to, without redeeming it: for the page that a GET shows.

        Raises:
            LinkInvalid: unknown, used, expired, or of another purpose.
        """
        try:
            presented = parse(Kind.LINK, link.reveal())
            found = self._store.find(OneTimeSecret, {"link_selector": presented.selector}, limit=1)
            if not found:
                raise LinkInvalid("unknown link")
            row = found[0]
            verify(presented, row.link_secret_hash or b"")
        except MalformedToken:
            raise LinkInvalid("malformed link or wrong secret") from None
        if row.purpose not in purposes:
            raise LinkInvalid(f"link of purpose {row.purpose}")
        if row.used_at is not None or row.expires_at <= self._clock.now():
            raise LinkInvalid("link used or expired")
        return row

    def redeem(self, row: OneTimeSecret) -> None:
        """Use a code or link up, and with it every other one of the same purpose and destination.

        Raises:
            InvalidCode: somebody else was first.
        """
        now = self._clock.now()
        if not self._store.update(OneTimeSecret, {"id": row.id, "used_at": None}, {"used_at": now}):
            raise InvalidCode("redeemed by another request")
        # Adversary 32: what else was sent for this dies with it.
        others = {"purpose": row.purpose, "destination_key": row.destination_key, "used_at": None}
        self._store.update(OneTimeSecret, others, {"used_at": now})

    def void_for(self, user_id: UUID) -> None:
        """Use up everything outstanding that concerns a user, in the transaction that is open."""
        self._store.update(OneTimeSecret, {"user_id": user_id, "used_at": None}, {"used_at": self._clock.now()})

    def sweep(self, limit: int = 500) -> int:
        """Delete expired ones, in a small batch."""
        now = self._clock.now()
        old = self._store.find(OneTimeSecret, {"expires_at": before(now)}, order_by="expires_at", limit=limit)
        return sum(self._store.delete(OneTimeSecret, {"id": each.id}) for each in old)

    def _code_hash(self, purpose: str, attempt_id: UUID | None, destination_key: str, code: Secret) -> bytes:
        return self._keyring.mac("code", purpose, str(attempt_id), destination_key, code.reveal())

    def _code_hashes(self, row: OneTimeSecret, code: Secret) -> list[bytes]:
        return self._keyring.macs("code", row.purpose, str(row.attempt_id), row.destination_key, code.reveal())

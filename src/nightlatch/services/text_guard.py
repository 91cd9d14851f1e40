"""What texts may cost: who sends codes to numbers that pay him must not get far (adversary 82, ASVS 6.6.4).

Before each text: its country, then budgets per number, per user, per prefix (calling code and leading digits, by which
networks are paid) and everywhere; and a breaker: where few of the codes to a prefix are ever typed in, nobody reads
them, and the prefix gets no more. Texts are asked for by people who proved a first factor or are signed in, so that a
refusal tells a stranger nothing.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from nightlatch.errors import TextsHeld, Throttled
from nightlatch.ports import Clock
from nightlatch.primitives.phones import Phone, parse_phone, prefix_of
from nightlatch.records import OneTimeSecret
from nightlatch.services.audit import Audit
from nightlatch.services.client import Client
from nightlatch.services.throttle import Charge, Throttle
from nightlatch.settings_sms import Sms

__all__ = ["TextGuard"]

_EPOCH = datetime.fromisoformat("1970-01-01T00:00:00+00:00")


class TextGuard:
    """Admit a text, or hold it back.

    Args:
        settings: countries, budgets, breaker.
        clock: tells the time.
        throttle: keeps the counts.
        audit: is told of what is held back.
    """

    def __init__(self, settings: Sms, clock: Clock, throttle: Throttle, audit: Audit) -> None:
        self._settings = settings
        self._clock = clock
        self._throttle = throttle
        self._audit = audit

    def parse(self, typed: str) -> Phone:
        """Read a number that somebody wants texts at.

        Raises:
            InvalidInput: it is none, or none that may get a text.
        """
        return parse_phone(typed, self._settings.countries)

    def admit(self, client: Client, phone: Phone, user_id: UUID) -> None:
        """Spend what one text costs, in a transaction of its own, before the flow's opens.

        Args:
            client: who asks for it.
            phone: where it goes.
            user_id: whose phone it is, or is to be.

        Raises:
            TextsHeld: a budget is used up, or the breaker holds the prefix.
        """
        settings, prefix = self._settings, self._prefix(phone.number)
        self._see_breaker(client, prefix, user_id)
        for name, charge in {
            "user": Charge(settings.per_user, f"text:user:{user_id}"),
            "number": Charge(settings.per_number, f"text:number:{phone.number}"),
            "prefix": Charge(settings.per_prefix, f"text:prefix:{prefix}"),
            "everywhere": Charge(settings.everywhere, "text:everywhere"),
        }.items():
            try:
                self._throttle.spend([charge])
            except Throttled as spent:
                self._hold(client, f"budget: {name}", prefix, user_id, spent.retry_after)
        self._throttle.count(self._key("sent", prefix, self._clock.now()), settings.watched_for)

    def used(self, code: OneTimeSecret) -> None:
        """Count that a texted code was typed in, in the window in which it was sent."""
        key = self._key("used", self._prefix(code.destination_key), code.created_at)
        self._throttle.count(key, self._settings.watched_for)

    def _see_breaker(self, client: Client, prefix: str, user_id: UUID) -> None:
        settings, now = self._settings, self._clock.now()
        sent = self._throttle.counted(self._key("sent", prefix, now))
        used = self._throttle.counted(self._key("used", prefix, now))
        if sent >= settings.watched_after and used * 100 < sent * settings.least_used_percent:
            left = settings.watched_for - (now - _EPOCH) % settings.watched_for
            self._hold(client, f"breaker: {used} of {sent} codes were used", prefix, user_id, left)

    def _hold(self, client: Client, reason: str, prefix: str, user_id: UUID, wait: timedelta) -> None:
        self._audit.refused("text_held", client, reason=reason, user_id=user_id, details={"prefix": prefix})
        raise TextsHeld(reason, retry_after=wait)

    def _prefix(self, number: str) -> str:
        return prefix_of(number, self._settings.prefix_digits)

    def _key(self, what: str, prefix: str, at: datetime) -> str:
        # The windows of both counts begin at the same moment: else one would be compared with the other's past.
        return f"text:{what}:{prefix}:{(at - _EPOCH) // self._settings.watched_for}"

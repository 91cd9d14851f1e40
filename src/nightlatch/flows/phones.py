"""What is told of a user's phones, once a first factor was proven."""

from __future__ import annotations

from nightlatch.authenticators.sms_code import SmsCode, number_of
from nightlatch.flows.core import Core
from nightlatch.flows.outcome import PhoneTold
from nightlatch.primitives.phones import masked
from nightlatch.records import Attempt

__all__ = ["phones_told"]


def phones_told(core: Core, attempt: Attempt, kinds: tuple[str, ...]) -> tuple[PhoneTold, ...]:
    """Return the phones that an attempt may have a code texted to, the one used last first: never their numbers.

    Args:
        core: what flows stand on.
        attempt: whose.
        kinds: what would help it now.
    """
    if SmsCode.kind not in kinds or attempt.user_id is None:
        return ()
    phones = SmsCode.of(core.users.authenticators(attempt.user_id))
    phones.sort(key=lambda each: each.last_used_at or each.created_at, reverse=True)
    return tuple(PhoneTold(id=each.id, name=each.name, number=masked(number_of(each))) for each in phones)

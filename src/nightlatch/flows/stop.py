"""The links in notices: stop what the mail tells of. They only ever take back; none signs in, and none acts on GET."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from nightlatch.errors import AttemptInvalid, InvalidCode, LinkInvalid
from nightlatch.flows import close_account, operator_recovery
from nightlatch.flows.address_mails import CANCEL, FREEZE
from nightlatch.flows.close_account import CloseAccount
from nightlatch.flows.core import Core
from nightlatch.flows.operator_recovery import OperatorRecovery
from nightlatch.flows.take_back import TakeBack
from nightlatch.primitives.secret import Secret
from nightlatch.services.client import Client

__all__ = ["Stop", "StopView"]


@dataclass(frozen=True, slots=True, kw_only=True)
class StopView:
    """What a link's page may show before anything is pressed."""

    purpose: str
    expires_at: datetime


class Stop:
    """Look at and redeem the link of a notice.

    Args:
        core: what flows stand on.
        closing: calls closings off.
        take_back: what an old address may do.
        lost: recoveries that an operator started.
    """

    def __init__(self, core: Core, closing: CloseAccount, take_back: TakeBack, lost: OperatorRecovery) -> None:
        self._core = core
        self._acts = {
            close_account.PURPOSE: closing.keep,
            CANCEL: take_back.stop_change,
            FREEZE: take_back.freeze,
            operator_recovery.CANCEL: lost.stop,
        }

    def look(self, link: Secret) -> StopView:
        """Tell what a link would stop. Changes nothing: mail scanners open links (adversary 41).

        Raises:
            LinkInvalid: unknown, used or expired.
        """
        row = self._core.one_time.find_link(link, *self._acts)
        return StopView(purpose=row.purpose, expires_at=row.expires_at)

    def redeem(self, client: Client, link: Secret) -> str:
        """Stop it.

        Returns:
            the link's purpose.

        Raises:
            LinkInvalid: unknown, used or expired, or it is too late.
            Throttled: too many calls.
        """
        core = self._core
        core.spend_call(client)
        row = core.one_time.find_link(link, *self._acts)
        try:
            self._acts[row.purpose](client, row)
        except (AttemptInvalid, InvalidCode) as refusal:
            raise LinkInvalid(refusal.reason) from None
        return row.purpose

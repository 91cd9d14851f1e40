"""A code mailed to an address: it proves the address, and counts for no factor.

NIST SP 800-63B-4 3.1.3.1 and ASVS 6.3.6: e-mail is no out-of-band authenticator. It confirms an address and helps
recovery; it never counts towards AAL2.
"""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from nightlatch.records import Evidence, OneTimeSecret

__all__ = ["EmailCode"]


class EmailCode:
    """What a redeemed mailed code or link is worth."""

    kind: ClassVar[str] = "email_code"
    factors: ClassVar[tuple[str, ...]] = ()
    phishing_resistant: ClassVar[bool] = False

    @classmethod
    def evidence(cls, redeemed: OneTimeSecret, at: datetime) -> Evidence:
        """Return the evidence that a redeemed code or link gives."""
        return Evidence(
            authenticator=cls.kind,
            authenticator_id=redeemed.id,
            factors=cls.factors,
            amr=("email",),
            verified_at=at,
        )

"""A mailed code before a sign-in may bind an authenticator or set a password: a stolen one alone must do neither."""

from __future__ import annotations

from nightlatch.authenticators.email_code import EmailCode
from nightlatch.errors import AttemptInvalid
from nightlatch.flows.core import Core
from nightlatch.flows.outcome import More
from nightlatch.flows.prove import Prove
from nightlatch.pages.devices import device_words
from nightlatch.pages.mails import SignInCodeMail
from nightlatch.records import Attempt, Identifier, OneTimeSecret
from nightlatch.services.client import Client

__all__ = ["ProveAddress"]


class ProveAddress:
    """Mail the code that a sign-in on an unknown device waits for, and go on once it was typed.

    Args:
        core: what flows stand on.
        prove: tells what is needed next.
    """

    def __init__(self, core: Core, prove: Prove) -> None:
        self._core = core
        self._prove = prove

    def send(self, client: Client, attempt: Attempt) -> None:
        """Mail a code.

        Raises:
            AttemptInvalid: this attempt has had its codes, or the address is gone.
        """
        core = self._core
        rows = core.store.find(Identifier, {"user_id": attempt.user_id, "kind": "email"}, order_by="created_at")
        address = next((each for each in rows if each.primary), None)
        if address is None:
            raise AttemptInvalid("the address is gone")
        life = core.settings.attempts.sign_in_life
        capped = not core.outbox.within_cap(address.key)
        with core.transaction():
            core.attempts.count_code(attempt, core.settings.attempts.codes_per_attempt)
            issued = core.one_time.issue(
                "sign_in", destination_key=address.key, life=life, attempt=attempt, user_id=attempt.user_id
            )
            mail = SignInCodeMail(
                service_name=core.settings.service_name,
                sets_password=attempt.step == "set",
                code=issued.code.reveal() if issued.code else "",
                device=device_words(client.user_agent),
                place=client.ip,
                minutes=int(life.total_seconds() // 60),
            )
            core.outbox.enqueue(
                mail, to=address.value, user_id=attempt.user_id, expires_at=issued.record.expires_at, decoy=capped
            )

    def proven(self, client: Client, attempt: Attempt, redeemed: OneTimeSecret) -> More:
        """Go on: an authenticator may be bound, or a password set."""
        del client
        core = self._core
        proof = EmailCode.evidence(redeemed, core.clock.now())
        with core.transaction():
            core.one_time.redeem(redeemed)
            advanced, secret = core.attempts.advance(attempt, proven=True, evidence=(*attempt.evidence, proof))
        return self._prove.more_of(advanced, secret)

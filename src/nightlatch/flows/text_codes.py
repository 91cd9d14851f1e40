"""Text a code to a phone, for the proof of an attempt that has proven something already."""

from __future__ import annotations

from uuid import UUID

from nightlatch.authenticators.sms_code import SmsCode, number_of
from nightlatch.errors import AttemptInvalid, InvalidInput
from nightlatch.flows.core import Core
from nightlatch.flows.prove import Prove
from nightlatch.pages.texts import SignInCodeText
from nightlatch.records import Attempt, Authenticator
from nightlatch.services.client import Client

__all__ = ["TextCodes"]


class TextCodes:
    """Text the codes of sign-ins, reauthentications and recoveries.

    Args:
        core: what flows stand on.
        prove: tells what an attempt waits for.
    """

    def __init__(self, core: Core, prove: Prove) -> None:
        self._core = core
        self._prove = prove

    def send(self, client: Client, attempt: Attempt, phone_id: UUID | None) -> None:
        """Text a code.

        Args:
            client: who asks.
            attempt: what it is for.
            phone_id: which phone; None: the one that was used last.

        Raises:
            InvalidInput: no texted code would help now, or the user has no such phone.
            AttemptInvalid: this attempt has had its codes.
            TextsHeld: none may be sent to this number now.
        """
        core = self._core
        if attempt.step != "prove" or not attempt.evidence or SmsCode.kind not in self._prove.kinds_for(attempt):
            # Not before a first factor is proven: a stranger must not make phones ring, nor learn that there is one.
            raise InvalidInput(fields={"authenticator": "This step does not wait for that."})
        phone = self._phone(attempt, phone_id)
        number = core.texts.parse(number_of(phone))
        core.texts.admit(client, number, phone.user_id)
        with core.transaction():
            core.attempts.count_code(attempt, core.settings.attempts.codes_per_attempt)
            row, code = core.sms.issue(attempt, phone)
            view = SignInCodeText(service_name=core.settings.service_name, host=core.settings.host, code=code.reveal())
            core.outbox.enqueue_text(view, to=number.number, user_id=phone.user_id, expires_at=row.expires_at)
            core.audit.done(
                "authn_code_sent",
                client,
                user_id=phone.user_id,
                attempt_id=attempt.id,
                details={"kind": SmsCode.kind, "authenticator": str(phone.id)},
            )

    def _phone(self, attempt: Attempt, phone_id: UUID | None) -> Authenticator:
        if attempt.user_id is None:
            raise AttemptInvalid("an attempt of nobody")
        phones = SmsCode.of(self._core.users.authenticators(attempt.user_id))
        if phone_id is not None:
            phones = [each for each in phones if each.id == phone_id]
        if not phones:
            raise InvalidInput("no such phone", fields={"id": "Please choose one of your phones."})
        return max(phones, key=lambda each: each.last_used_at or each.created_at)

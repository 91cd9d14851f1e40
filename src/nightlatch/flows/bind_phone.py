"""Bind a phone that gets codes by text, while signed in or where a sign-in waits for it.

Until its code was typed it counts for nothing, and who stops half-way is locked out of nothing. The first second factor
brings recovery codes, so that a phone is never a user's only one (design, section 3; NIST SP 800-63B-4 3.2.9).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from msgspec.structs import replace

from nightlatch.authenticators.sms_code import SMS_CODE_LIFE, SmsCode, number_of
from nightlatch.errors import Forbidden, InvalidCode, InvalidInput, NotFound
from nightlatch.flows.binding import Binding, Bound
from nightlatch.flows.core import Core
from nightlatch.flows.names import clean_name
from nightlatch.pages.texts import PhoneCodeText
from nightlatch.primitives.secret import Secret
from nightlatch.records import Authenticator, OneTimeSecret, Session, User
from nightlatch.services.client import Client

__all__ = ["BindPhone", "PhoneProposal"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PhoneProposal:
    """A phone that is being bound.

    Args:
        id: of the authenticator; hand it back with the code.
        number: E.164, as it was read: its owner has just typed it.
        expires_at: until when the code is good.
    """

    id: UUID
    number: str
    expires_at: datetime


class BindPhone:
    """Bind phones.

    Args:
        core: what flows stand on.
        binding: what binding any authenticator has in common.
    """

    def __init__(self, core: Core, binding: Binding) -> None:
        self._core = core
        self._binding = binding

    # --- for who is signed in -----------------------------------------------------------------------------------------

    def begin(self, client: Client, session: Session, *, number: str, name: str | None = None) -> PhoneProposal:
        """Text a code to a phone that is to be bound.

        Args:
            client: who asks.
            session: the acting one.
            number: as typed.
            name: what to call it.

        Raises:
            ReauthenticationRequired: the session's proof is not fresh, or not of the user's own level.
            Forbidden: texts are switched off.
            InvalidInput: the number is none that may get a text, or the name is too long.
            TextsHeld: none may be sent to this number now.
            Throttled: too many calls.
        """
        return self._propose(client, self._binding.fresh(session), number, name)

    def proposed(self, session: Session, id: UUID) -> PhoneProposal:  # noqa: A002
        """Return the phone that is being bound, once more.

        Raises:
            ReauthenticationRequired: the session's proof is not fresh.
            NotFound: no such enrolment.
        """
        user = self._binding.fresh(session)
        return self._told(self._unfinished(user, id))

    def confirm(
        self,
        client: Client,
        session: Session,
        id: UUID,  # noqa: A002
        code: Secret,
        *,
        name: str | None = None,
    ) -> Bound:
        """Bind the phone that the code was texted to: from now on it counts.

        Raises:
            ReauthenticationRequired: the session's proof is not fresh.
            NotFound: no such enrolment.
            InvalidCode: the code is not the one that was texted, or was guessed at too often.
            Throttled: too many calls.
        """
        user = self._binding.fresh(session)
        record, code_row = self._confirming(client, user, id, code, name)
        proof = self._core.sms.evidence(record)
        return self._binding.in_session(client, session, user, record, proof, lambda: self._confirm(record, code_row))

    # --- the same, where policy asks for a second factor before there is a session ------------------------------------

    def begin_in(self, client: Client, attempt: Secret, *, number: str, name: str | None = None) -> PhoneProposal:
        """Text a code to a phone that a sign-in waits for.

        Raises:
            AttemptInvalid: it waits for something else.
            InvalidInput, TextsHeld, Throttled: as `begin`.
        """
        user = self._binding.enrolling(self._core.attempts.find(attempt), SmsCode.kind)
        return self._propose(client, user, number, name)

    def proposed_in(self, attempt: Secret, id: UUID) -> PhoneProposal:  # noqa: A002
        """Return the phone that a sign-in waits for, once more.

        Raises:
            AttemptInvalid: it waits for something else.
            NotFound: no such enrolment.
        """
        user = self._binding.enrolling(self._core.attempts.find(attempt), SmsCode.kind)
        return self._told(self._unfinished(user, id))

    def confirm_in(
        self,
        client: Client,
        attempt: Secret,
        id: UUID,  # noqa: A002
        code: Secret,
        *,
        name: str | None = None,
    ) -> Bound:
        """Bind the phone that a sign-in waits for, and end the sign-in.

        Raises:
            AttemptInvalid: it waits for something else.
            NotFound, InvalidCode, Throttled: as `confirm`.
        """
        found = self._core.attempts.find(attempt)
        user = self._binding.enrolling(found, SmsCode.kind)
        record, code_row = self._confirming(client, user, id, code, name)
        proof = self._core.sms.evidence(record)
        return self._binding.in_attempt(client, found, user, record, proof, lambda: self._confirm(record, code_row))

    # --- what they share --------------------------------------------------------------------------------------------

    def _propose(self, client: Client, user: User, typed: str, name: str | None) -> PhoneProposal:
        core = self._core
        if not core.settings.sms.enabled:
            raise Forbidden("texts are switched off by settings")
        self._core.spend_call(client)
        cleaned = clean_name(name)
        try:
            phone = core.texts.parse(typed)
        except InvalidInput as refusal:
            core.audit.refused("phone_refused", client, reason=refusal.reason, user_id=user.id)
            raise
        for each in SmsCode.of(core.users.authenticators(user.id)):
            if number_of(each) == phone.number:
                raise InvalidInput(fields={"number": "You have added this number already."})
        core.texts.admit(client, phone, user.id)
        with core.transaction():
            # One that was not finished makes room: it never counted.
            unfinished = {"user_id": user.id, "kind": SmsCode.kind, "confirmed_at": None}
            core.store.delete(Authenticator, unfinished)
            record, row, code = core.sms.propose(user.id, phone, cleaned)
            view = PhoneCodeText(service_name=core.settings.service_name, host=core.settings.host, code=code.reveal())
            core.outbox.enqueue_text(view, to=phone.number, user_id=user.id, expires_at=row.expires_at)
            core.audit.done("authn_code_sent", client, user_id=user.id, details={"kind": SmsCode.kind, "binds": True})
        return self._told(record)

    def _told(self, record: Authenticator) -> PhoneProposal:
        return PhoneProposal(id=record.id, number=number_of(record), expires_at=record.created_at + SMS_CODE_LIFE)

    def _confirming(
        self,
        client: Client,
        user: User,
        id: UUID,  # noqa: A002
        code: Secret,
        name: str | None,
    ) -> tuple[Authenticator, OneTimeSecret]:
        core = self._core
        self._core.spend_call(client)
        record, cleaned = self._unfinished(user, id), clean_name(name)
        spent = core.spend_guess(client, number_of(record))
        try:
            code_row = core.sms.confirming(record, code)
        except InvalidCode as refusal:
            core.audit.refused("authn_code_fail", client, reason=refusal.reason, user_id=user.id)
            raise
        core.give_back(spent)
        return record if cleaned is None else replace(record, name=cleaned), code_row

    def _unfinished(self, user: User, id: UUID) -> Authenticator:  # noqa: A002
        record = self._core.store.get(Authenticator, id)
        mine = record is not None and record.user_id == user.id and record.kind == SmsCode.kind
        if record is None or not mine or record.confirmed_at is not None:
            raise NotFound("no such enrolment of this user")
        if self._core.clock.now() - record.created_at >= SMS_CODE_LIFE:
            raise NotFound("the enrolment began too long ago")
        return record

    def _confirm(self, record: Authenticator, code_row: OneTimeSecret) -> None:
        core = self._core
        core.sms.redeem(code_row)
        now = core.clock.now()
        changes = {"confirmed_at": now, "last_used_at": now, "name": record.name}
        if not core.store.update(Authenticator, {"id": record.id, "confirmed_at": None}, changes):
            raise NotFound("confirmed in between")

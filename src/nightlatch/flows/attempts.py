"""Go on with an attempt: one call for sign-in, sign-up, reauthentication and recovery."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from nightlatch.authenticators.base import Proof
from nightlatch.authenticators.email_code import EmailCode
from nightlatch.authenticators.passkey import Passkey
from nightlatch.authenticators.sms_code import SmsCode
from nightlatch.errors import AttemptInvalid, InvalidCode, InvalidInput, LinkInvalid, NotAuthenticated
from nightlatch.flows import addresses, operator_recovery
from nightlatch.flows.addresses import Addresses
from nightlatch.flows.core import Core
from nightlatch.flows.notices import tell_password_changed
from nightlatch.flows.operator_recovery import OperatorRecovery
from nightlatch.flows.outcome import Complete, More, Outcome
from nightlatch.flows.prove import Prove
from nightlatch.flows.prove_address import ProveAddress
from nightlatch.flows.recover import Recover
from nightlatch.flows.sign_up import SignUp
from nightlatch.flows.text_codes import TextCodes
from nightlatch.primitives.secret import Secret
from nightlatch.records import Attempt, OneTimeSecret, Session, User
from nightlatch.services.client import Client

__all__ = ["Attempts", "LinkView"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkView:
    """What a link's page may show before anything is pressed: the address it was mailed to."""

    purpose: str
    address: str
    expires_at: datetime


class Attempts:
    """Take the next answer of an attempt.

    Args:
        core: what flows stand on.
        prove: verifies passwords.
        sign_up: what a proven address leads to.
        recover: what it leads to where the password was forgotten.
        addresses: what it leads to where it is a new one of an account.
        lost: what the link leads to of who lost everything.
        prove_address: what it leads to where a sign-in is to bind an authenticator.
        text_codes: texts codes.
    """

    def __init__(
        self,
        core: Core,
        prove: Prove,
        sign_up: SignUp,
        recover: Recover,
        addresses: Addresses,
        lost: OperatorRecovery,
        prove_address: ProveAddress,
        text_codes: TextCodes,
    ) -> None:
        self._core = core
        self._prove = prove
        self._sign_up = sign_up
        self._recover = recover
        self._addresses = addresses
        self._lost = lost
        self._prove_address = prove_address
        self._text_codes = text_codes

    def look(self, client: Client, attempt: Secret) -> More:
        """Tell what an attempt waits for. Changes nothing.

        Raises:
            AttemptInvalid: unknown, spent, expired or finished.
        """
        del client
        found = self._core.attempts.find(attempt)
        if found.purpose == "sign_up":
            return self._sign_up.more(found, attempt, self._core.attempts.claims(found))
        if found.purpose == "recover":
            return self._recover.more(found, attempt)
        if found.purpose == addresses.PURPOSE:
            return self._addresses.more(found, attempt)
        return self._prove.more_of(found, attempt)

    def begin(self, client: Client, attempt: Secret, authenticator: str, *, id: UUID | None = None) -> More:  # noqa: A002
        """Send the code of an out-of-band authenticator (again), or say what the browser is to be asked for a passkey.

        Args:
            client: who is asking.
            attempt: the attempt's secret.
            authenticator: ``email_code``, ``sms_code`` or ``passkey``.
            id: which phone, of several; None: the one used last.

        Raises:
            AttemptInvalid: unknown or finished, or it has had its codes.
            InvalidInput: this attempt is not waiting for that authenticator.
            Throttled: too many calls; `TextsHeld` where no text may be sent to that number now.
        """
        self._core.spend_call(client)
        found = self._core.attempts.find(attempt)
        if authenticator == Passkey.kind:
            return self._prove.ask_passkey(client, found, attempt)
        if authenticator == SmsCode.kind:
            self._text_codes.send(client, found, id)
            return self.look(client, attempt)
        if not _awaits_code(found) or authenticator != EmailCode.kind:
            raise InvalidInput(fields={"authenticator": "This step does not wait for that."})
        if found.purpose == "recover":
            self._recover.send(client, found)
            return self._recover.more(found, attempt)
        if found.purpose == "sign_in":
            self._prove_address.send(client, found)
            return self._prove.more_of(found, attempt)
        if found.purpose == addresses.PURPOSE:
            self._addresses.send(client, found)
            return self._addresses.more(found, attempt)
        claims = self._core.attempts.claims(found)
        self._sign_up.send(client, found, claims)
        return self._sign_up.more(found, attempt, claims)

    def answer(
        self,
        client: Client,
        attempt: Secret,
        *,
        authenticator: str | None = None,
        code: Secret | None = None,
        password: Secret | None = None,
        credential: object = None,
        new_password: Secret | None = None,
        username: str | None = None,
        name: str | None = None,
        session: Session | None = None,
        remember_device: bool = False,
    ) -> Outcome:
        """Take an answer: a proof, or a new password where the attempt is at that step.

        Args:
            client: who is asking.
            attempt: the attempt's secret; spent when the answer is accepted.
            authenticator: the kind that is proven: ``password``, ``email_code``, ``totp``, ``passkey``,
                ``sms_code`` or ``recovery_code``.
            code: as typed.
            password: as typed; only ever verified.
            credential: what the browser answered, as JSON has it.
            new_password: only ever set.
            username: chosen together with the new password, where one is missing.
            name: likewise.
            session: this request's own session: a reauthentication needs it.
            remember_device: whether this browser is to be remembered, if this completes a sign-in with two factors.

        Raises:
            AttemptInvalid: unknown, spent, expired, finished, or at another step.
            InvalidCode: wrong, spent, expired, or guessed too often.
            InvalidCredentials: the password does not hold.
            InvalidInput: the answer is not of the form that the step takes; `PasswordRejected` likewise.
            Throttled: too many tries. Busy: the hashing pool is full.
        """
        with self._core.place(client, password, new_password):
            self._core.spend_call(client)
            found = self._core.attempts.find(attempt)
            client = client.without_cookies() if found.deliver == "tokens" else client
            if new_password is not None:
                return self._set(client, found, new_password, username=username, name=name)
            if authenticator == EmailCode.kind:
                return self._code(client, found, code, session)
            if authenticator is None:
                raise InvalidInput(fields={"authenticator": "Please say what you prove."})
            proof = Proof(password=password, code=code, credential=credential)
            if authenticator == SmsCode.kind:
                return self._text(client, found, proof, session, remember=remember_device)
            return self._proof(client, found, authenticator, proof, session, remember=remember_device)

    def _set(
        self, client: Client, attempt: Attempt, password: Secret, *, username: str | None, name: str | None
    ) -> Outcome:
        if attempt.purpose == "sign_up":
            return self._sign_up.set_password(client, attempt, password, username=username, name=name)
        if attempt.purpose == "recover":
            return self._recover.set_password(client, attempt, password)
        if attempt.purpose == "sign_in" and attempt.step == "set":
            return self._replace_password(client, attempt, password)
        raise AttemptInvalid("this attempt does not set a password")

    def _replace_password(self, client: Client, attempt: Attempt, password: Secret) -> Complete:
        """Set a new password where the old one, just proven, may not be used any longer; then sign in."""
        core = self._core
        user = core.store.get(User, attempt.user_id) if attempt.user_id else None
        if not attempt.proven:
            raise AttemptInvalid("a password is set only after proof")  # adversary 34: a server-side fact
        if user is None or user.epoch != attempt.epoch or user.status != "active":
            raise AttemptInvalid("user changed since the attempt began")
        bound = core.users.authenticators(user.id)
        record = core.password.of(bound)
        if record is None:
            raise AttemptInvalid("there is no password to replace")
        core.password.validate(password, about=core.about(user))
        if record.must_change:
            core.password.see_that_it_differs(record, password, client)
        hashed = core.password.hash(password, client)
        with core.transaction():
            core.attempts.finish(attempt)
            core.users.hold(user)
            if not core.password.replace(record, hashed):
                raise AttemptInvalid("password changed in between")
            core.users.end_access(user.id)
            core.one_time.void_for(user.id)
            fresh = core.store.get(User, user.id) or user
            core.audit.done("authn_password_change", client, user_id=user.id)
            tell_password_changed(core, client, user)
            granted = core.gate.grant_or_refuse(fresh, attempt.evidence, core.users.authenticators(user.id))
            return core.welcome(client, granted, return_to=attempt.return_to, deliver=attempt.deliver)

    def _proof(
        self, client: Client, attempt: Attempt, kind: str, proof: Proof, session: Session | None, *, remember: bool
    ) -> Outcome:
        if attempt.purpose == "sign_in":
            return self._prove.answer(client, attempt, kind, proof, remember=remember)
        if attempt.purpose == "reauthenticate":
            if session is None:
                raise NotAuthenticated("a reauthentication goes with its session")
            return self._prove.again(client, attempt, session, kind, proof)
        if attempt.purpose == "recover" and attempt.proven:
            return self._recover.more(*self._prove.besides(client, attempt, kind, proof))
        raise InvalidInput(fields={"authenticator": "This step does not wait for that."})

    def _text(
        self, client: Client, attempt: Attempt, proof: Proof, session: Session | None, *, remember: bool
    ) -> Outcome:
        """Take a texted code. Besides the phone's own tries the caps of all codes hold, over all attempts."""
        spent = self._core.spend_guess(client, attempt.identifier_key or attempt.user_id)
        outcome = self._proof(client, attempt, SmsCode.kind, proof, session, remember=remember)
        self._core.give_back(spent)
        return outcome

    def _code(self, client: Client, attempt: Attempt, code: Secret | None, session: Session | None) -> Outcome:
        if not _awaits_code(attempt):
            raise InvalidInput(fields={"authenticator": "This step does not wait for that."})
        if code is None:
            raise InvalidInput(fields={"code": "Please type the code."})
        changing = attempt.purpose == addresses.PURPOSE
        acting = self._addresses.belongs(attempt, session) if changing else None
        core = self._core
        spent = self._core.spend_guess(client, attempt.identifier_key or attempt.user_id)
        try:
            redeemed = core.one_time.try_code(attempt, code)
        except InvalidCode as refusal:
            core.audit.refused("authn_code_fail", client, reason=refusal.reason, attempt_id=attempt.id)
            raise
        core.give_back(spent)
        if acting is not None:
            return self._addresses.proven(client, acting, attempt, redeemed)
        return self._led_to(attempt).proven(client, attempt, redeemed)

    def _led_to(self, attempt: Attempt) -> SignUp | Recover | ProveAddress:
        """Return the flow that a proven address goes on in."""
        if attempt.purpose == "sign_in":
            return self._prove_address
        return self._led_by_link_to(attempt)

    def _led_by_link_to(self, attempt: Attempt) -> SignUp | Recover:
        return self._recover if attempt.purpose == "recover" else self._sign_up

    # --- links ------------------------------------------------------------------------------------------------------

    def look_link(self, client: Client, link: Secret) -> LinkView:
        """Tell what a mailed link is for. Changes nothing: mail scanners open links (adversary 41).

        Raises:
            LinkInvalid: unknown, used or expired.
        """
        del client
        row, origin = self._link(link)
        if row.purpose == operator_recovery.PURPOSE:
            self._lost.see_that_it_is_time(origin)
        address = self._core.attempts.claims(origin).email or ""
        return LinkView(purpose=row.purpose, address=address, expires_at=row.expires_at)

    def link(self, client: Client, link: Secret, attempt: Secret | None = None) -> Outcome:
        """Redeem a mailed link, where its button was pressed.

        Args:
            client: who is asking.
            link: the link's secret.
            attempt: the attempt that this browser holds, if any. If the link is that attempt's own, it goes on;
                otherwise a fresh one begins here, with the address proven and nothing else.

        Raises:
            LinkInvalid: unknown, used or expired.
        """
        self._core.spend_call(client)
        row, origin = self._link(link)
        own = self._own(attempt, origin)
        try:
            if row.purpose == operator_recovery.PURPOSE:
                return self._lost.fork(client, row, origin)
            if own is not None:
                return self._led_to(own).proven(client, own, row)
            return self._led_by_link_to(origin).fork(client, row, origin)
        except InvalidCode as refusal:
            raise LinkInvalid(refusal.reason) from None

    def _link(self, link: Secret) -> tuple[OneTimeSecret, Attempt]:
        row = self._core.one_time.find_link(link, "sign_up", "recover", operator_recovery.PURPOSE)
        origin = self._core.store.get(Attempt, row.attempt_id) if row.attempt_id else None
        if origin is None or origin.sealed_claims is None:
            raise LinkInvalid("its attempt is finished")
        try:
            self._core.attempts.claims(origin)
        except AttemptInvalid as refusal:
            raise LinkInvalid(refusal.reason) from None
        return row, origin

    def _own(self, attempt: Secret | None, origin: Attempt) -> Attempt | None:
        if attempt is None:
            return None
        try:
            held = self._core.attempts.find(attempt)
        except AttemptInvalid:
            return None
        return held if held.id == origin.id and _awaits_code(held) else None


def _awaits_code(attempt: Attempt) -> bool:
    """Tell whether a mailed code is what this attempt waits for."""
    if attempt.purpose == "sign_in":
        return attempt.step in {"enrol", "set"} and not attempt.proven
    if attempt.purpose == addresses.PURPOSE:
        return attempt.step in {"prove", "wait"}
    return attempt.purpose in {"sign_up", "recover"} and attempt.step == "prove" and not attempt.proven

"""Recover: a forgotten password, by a code or link to an address that was proven long before.

NIST SP 800-63B-4 4.2: a mailed code, and where the user has further authenticators one of those as well, so that a
mailbox alone never takes a second factor away (adversary 42). Recovery adds a password and removes nothing; it signs
nobody in; and all that could sign in or recover before it is worth nothing after it (adversary 32).
"""

from __future__ import annotations

from nightlatch.authenticators.email_code import EmailCode
from nightlatch.authenticators.password import Password
from nightlatch.authenticators.recovery_code import RecoveryCode
from nightlatch.errors import AttemptInvalid, InvalidInput, RecoveryClosed, Throttled
from nightlatch.flows.core import Core
from nightlatch.flows.notices import tell_recovered, tell_recovery_proven
from nightlatch.flows.outcome import Complete, More
from nightlatch.flows.phones import phones_told
from nightlatch.pages.account_mails import RecoverMail
from nightlatch.pages.devices import device_words
from nightlatch.primitives.ids import uuid7
from nightlatch.primitives.secret import Secret
from nightlatch.records import Attempt, Authenticator, Identifier, OneTimeSecret, User
from nightlatch.services.attempts import Claims
from nightlatch.services.client import Client
from nightlatch.services.throttle import Charge

__all__ = ["Recover"]

_LONGEST = 320


class _Sought(Claims, frozen=True, kw_only=True, omit_defaults=True):
    """What was typed. `email` is where the mail goes, which only who reads it may see."""

    typed: str = ""
    lost: bool = False
    """An operator has started it: the other authenticators are lost too."""


class Recover:
    """Let a person set a new password who forgot the old one.

    Args:
        core: what flows stand on.
    """

    def __init__(self, core: Core) -> None:
        self._core = core

    def begin(self, client: Client, *, identifier: str, return_to: str | None = None) -> More:
        """Begin a recovery. The answer, the work and the rows are the same for known and unknown identifiers.

        Args:
            client: who is asking.
            identifier: an address or a user name, as typed.
            return_to: where the person wanted to go.

        Returns:
            an attempt that waits for the mailed code.

        Raises:
            RecoveryClosed: accounts have no address here.
            InvalidInput: nothing was typed.
            Throttled: too many recoveries from here.
        """
        core = self._core
        if not core.settings.asks_email:
            raise RecoveryClosed("accounts have no e-mail address by settings")
        typed = identifier.strip()[:_LONGEST]
        if not typed:
            raise InvalidInput(fields={"identifier": "Please fill this in."})
        self._spend(client)
        claim = core.users.claim(typed)
        # What cannot be an identifier is looked up all the same, under a key that nobody has.
        user = core.users.find(claim.kind if claim else "none", claim.key if claim else "")
        address = self._address(user, claim.key if claim else "")
        known = user if address else None
        with core.transaction():
            attempt, secret = core.attempts.open(
                "recover",
                client,
                life=core.settings.attempts.address_proof_life,
                claims=_Sought(email=address.value if address else typed, typed=typed),
                identifier_kind=claim.kind if claim else None,
                identifier_key=claim.key if claim else None,
                user_id=known.id if known else None,
                epoch=known.epoch if known else None,
                return_to=return_to,
            )
            core.audit.done(
                "authn_recovery_begun",
                client,
                user_id=known.id if known else None,
                attempt_id=attempt.id,
                identifier_hash=None if known else core.audit.identifier_hash("recover", core.claimed(claim, typed)),
            )
        self._mail(client, attempt, address)
        return self.more(attempt, secret)

    def send(self, client: Client, attempt: Attempt) -> None:
        """Mail another code and link; where nobody has the identifier, or it has ended, the same rows.

        Raises:
            AttemptInvalid: this attempt has had its codes.
        """
        core = self._core
        user = core.store.get(User, attempt.user_id or uuid7(core.clock.now()))
        self._mail(client, attempt, self._address(user, attempt.identifier_key or ""))

    def _mail(self, client: Client, attempt: Attempt, address: Identifier | None) -> None:
        core = self._core
        life = core.settings.attempts.address_proof_life
        sought = core.attempts.claims(attempt, _Sought)
        key = address.key if address else attempt.identifier_key or sought.typed
        capped = not core.outbox.within_cap(key)
        with core.transaction():
            core.attempts.count_code(attempt, core.settings.attempts.codes_per_attempt)
            issued = core.one_time.issue(
                "recover",
                destination_key=key,
                life=life,
                attempt=attempt,
                user_id=attempt.user_id,
                worthless=address is None,
            )
            mail = RecoverMail(
                service_name=core.settings.service_name,
                code=issued.code.reveal() if issued.code else "",
                link=core.link("verify", issued.link),
                device=device_words(client.user_agent),
                place=client.ip,
                minutes=int(life.total_seconds() // 60),
            )
            core.outbox.enqueue(
                mail,
                # CVE-2019-19844: to the address that is stored, never to a look-alike that was typed.
                to=address.value if address else sought.typed,
                user_id=attempt.user_id,
                expires_at=issued.record.expires_at,
                decoy=capped or address is None,
            )

    def _address(self, user: User | None, key: str) -> Identifier | None:
        """Return the proven address that the code goes to: the one typed, else the primary one."""
        core = self._core
        now = core.clock.now()
        where = {"user_id": user.id if user else uuid7(now), "kind": "email"}
        rows = core.store.find(Identifier, where, order_by="created_at")
        if user is None or user.status != "active":
            return None  # ASVS 6.3.8: a suspended account looks like none
        return next((each for each in rows if each.key == key), next((each for each in rows if each.primary), None))

    def _spend(self, client: Client) -> None:
        core, budgets = self._core, self._core.settings.throttle
        try:
            core.throttle.spend(
                [
                    Charge(budgets.recover_per_address, f"recover:address:{client.address}"),
                    Charge(budgets.recover_per_network, f"recover:network:{client.network}"),
                ]
            )
        except Throttled:
            core.audit.counted("authn_recovery_throttled", client, reason="budget spent")
            raise

    # --- after proof ------------------------------------------------------------------------------------------------

    def proven(self, client: Client, attempt: Attempt, redeemed: OneTimeSecret) -> More:
        """Go on in the attempt whose own code was typed, or whose own link was opened where it began."""
        core = self._core
        user = self._user(attempt)
        proof = EmailCode.evidence(redeemed, core.clock.now())
        with core.transaction():
            core.one_time.redeem(redeemed)
            advanced, secret = core.attempts.advance(
                attempt, proven=True, evidence=(proof,), step="prove" if self.others(user) else "set"
            )
            self._note_proven(client, user, advanced, redeemed)
        return self.more(advanced, secret)

    def fork(self, client: Client, redeemed: OneTimeSecret, origin: Attempt) -> More:
        """Go on in a fresh attempt, where a link was pressed that began elsewhere, which stays unproven for ever."""
        core = self._core
        user = self._user(origin)
        with core.transaction():
            core.one_time.redeem(redeemed)
            attempt, secret = core.attempts.open(
                "recover",
                client,
                life=core.settings.attempts.address_proof_life,
                claims=core.attempts.claims(origin, _Sought),
                identifier_kind=origin.identifier_kind,
                identifier_key=origin.identifier_key,
                user_id=user.id,
                epoch=user.epoch,
                proven=True,
                evidence=(EmailCode.evidence(redeemed, core.clock.now()),),
                step="prove" if self.others(user) else "set",
            )
            self._note_proven(client, user, attempt, redeemed)
        return self.more(attempt, secret)

    def fork_started(self, client: Client, redeemed: OneTimeSecret, origin: Attempt, *, lost: bool) -> More:
        """Go on to a new password, in the transaction that is open, where an operator's word stands in for the mailbox.

        Args:
            client: who pressed the link.
            redeemed: the link.
            origin: the attempt that the operator started.
            lost: everything is lost: no other authenticator is asked for, and none is left.
        """
        core = self._core
        user = self._user(origin)
        core.one_time.redeem(redeemed)
        called = core.attempts.claims(origin).email or ""
        attempt, secret = core.attempts.open(
            "recover",
            client,
            life=core.settings.attempts.address_proof_life,
            claims=_Sought(email=called, typed=called, lost=lost),
            user_id=user.id,
            epoch=user.epoch,
            proven=True,
            step="prove" if self.others(user) and not lost else "set",
        )
        self._note_proven(client, user, attempt, redeemed)
        return self.more(attempt, secret)

    def _note_proven(self, client: Client, user: User, attempt: Attempt, redeemed: OneTimeSecret) -> None:
        self._core.audit.done("authn_recovery_proven", client, user_id=user.id, attempt_id=attempt.id)
        tell_recovery_proven(self._core, client, user, besides=redeemed.destination_key)

    def others(self, user: User) -> tuple[str, ...]:
        """Return the kinds of authenticators that the user has besides a password: one of them is asked for too."""
        bound = self._core.users.authenticators(user.id)
        kinds = [each.kind for each in bound if each.confirmed_at is not None and each.kind != Password.kind]
        return tuple(dict.fromkeys(kinds))

    def more(self, attempt: Attempt, secret: Secret) -> More:
        """Tell what a recovery waits for."""
        sought = self._core.attempts.claims(attempt, _Sought)
        if not attempt.proven:
            wanted: tuple[str, ...] = (EmailCode.kind,)
        else:
            wanted = self.others(self._user(attempt)) if attempt.step == "prove" else ()
        return More(
            attempt=secret,
            purpose="recover",
            authenticators=wanted,
            phones=phones_told(self._core, attempt, wanted),
            set=("password",) if attempt.step == "set" else (),
            expires_at=attempt.expires_at,
            # Before proof what was typed, and nothing that the account would tell.
            address=sought.email if attempt.proven else sought.typed,
        )

    def set_password(self, client: Client, attempt: Attempt, password: Secret) -> Complete:
        """Set the new password of a proven recovery. Everything that gave access before it ends; nobody is signed in.

        Raises:
            AttemptInvalid: not at this step, or the account changed since the recovery began.
            PasswordRejected: the policy refuses it.
        """
        core = self._core
        if not attempt.proven or attempt.step != "set":
            raise AttemptInvalid("a password is set only after proof")  # adversary 34: a server-side fact
        user = self._user(attempt)
        core.password.validate(password, about=core.about(user))
        record = core.password.of(core.users.authenticators(user.id))
        if record is not None and record.must_change:
            core.password.see_that_it_differs(record, password, client)
        hashed = core.password.hash(password, client)
        with core.transaction():
            core.attempts.finish(attempt)
            core.users.hold(user)
            if record is None:
                core.password.bind(user.id, hashed, at=core.clock.now())
            elif not core.password.replace(record, hashed):
                raise AttemptInvalid("password changed in between")
            if core.attempts.claims(attempt, _Sought).lost:
                self._drop_lost(user)
            core.users.end_access(user.id)
            core.one_time.void_for(user.id)
            codes = self._replaced_code(user, attempt)
            core.audit.done("authn_recovery_complete", client, user_id=user.id, attempt_id=attempt.id)
            tell_recovered(core, client, user)
        # No automatic sign-in (OWASP Forgot Password Cheat Sheet): the way in leads through the gate (ASVS 6.4.3).
        return Complete(user=user, return_to=attempt.return_to, recovery_codes=codes)

    def _replaced_code(self, user: User, attempt: Attempt) -> tuple[Secret, ...]:
        """Write another recovery code for the one that this recovery used up (NIST SP 800-63B-4 4.2.1.1)."""
        used = any(each.authenticator == RecoveryCode.kind for each in attempt.evidence)
        return (self._core.recovery_codes.add(user.id),) if used else ()

    def _drop_lost(self, user: User) -> None:
        # NIST SP 800-63B-4 4.5: what was reported lost is invalidated. Left bound it would lock its owner out.
        for each in self._core.users.authenticators(user.id):
            if each.kind != Password.kind:
                self._core.store.delete(Authenticator, {"id": each.id, "user_id": user.id})

    def _user(self, attempt: Attempt) -> User:
        user = self._core.store.get(User, attempt.user_id) if attempt.user_id else None
        if user is None or user.epoch != attempt.epoch or user.status != "active":
            raise AttemptInvalid("user changed since the recovery began")
        return user

"""Prove something, and let the gate decide: the step that sign-in, reauthentication and recovery share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Literal
from uuid import UUID

from nightlatch.authenticators.base import Method, Proof, Subject, Verified
from nightlatch.authenticators.email_code import EmailCode
from nightlatch.authenticators.password import Password
from nightlatch.authenticators.recovery_code import RecoveryCode
from nightlatch.errors import AttemptInvalid, Busy, InvalidCode, InvalidCredentials, InvalidInput, Throttled
from nightlatch.flows.core import Core
from nightlatch.flows.notices import tell_new_device, tell_recovery_code_used, tell_refused
from nightlatch.flows.outcome import Complete, More, Outcome
from nightlatch.flows.phones import phones_told
from nightlatch.flows.remembered import weigh_remembered
from nightlatch.primitives.assurance import condensed, level_of, meets
from nightlatch.primitives.ids import uuid7
from nightlatch.primitives.secret import Secret
from nightlatch.primitives.webauthn_options import Verification
from nightlatch.records import Attempt, Authenticator, Evidence, Identifier, Session, User
from nightlatch.services.client import Client
from nightlatch.services.gate import Assurance, Missing, needed_by
from nightlatch.services.throttle import Spent
from nightlatch.services.users import Claim

__all__ = ["Prove"]


class Prove:
    """Verify a proof, throttled, counted and logged, and turn it into a session if the gate agrees.

    Args:
        core: what flows stand on.
    """

    def __init__(self, core: Core) -> None:
        self._core = core

    def first(
        self,
        client: Client,
        claim: Claim | None,
        typed: str,
        proof: Proof,
        *,
        return_to: str | None,
        deliver: Literal["cookie", "tokens"],
    ) -> Outcome:
        """Verify the proof that comes with the identifier, before any attempt is stored."""
        core = self._core
        subject = self._subject(claim, core.claimed(claim, typed), client)
        user, verified, spent = self.verify(client, subject, core.password, proof)
        granted, held = self._weigh(client, subject, user, (verified.evidence,))
        with core.transaction():
            core.give_back(spent)
            core.password.accept(subject, verified)
            if isinstance(granted, Assurance):
                complete = core.welcome(
                    client, granted, device=subject.device, return_to=return_to, deliver=deliver, replaces=held
                )
                self._log_success(client, complete)
                return complete
            attempt, secret = core.attempts.open(
                "sign_in",
                client,
                life=core.settings.attempts.sign_in_life,
                user_id=user.id,
                epoch=user.epoch,
                evidence=(verified.evidence,),
                step=granted.step,
                proven=self._may_enrol(subject),
                return_to=return_to,
                deliver=deliver,
            )
        return self.more_of(attempt, secret)

    def alone(self, client: Client, claim: Claim | None, typed: str, proof: Proof) -> Assurance:
        """Verify a proof that must be enough by itself: no attempt is opened, and no session started yet.

        Raises:
            InvalidCredentials: it does not hold, or policy asks this user for more.
        """
        core = self._core
        subject = self._subject(claim, core.claimed(claim, typed), client)
        user, verified, spent = self.verify(client, subject, core.password, proof)
        granted = self._gate(client, subject, user, (verified.evidence,))
        with core.transaction():
            core.give_back(spent)
            core.password.accept(subject, verified)
        if isinstance(granted, Missing):
            core.audit.refused("authn_login_fail", client, reason="policy asks for more", user_id=user.id)
            raise InvalidCredentials("policy asks for more than one proof")
        return granted

    def start(self, client: Client, assurance: Assurance) -> Complete:
        """Start the session that an assurance is good for.

        Raises:
            AttemptInvalid: it was given too long ago, or the user was suspended, reset or removed since.
        """
        core = self._core
        if core.clock.now() - assurance.authenticated_at > core.settings.attempts.sign_in_life:
            raise AttemptInvalid("the assurance is too old to start a session with")
        device = core.devices.known(client, assurance.user.id)
        with core.transaction():
            complete = core.welcome(client, assurance, device=device)
            self._log_success(client, complete)
        return complete

    def answer(self, client: Client, attempt: Attempt, kind: str, proof: Proof, *, remember: bool = False) -> Outcome:
        """Verify the proof that answers an open sign-in.

        Args:
            client: who is asking.
            attempt: as it was found.
            kind: of the authenticator that is proven.
            proof: of it.
            remember: whether this browser is to be remembered, if this completes the sign-in.

        Raises:
            InvalidInput: no authenticator of that kind would help now.
        """
        core = self._core
        subject, method = self._asked(client, attempt, kind, proof)
        user, verified, spent = self.verify(client, subject, method, proof)
        collected = (*attempt.evidence, verified.evidence)
        granted, held = self._weigh(client, subject, user, collected)
        with core.transaction():
            core.give_back(spent)
            self._accept(client, user, subject, method, verified)
            if isinstance(granted, Assurance):
                core.attempts.finish(attempt)
                complete = core.welcome(
                    client,
                    granted,
                    device=subject.device,
                    return_to=attempt.return_to,
                    deliver=attempt.deliver,
                    # A recovery code is spent: nothing is left that the browser could stand for.
                    remember=remember and method.kind != RecoveryCode.kind,
                    replaces=held,
                )
                self._log_success(client, complete)
                return complete
            advanced, secret = core.attempts.advance(
                attempt,
                user_id=user.id,
                epoch=user.epoch,
                evidence=collected,
                step=granted.step,
                # Who has proven two factors may bind a third.
                proven=attempt.proven or level_of(collected).aal > 1 or self._may_enrol(subject),
            )
        return self.more_of(advanced, secret)

    def again(self, client: Client, attempt: Attempt, session: Session, kind: str, proof: Proof) -> Outcome:
        """Verify the proof that answers a reauthentication, and rotate its session once the level asked for is reached.

        Raises:
            AttemptInvalid: the attempt is of another session or user (adversary 53).
            InvalidInput: no authenticator of that kind would help now.
        """
        core = self._core
        if attempt.session_id != session.id or attempt.user_id != session.user_id:
            raise AttemptInvalid("reauthentication of another session")
        subject, method = self._asked(client, attempt, kind, proof)
        user, verified, spent = self.verify(client, subject, method, proof)
        collected = (*attempt.evidence, verified.evidence)
        if not self._reaches(attempt, collected, subject.bound):
            with core.transaction():
                core.give_back(spent)
                self._accept(client, user, subject, method, verified)
                advanced, secret = core.attempts.advance(attempt, evidence=collected)
            return self.more_of(advanced, secret)
        granted = core.gate.grant_or_refuse(user, condensed((*session.evidence, *collected)), subject.bound)
        with core.transaction():
            core.give_back(spent)
            self._accept(client, user, subject, method, verified)
            core.attempts.finish(attempt)
            core.users.hold(user)
            complete = core.renew(user, session, epoch=user.epoch, assurance=granted, return_to=attempt.return_to)
            core.audit.done("authn_reauthenticate", client, user_id=user.id, session_id=session.id)
        return replace(complete, enrol=self._out_of_reach(attempt, subject.bound))

    def besides(self, client: Client, attempt: Attempt, kind: str, proof: Proof) -> tuple[Attempt, Secret]:
        """Verify the further authenticator that a recovery asks for; then a password may be set.

        Raises:
            InvalidInput: no authenticator of that kind would help now.
        """
        core = self._core
        subject, method = self._asked(client, attempt, kind, proof)
        user, verified, spent = self.verify(client, subject, method, proof)
        with core.transaction():
            core.give_back(spent)
            self._accept(client, user, subject, method, verified)
            return core.attempts.advance(attempt, evidence=(*attempt.evidence, verified.evidence), step="set")

    def ask_passkey(self, client: Client, attempt: Attempt, secret: Secret) -> More:
        """Tell what the browser is to be asked, with a new challenge of this attempt.

        Raises:
            InvalidInput: no passkey would help now.
        """
        core = self._core
        if attempt.step != "prove" or core.passkey.kind not in self.kinds_for(attempt):
            raise InvalidInput(fields={"authenticator": "This step does not wait for that."})
        knows = any("knowledge" in each.factors for each in attempt.evidence)
        # Alone it stands for two factors, so it must see that it is its owner; beside a password it need not. Whose
        # passkeys would do tells who has an account, so before a first factor none are named (WebAuthn 14.6.2).
        verification: Verification = "preferred" if knows or attempt.purpose == "recover" else "required"
        bound = core.users.authenticators(attempt.user_id) if attempt.user_id else ()
        with core.transaction():
            options = core.passkey.request(attempt, client, bound, verification=verification)
        return replace(self.more_of(attempt, secret), options=options)

    def kinds_for(self, attempt: Attempt) -> tuple[str, ...]:
        """Return the kinds of authenticators that would help an attempt now."""
        core = self._core
        if attempt.user_id is None or (attempt.purpose != "recover" and not attempt.evidence):
            # Before a first factor is proven, all it shows depends on settings only; and an app's or a recovery code is
            # never the first step, of a reauthentication neither (NIST SP 800-63B-4 2.2.3).
            return self._first_steps(attempt)
        if attempt.purpose == "sign_in":
            missing = self._missing(attempt)
            return missing.authenticators if missing else ()
        proven = {factor for each in attempt.evidence for factor in each.factors}
        bound = self._confirmed(core.users.authenticators(attempt.user_id))
        resistant = tuple(kind for kind in bound if core.methods[kind].phishing_resistant)
        if attempt.required_phishing_resistant and resistant:
            return resistant
        kinds = tuple(kind for kind in bound if set(core.methods[kind].factors) - proven)
        return tuple(kind for kind in kinds if kind != Password.kind) if attempt.purpose == "recover" else kinds

    def _first_steps(self, attempt: Attempt) -> tuple[str, ...]:
        passkey = self._core.passkey
        if attempt.purpose == "reauthenticate" and attempt.user_id is not None:
            return self.first_of(attempt.user_id)
        if attempt.identifier_kind == passkey.kind:
            return (passkey.kind,)  # who gave no name can be known by a passkey alone
        if attempt.purpose == "sign_in" and passkey.offered:
            return (Password.kind, passkey.kind)
        return (Password.kind,)

    def first_of(self, user_id: UUID) -> tuple[str, ...]:
        """Return what a user can begin a reauthentication with."""
        owned = self._confirmed(self._core.users.authenticators(user_id))
        return tuple(kind for kind in (Password.kind, self._core.passkey.kind) if kind in owned)

    def _confirmed(self, bound: Sequence[Authenticator]) -> tuple[str, ...]:
        """Return the kinds of what a user has bound, in the registry's order."""
        kinds = {each.kind for each in bound if each.confirmed_at is not None}
        return tuple(kind for kind in self._core.methods if kind in kinds)

    def _reaches(self, attempt: Attempt, evidence: Sequence[Evidence], bound: Sequence[Authenticator]) -> bool:
        """Tell whether a reauthentication has what it asked for, as far as its user's authenticators reach."""
        resistant = any(self._core.methods[kind].phishing_resistant for kind in self._confirmed(bound))
        return meets(
            evidence,
            aal=min(attempt.required_aal, needed_by(bound)),
            phishing_resistant=bool(attempt.required_phishing_resistant) and resistant,
            now=self._core.clock.now(),
        )

    def _out_of_reach(self, attempt: Attempt, bound: Sequence[Authenticator]) -> tuple[str, ...]:
        """Return what to bind where nothing that the user has reaches what a reauthentication asks for."""
        methods, owned = self._core.methods, self._confirmed(bound)
        if attempt.required_phishing_resistant and not any(methods[kind].phishing_resistant for kind in owned):
            return tuple(kind for kind in self._core.gate.enrolled if methods[kind].phishing_resistant)
        return self._core.gate.enrolled if attempt.required_aal > needed_by(bound) else ()

    def _missing(self, attempt: Attempt) -> Missing | None:
        core = self._core
        user = core.store.get(User, attempt.user_id) if attempt.user_id else None
        if user is None or user.epoch != attempt.epoch or user.status != "active":
            raise AttemptInvalid("user changed since the attempt began")
        found = core.gate.admit(user, attempt.evidence, core.users.authenticators(user.id))
        return found if isinstance(found, Missing) else None

    def more_of(self, attempt: Attempt, secret: Secret) -> More:
        """Tell what a sign-in or reauthentication waits for."""
        enrol: tuple[str, ...] = ()
        if attempt.step == "enrol" and attempt.proven:
            missing = self._missing(attempt)
            enrol = missing.enrol if missing else ()
        if attempt.purpose == "reauthenticate" and attempt.user_id is not None:
            enrol = self._out_of_reach(attempt, self._core.users.authenticators(attempt.user_id))
        helping = self._helping(attempt)
        return More(
            attempt=secret,
            purpose=attempt.purpose,
            authenticators=helping,
            phones=phones_told(self._core, attempt, helping),
            enrol=enrol,
            set=(Password.kind,) if attempt.step == "set" else (),
            expires_at=attempt.expires_at,
            may_remember=self._may_remember(attempt),
        )

    def _may_remember(self, attempt: Attempt) -> timedelta | None:
        """Tell for how long the browser may be remembered that this step may complete a sign-in in."""
        last = attempt.purpose == "sign_in" and attempt.step == "prove" and attempt.evidence
        return self._core.settings.sessions.remembering if last and attempt.deliver == "cookie" else None

    def _helping(self, attempt: Attempt) -> tuple[str, ...]:
        if attempt.step == "enrol":
            return () if attempt.proven else (EmailCode.kind,)
        return self.kinds_for(attempt) if attempt.step == "prove" else ()

    def _may_enrol(self, subject: Subject) -> bool:
        """Tell whether a password is enough to bind a factor by: on a known device, or where there is no address."""
        core = self._core
        if subject.device is not None or subject.user is None:
            return subject.device is not None
        return not core.store.find(Identifier, {"user_id": subject.user.id, "kind": "email"}, limit=1)

    def _asked(self, client: Client, attempt: Attempt, kind: str, proof: Proof) -> tuple[Subject, Method]:
        if attempt.step != "prove":
            raise AttemptInvalid(f"attempt is at step {attempt.step}")
        if kind not in self.kinds_for(attempt):
            raise InvalidInput(fields={"authenticator": "This step does not wait for that."})
        return self._of_attempt(attempt, client, proof), self._core.methods[kind]

    def _accept(self, client: Client, user: User, subject: Subject, method: Method, verified: Verified) -> None:
        method.accept(subject, verified)
        if method.kind == RecoveryCode.kind:
            left = len(self._core.recovery_codes.of(subject.bound)) - 1
            self._core.audit.done("authn_recovery_code_used", client, user_id=user.id, details={"left": left})
            tell_recovery_code_used(self._core, client, user, left=left)

    def verify(self, client: Client, subject: Subject, method: Method, proof: Proof) -> tuple[User, Verified, Spent]:
        """Spend, count, verify. A refusal leaves its count and its event behind."""
        core = self._core
        believed = False

        def count() -> None:
            nonlocal believed
            believed = method.count_try(subject)
            if subject.device is not None:
                believed = core.devices.count_try(subject.device) and believed

        charges = core.charges("sign_in", client, subject.key, subject.device)
        try:
            spent = core.throttle.spend(charges, within=count)
        except Throttled:
            core.audit.counted("authn_login_throttled", client, reason="budget spent")
            raise
        try:
            verified = method.verify(subject, proof, client, believed=believed)
        except (Busy, InvalidInput):
            self._take_back(subject, method, spent, counted=believed)
            raise
        except (InvalidCredentials, InvalidCode) as refusal:
            self._log_failure(client, subject, refusal)
            if subject.user is not None and believed and method.is_used_up(subject):
                tell_refused(core, client, subject.user, method.kind)
            raise
        if subject.user is None:  # pragma: no cover - an authenticator that believes a stranger is a bug
            raise InvalidCredentials("proof without a user")
        return subject.user, verified, spent

    def _take_back(self, subject: Subject, method: Method, spent: Spent, *, counted: bool) -> None:
        """A 503 gives back exactly what that request spent: nothing was looked at."""
        core = self._core
        with core.store.transaction(own=True):
            core.give_back(spent)
            if counted or subject.user is None:
                # Not what was refused uncounted: a flood of 503 would wear the hundred failures away.
                method.uncount(subject)
                if subject.device is not None:
                    core.devices.uncount(subject.device)

    def _weigh(
        self, client: Client, subject: Subject, user: User, evidence: tuple[Evidence, ...]
    ) -> tuple[Assurance | Missing, Session | None]:
        granted = self._gate(client, subject, user, evidence)
        if isinstance(granted, Assurance):
            return granted, None
        return weigh_remembered(self._core, subject, user, evidence, granted)

    def _gate(
        self, client: Client, subject: Subject, user: User, evidence: tuple[Evidence, ...]
    ) -> Assurance | Missing:
        try:
            return self._core.gate.admit(user, evidence, subject.bound)
        except InvalidCredentials as refusal:
            self._log_failure(client, subject, refusal)
            raise

    def subject_of(self, user: User, client: Client) -> Subject:
        """Return the subject for somebody who is signed in and proves again."""
        return self._complete(f"user:{user.id}", user, client, None)

    def _subject(self, claim: Claim | None, key: str, client: Client) -> Subject:
        core = self._core
        # What cannot be an identifier is looked up all the same, under a key that nobody has.
        user = core.users.find(claim.kind if claim else "none", claim.key if claim else "")
        return self._complete(key, user, client, None)

    def _of_attempt(self, attempt: Attempt, client: Client, proof: Proof) -> Subject:
        core = self._core
        if attempt.user_id is not None:
            user = core.store.get(User, attempt.user_id)
            if user is None or user.epoch != attempt.epoch:
                raise AttemptInvalid("user changed since the attempt began")
            return self._complete(f"user:{user.id}", user, client, attempt)
        if attempt.identifier_kind == core.passkey.kind:
            claimed, owner = core.passkey.owner_of(proof.credential)
            return self._complete(claimed, core.store.get(User, owner) if owner else None, client, attempt)
        kind, key = attempt.identifier_kind, attempt.identifier_key
        claim = Claim(kind, key, key) if kind and key else None
        user = core.users.find(kind or "none", key or "")
        return self._complete(core.claimed(claim, ""), user, client, attempt)

    def _complete(self, key: str, user: User | None, client: Client, attempt: Attempt | None) -> Subject:
        core = self._core
        return Subject(
            key=key,
            user=user,
            # For a stranger the same statements are run, on rows that are not there (ASVS 6.3.8).
            bound=tuple(core.users.authenticators(user.id if user else uuid7(core.clock.now()))),
            attempt=attempt,
            device=core.devices.known(client, user.id if user else None),
        )

    def _log_success(self, client: Client, complete: Complete) -> None:
        session = complete.session
        self._core.audit.done(
            "authn_login_success",
            client,
            user_id=complete.user.id,
            session_id=session.id if session else None,
            details={"amr": session.amr, "aal": session.aal} if session else None,
        )
        if complete.device is not None:
            tell_new_device(self._core, client, complete.user)

    def _log_failure(self, client: Client, subject: Subject, refusal: InvalidCredentials | InvalidCode) -> None:
        core = self._core
        core.audit.refused(
            "authn_login_fail",
            client,
            reason=refusal.reason,
            user_id=subject.user.id if subject.user else None,
            identifier_hash=None if subject.user else core.audit.identifier_hash("sign_in", subject.key),
            within=lambda: core.devices.refused(subject.device),
        )

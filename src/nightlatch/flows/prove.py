"""Prove something you know, and let the gate decide: the step that sign-in and reauthentication share."""

from __future__ import annotations

from typing import Literal

from nightlatch.authenticators.base import Proof, Subject
from nightlatch.errors import AttemptInvalid, Busy, InvalidCredentials, Throttled
from nightlatch.flows.core import Core
from nightlatch.flows.notices import tell_password_refused
from nightlatch.flows.outcome import Complete, More, Outcome
from nightlatch.primitives.assurance import condensed
from nightlatch.primitives.ids import uuid7
from nightlatch.primitives.secret import Secret
from nightlatch.records import Attempt, Evidence, Session, User
from nightlatch.services.client import Client
from nightlatch.services.gate import Assurance, Missing
from nightlatch.services.throttle import Spent
from nightlatch.services.users import Claim

__all__ = ["Prove"]


class Prove:
    """Verify a password, throttled, counted and logged, and turn it into a session if the gate agrees.

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
        subject = self._subject(claim, self._core.claimed(claim, typed), client)
        user, evidence, spent = self.verify(client, subject, proof)
        granted = self._gate(client, subject, user, (evidence,))
        core = self._core
        with core.transaction():
            core.give_back(spent)
            core.password.accept(subject, evidence)
            if isinstance(granted, Assurance):
                complete = core.welcome(client, granted, device=subject.device, return_to=return_to, deliver=deliver)
                self._log_success(client, complete)
                return complete
            attempt, secret = core.attempts.open(
                "sign_in",
                client,
                life=core.settings.attempts.sign_in_life,
                user_id=user.id,
                epoch=user.epoch,
                evidence=(evidence,),
                step=_step(granted),
                return_to=return_to,
                deliver=deliver,
            )
        return _more(attempt, secret, granted)

    def alone(self, client: Client, claim: Claim | None, typed: str, proof: Proof) -> Assurance:
        """Verify a proof that must be enough by itself: no attempt is opened, and no session started yet.

        Raises:
            InvalidCredentials: it does not hold, or policy asks this user for more.
        """
        core = self._core
        subject = self._subject(claim, core.claimed(claim, typed), client)
        user, evidence, spent = self.verify(client, subject, proof)
        granted = self._gate(client, subject, user, (evidence,))
        with core.transaction():
            core.give_back(spent)
            core.password.accept(subject, evidence)
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

    def answer(self, client: Client, attempt: Attempt, proof: Proof) -> Outcome:
        """Verify the proof that answers an open sign-in."""
        core = self._core
        if attempt.step != "prove":
            raise AttemptInvalid(f"attempt is at step {attempt.step}")
        subject = self._of_attempt(attempt, client)
        user, evidence, spent = self.verify(client, subject, proof)
        collected = (*attempt.evidence, evidence)
        granted = self._gate(client, subject, user, collected)
        with core.transaction():
            core.give_back(spent)
            core.password.accept(subject, evidence)
            if isinstance(granted, Assurance):
                core.attempts.finish(attempt)
                complete = core.welcome(
                    client, granted, device=subject.device, return_to=attempt.return_to, deliver=attempt.deliver
                )
                self._log_success(client, complete)
                return complete
            advanced, secret = core.attempts.advance(
                attempt, user_id=user.id, epoch=user.epoch, evidence=collected, step=_step(granted)
            )
        return _more(advanced, secret, granted)

    def again(self, client: Client, attempt: Attempt, session: Session, proof: Proof) -> Complete:
        """Verify the proof that answers a reauthentication, and rotate its session.

        Raises:
            AttemptInvalid: the attempt is of another session or user (adversary 53).
        """
        core = self._core
        if attempt.session_id != session.id or attempt.user_id != session.user_id:
            raise AttemptInvalid("reauthentication of another session")
        subject = self._of_attempt(attempt, client)
        user, evidence, spent = self.verify(client, subject, proof)
        granted = core.gate.grant_or_refuse(user, condensed((*session.evidence, evidence)), subject.bound)
        with core.transaction():
            core.give_back(spent)
            core.password.accept(subject, evidence)
            core.attempts.finish(attempt)
            core.users.hold(user)
            complete = core.renew(user, session, epoch=user.epoch, assurance=granted, return_to=attempt.return_to)
            core.audit.done("authn_reauthenticate", client, user_id=user.id, session_id=session.id)
        return complete

    def verify(self, client: Client, subject: Subject, proof: Proof) -> tuple[User, Evidence, Spent]:
        """Spend, count, verify. A refusal leaves its count and its event behind."""
        core = self._core
        believed = False

        def count() -> None:
            nonlocal believed
            believed = core.password.count_try(subject)
            if subject.device is not None:
                believed = core.devices.count_try(subject.device) and believed

        charges = core.charges("sign_in", client, subject.key, subject.device)
        try:
            spent = core.throttle.spend(charges, within=count)
        except Throttled:
            core.audit.counted("authn_login_throttled", client, reason="budget spent")
            raise
        try:
            evidence = core.password.verify(subject, proof, client, believed=believed)
        except Busy:
            self._take_back(subject, spent, counted=believed)
            raise
        except InvalidCredentials as refusal:
            self._log_failure(client, subject, refusal)
            if subject.user is not None and believed and core.password.is_used_up(subject):
                tell_password_refused(core, client, subject.user)
            raise
        if subject.user is None:  # pragma: no cover - an authenticator that believes a stranger is a bug
            raise InvalidCredentials("proof without a user")
        return subject.user, evidence, spent

    def _take_back(self, subject: Subject, spent: Spent, *, counted: bool) -> None:
        """A 503 gives back exactly what that request spent: nothing was looked at."""
        core = self._core
        with core.store.transaction(own=True):
            core.give_back(spent)
            if counted or subject.user is None:
                # Not what was refused uncounted: a flood of 503 would wear the hundred failures away.
                core.password.uncount(subject)
                if subject.device is not None:
                    core.devices.uncount(subject.device)

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

    def _of_attempt(self, attempt: Attempt, client: Client) -> Subject:
        core = self._core
        if attempt.user_id is not None:
            user = core.store.get(User, attempt.user_id)
            if user is None or user.epoch != attempt.epoch:
                raise AttemptInvalid("user changed since the attempt began")
            return self._complete(f"user:{user.id}", user, client, attempt)
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

    def _log_failure(self, client: Client, subject: Subject, refusal: InvalidCredentials) -> None:
        core = self._core
        core.audit.refused(
            "authn_login_fail",
            client,
            reason=refusal.reason,
            user_id=subject.user.id if subject.user else None,
            identifier_hash=None if subject.user else core.audit.identifier_hash("sign_in", subject.key),
            within=lambda: core.devices.refused(subject.device),
        )


def _step(missing: Missing) -> str:
    return "set" if missing.set else "prove" if missing.authenticators else "enrol"


def _more(attempt: Attempt, secret: Secret, missing: Missing) -> More:
    return More(
        attempt=secret,
        purpose=attempt.purpose,
        authenticators=missing.authenticators,
        enrol=missing.enrol,
        set=missing.set,
        expires_at=attempt.expires_at,
    )

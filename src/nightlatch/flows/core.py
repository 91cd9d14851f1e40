"""What every flow stands on, wired once by `nightlatch.auth`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from nightlatch.authenticators.base import Method
from nightlatch.authenticators.passkey import Passkey
from nightlatch.authenticators.password import Password
from nightlatch.authenticators.recovery_code import RecoveryCode
from nightlatch.authenticators.sms_code import SmsCode
from nightlatch.authenticators.totp import Totp
from nightlatch.errors import Throttled
from nightlatch.flows.outcome import Complete, More
from nightlatch.ports import Clock, Store
from nightlatch.primitives.keyring import Keyring
from nightlatch.primitives.secret import Secret
from nightlatch.records import Device, Evidence, Session, User
from nightlatch.services.api_keys import ApiKeys
from nightlatch.services.attempts import Attempts
from nightlatch.services.audit import Audit
from nightlatch.services.background import Background
from nightlatch.services.client import Client
from nightlatch.services.devices import Devices
from nightlatch.services.gate import Assurance, Gate, Missing
from nightlatch.services.one_time import OneTimeSecrets
from nightlatch.services.outbox import Outbox
from nightlatch.services.sessions import Sessions
from nightlatch.services.text_guard import TextGuard
from nightlatch.services.throttle import Charge, Spent, Throttle
from nightlatch.services.tokens import Tokens
from nightlatch.services.users import Claim, Users
from nightlatch.settings import Settings

__all__ = ["Core"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Core:
    """The services and authenticators of one installation, and the few moves that several flows share."""

    settings: Settings
    store: Store
    clock: Clock
    keyring: Keyring
    gate: Gate
    users: Users
    attempts: Attempts
    one_time: OneTimeSecrets
    sessions: Sessions
    tokens: Tokens
    api_keys: ApiKeys
    devices: Devices
    throttle: Throttle
    audit: Audit
    outbox: Outbox
    background: Background
    password: Password
    passkey: Passkey
    totp: Totp
    recovery_codes: RecoveryCode
    sms: SmsCode
    texts: TextGuard
    methods: Mapping[str, Method]
    """Every authenticator of this installation, by its kind."""

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Begin a flow's transaction: its events reach the sinks, and its messages the worker, once it commits."""
        with self.audit.transaction():
            yield
        if self.outbox.enqueued:
            self.outbox.enqueued = False
            self.background.wake()

    def link(self, page: str, secret: Secret) -> str:
        """Return the address of a mailed link. It is built from settings alone, never from a request (adversary 36)."""
        return f"{self.settings.base_url}{self.settings.mount}/{page}?link={secret.reveal()}"

    def charges(self, act: str, client: Client, claim_key: str, device: Device | None) -> Sequence[Charge]:
        """Return the budgets that a guess is counted against; a known device's own stands in for all others."""
        budgets = self.settings.throttle
        if device is not None:
            return [Charge(budgets.sign_in_per_device, f"{act}:device:{device.id}")]
        return [
            Charge(budgets.sign_in_per_identifier, f"{act}:identifier:{claim_key}"),
            Charge(budgets.sign_in_per_address, f"{act}:address:{client.address}"),
            Charge(budgets.sign_in_per_network, f"{act}:network:{client.network}"),
        ]

    def spend_call(self, client: Client) -> None:
        """Spend one of the calls that an address may make on attempts and on what is bound.

        Raises:
            Throttled: it has made too many.
        """
        budget = self.settings.throttle.attempt_calls_per_address
        self.throttle.spend([Charge(budget, f"attempt:address:{client.address}")])

    def spend_guess(self, client: Client, destination: object) -> Spent:
        """Count a guess at a code that was sent against destination and network, over all attempts (adversary 44).

        Args:
            client: who guesses.
            destination: where it was sent, or whose it is.

        Raises:
            Throttled: too many guesses.
        """
        budgets = self.settings.throttle
        charges = [
            Charge(budgets.code_failures_per_destination, f"code:destination:{destination}"),
            Charge(budgets.code_failures_per_address, f"code:address:{client.address}"),
        ]
        try:
            return self.throttle.spend(charges)
        except Throttled:
            self.audit.counted("authn_code_throttled", client, reason="budget spent")
            raise

    def place(self, client: Client, *passwords: Secret | None) -> AbstractContextManager[None]:
        """Keep a place in the hashing pool, where there is a password to hash, before anything is looked up for it.

        Raises:
            Busy: on entering; the pool is full.
        """
        return nullcontext() if all(each is None for each in passwords) else self.password.place(client)

    def welcome(
        self,
        client: Client,
        assurance: Assurance,
        *,
        device: Device | None = None,
        return_to: str | None = None,
        deliver: Literal["cookie", "tokens"] = "cookie",
        remember: bool = False,
        replaces: Session | None = None,
    ) -> Complete:
        """Start a session and remember its device, in the transaction that is open.

        A client that asked for tokens gets no cookie, and so no device either: its session's own secret is forgotten.
        """
        user = assurance.user
        self.note_enrolment_asked(assurance)
        enrol = self.gate.enrolled if assurance.enrol_by is not None else ()
        if deliver == "tokens":
            session, _ = self.sessions.start(assurance, client, deliver=deliver)
            refresh = self.tokens.begin(session)
            return Complete(user=user, session=session, refresh=refresh, return_to=return_to, enrol=enrol)
        left = self.sessions.remembered(user, device.id) if device is not None and replaces is None else None
        if left is not None:
            # Everything was proven anew: what the browser held before is of no more use.
            self.sessions.end(left.id, user.id)
        device_id, device_token = self.devices.welcome(user.id, client, device)
        session, token = self.sessions.start(
            assurance,
            client,
            device_id=device_id,
            remember=remember and assurance.level.aal > 1,
            replaces=replaces,
        )
        return Complete(
            user=user,
            session=session,
            token=Secret(token.text()),
            device=device_token,
            return_to=return_to,
            enrol=enrol,
        )

    def lead_through(
        self,
        client: Client,
        user: User,
        evidence: tuple[Evidence, ...],
        missing: Missing,
        *,
        return_to: str | None,
        deliver: Literal["cookie", "tokens"] = "cookie",
    ) -> More:
        """Begin the sign-in of somebody who has just come to be and of whom more is asked, in the open transaction.

        Whatever address they have was proven by this very client: nothing stands before what they are to bind.
        """
        attempt, secret = self.attempts.open(
            "sign_in",
            client,
            life=self.settings.attempts.sign_in_life,
            user_id=user.id,
            epoch=user.epoch,
            evidence=evidence,
            step=missing.step,
            proven=True,
            return_to=return_to,
            deliver=deliver,
        )
        return More(
            attempt=secret,
            purpose="sign_in",
            authenticators=missing.authenticators,
            enrol=missing.enrol,
            set=missing.set,
            expires_at=attempt.expires_at,
        )

    def note_enrolment_asked(self, assurance: Assurance) -> None:
        """Let a grace period begin, in the transaction that is open; of two at once the first counts."""
        user = assurance.user
        if assurance.enrol_by is not None and user.enrolment_asked_at is None:
            guard = {"id": user.id, "enrolment_asked_at": None}
            self.store.update(User, guard, {"enrolment_asked_at": self.clock.now()})

    def renew(
        self,
        user: User,
        session: Session,
        *,
        epoch: int,
        assurance: Assurance | None = None,
        device: tuple[UUID, Secret | None] | None = None,
        return_to: str | None = None,
    ) -> Complete:
        """Give a session a new secret, in the transaction that is open: a cookie's value or refresh tokens, as it was.

        Args:
            user: whose.
            session: as it was recognised.
            epoch: the user's epoch from now on.
            assurance: with what was newly proven; None: as it is.
            device: the remembered device from now on, and its cookie's value; None: as it is.
            return_to: where the person wanted to go.
        """
        device_id, device_token = device or (None, None)
        rotated, token = self.sessions.rotate(session, epoch=epoch, assurance=assurance, device_id=device_id)
        if session.deliver == "tokens":
            return Complete(user=user, session=rotated, refresh=self.tokens.begin(rotated), return_to=return_to)
        return Complete(
            user=user, session=rotated, token=Secret(token.text()), device=device_token, return_to=return_to
        )

    def give_back(self, spent: Spent) -> None:
        """Return what a request spent, now that it succeeded or was not looked at."""
        self.throttle.give_back(spent)

    def claimed(self, claim: Claim | None, typed: str) -> str:
        """Return the key that a guess is counted under, for what is no possible identifier as well."""
        return f"{claim.kind}:{claim.key}" if claim else f"none:{typed[:320].casefold()}"

    def about(self, user: User) -> list[str | None]:
        """Return what a user's password must not consist of."""
        return [user.username, user.email, user.name]

"""Sign up: a claim, its proof, and only then an account.

Nothing exists until it is proven. What was typed before the proof (password, name) lies sealed in the attempt and
counts only if the proof comes with that attempt's own secret: the trojan password, session and identifier of the
pre-hijacking paper have nowhere to live (adversary 2, 14; USENIX Security 2022).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, NoReturn

import msgspec

from nightlatch.authenticators.email_code import EmailCode
from nightlatch.errors import (
    AttemptInvalid,
    Conflict,
    InvalidInput,
    LinkInvalid,
    SignUpClosed,
    Throttled,
    UsernameTaken,
)
from nightlatch.flows.core import Core
from nightlatch.flows.names import clean_name, identified
from nightlatch.flows.outcome import More, Outcome
from nightlatch.pages.devices import device_words
from nightlatch.pages.mails import AddressTakenMail, ConfirmAddressMail
from nightlatch.primitives.identifiers import normalise_email, normalise_username
from nightlatch.primitives.secret import Secret
from nightlatch.records import Attempt, Authenticator, Evidence, Identifier, OneTimeSecret, User
from nightlatch.services.attempts import Claims
from nightlatch.services.client import Client
from nightlatch.services.gate import Assurance
from nightlatch.services.throttle import Charge

__all__ = ["Bind", "SignUp"]

Bind = Callable[[User], tuple[Authenticator, Evidence]]
"""Writes a new user's first authenticator, and returns it with what it proves."""


class SignUp:
    """Let a person make an account.

    Args:
        core: what flows stand on.
    """

    def __init__(self, core: Core) -> None:
        self._core = core

    def begin(
        self,
        client: Client,
        *,
        email: str | None = None,
        username: str | None = None,
        name: str | None = None,
        password: Secret | None = None,
        return_to: str | None = None,
        deliver: Literal["cookie", "tokens"] = "cookie",
    ) -> Outcome:
        """Begin a sign-up. Where an address is asked the answer is the same for known and unknown ones.

        Args:
            client: who is asking.
            email: the address to prove, where settings ask for one.
            username: the user name, where settings ask for one; may also be chosen after proof.
            name: what to call the person.
            password: may also be set after proof; pages do that.
            return_to: where the person wanted to go.
            deliver: a cookie session or tokens.

        Returns:
            an attempt that waits for the mailed code; or, with user names only, the account and its session.

        Raises:
            SignUpClosed: settings say so.
            InvalidInput: something is missing or malformed; `PasswordRejected`, `UsernameTaken` likewise.
            Throttled: too many sign-ups from here.
            Busy: the hashing pool is full.
        """
        core = self._core
        if core.settings.sign_up == "closed":
            raise SignUpClosed("sign-up is closed by settings")
        claims = self._claims(email, username, name)
        with core.place(client, password):
            return self._begin(client, claims, password, return_to, deliver)

    def _begin(
        self,
        client: Client,
        claims: Claims,
        password: Secret | None,
        return_to: str | None,
        deliver: Literal["cookie", "tokens"],
    ) -> Outcome:
        core = self._core
        if password is not None:
            core.password.validate(password, about=[claims.email, claims.username, claims.name])
        elif not core.settings.asks_email:
            raise InvalidInput(fields={"password": "Please choose a password."})
        self._spend(client)
        if claims.username_key is not None and core.users.find("username", claims.username_key) is not None:
            raise UsernameTaken
        # The same work for known and unknown addresses: hashed before anything is looked up.
        hashed = core.password.hash(password, client) if password is not None else None
        claims = msgspec.structs.replace(claims, password_hash=hashed)
        if not core.settings.asks_email:
            bind = self._password(claims)
            return self.create(client, None, claims, bind, proof=None, return_to=return_to, deliver=deliver)
        return self._await_proof(client, claims, return_to, deliver)

    def _claims(self, email: str | None, username: str | None, name: str | None) -> Claims:
        settings = self._core.settings
        fields: dict[str, str] = {}
        if settings.asks_email and not email:
            fields["email"] = "Please type your e-mail address."
        if not settings.asks_email and not username:
            fields["username"] = "Please choose a user name."
        if not settings.asks_email and email:
            fields["email"] = "No e-mail address is asked for here."
        if not settings.asks_username and username:
            fields["username"] = "No user name is asked for here."
        if fields:
            raise InvalidInput(fields=fields)
        address = normalise_email(email) if email else None
        chosen = normalise_username(username) if username else None
        return Claims(
            email=address.value if address else None,
            email_key=address.key if address else None,
            username=chosen.value if chosen else None,
            username_key=chosen.key if chosen else None,
            name=clean_name(name),
        )

    def _spend(self, client: Client) -> None:
        core, budgets = self._core, self._core.settings.throttle
        try:
            core.throttle.spend(
                [
                    Charge(budgets.sign_up_per_address, f"sign_up:address:{client.address}"),
                    Charge(budgets.sign_up_per_network, f"sign_up:network:{client.network}"),
                ]
            )
        except Throttled:
            core.audit.counted("user_create_throttled", client, reason="budget spent")
            raise

    def _await_proof(
        self, client: Client, claims: Claims, return_to: str | None, deliver: Literal["cookie", "tokens"]
    ) -> More:
        core = self._core
        with core.transaction():
            attempt, secret = core.attempts.open(
                "sign_up",
                client,
                life=core.settings.attempts.address_proof_life,
                claims=claims,
                identifier_kind="email",
                identifier_key=claims.email_key,
                return_to=return_to,
                deliver=deliver,
            )
        self.send(client, attempt, claims)
        return More(
            attempt=secret,
            purpose="sign_up",
            authenticators=(EmailCode.kind,),
            expires_at=attempt.expires_at,
            address=claims.email,
        )

    def send(self, client: Client, attempt: Attempt, claims: Claims) -> None:
        """Mail a code and a link; to an address that has an account, a different mail and the same rows."""
        core = self._core
        address, key = claims.email or "", claims.email_key or ""
        capped = not core.outbox.within_cap(key)
        taken = core.users.identifier("email", key)
        with core.transaction():
            core.attempts.count_code(attempt, core.settings.attempts.codes_per_attempt)
            issued = core.one_time.issue(
                "sign_up",
                destination_key=key,
                life=core.settings.attempts.address_proof_life,
                attempt=attempt,
                worthless=taken is not None,
            )
            mail = self._taken_mail(client) if taken else self._confirm_mail(client, issued.code, issued.link, address)
            core.outbox.enqueue(
                mail,
                to=_recipient(taken, address),
                user_id=taken.user_id if taken else None,
                expires_at=issued.record.expires_at,
                decoy=capped,
            )

    def _confirm_mail(self, client: Client, code: Secret | None, link: Secret, address: str) -> ConfirmAddressMail:
        core = self._core
        return ConfirmAddressMail(
            service_name=core.settings.service_name,
            address=address,
            code=code.reveal() if code else "",
            link=core.link("verify", link),
            device=device_words(client.user_agent),
            place=client.ip,
            minutes=int(core.settings.attempts.address_proof_life.total_seconds() // 60),
        )

    def _taken_mail(self, client: Client) -> AddressTakenMail:
        settings = self._core.settings
        return AddressTakenMail(
            service_name=settings.service_name,
            sign_in_link=f"{settings.base_url}{settings.mount}/sign-in",
            device=device_words(client.user_agent),
            place=client.ip,
        )

    # --- after proof ------------------------------------------------------------------------------------------------

    def proven(self, client: Client, attempt: Attempt, redeemed: OneTimeSecret) -> Outcome:
        """Go on in the attempt whose own code was typed, or whose own link was opened where it began."""
        core = self._core
        claims = core.attempts.claims(attempt)
        proof = EmailCode.evidence(redeemed, core.clock.now())
        if claims.username_key is not None and core.users.find("username", claims.username_key) is not None:
            claims = msgspec.structs.replace(claims, username=None, username_key=None)  # taken since it was typed
        if claims.password_hash is not None and self._has_names(claims):
            bind = self._password(claims)
            return self.create(
                client,
                attempt,
                claims,
                bind,
                proof=proof,
                redeemed=redeemed,
                return_to=attempt.return_to,
                deliver=attempt.deliver,
            )
        with core.transaction():
            core.one_time.redeem(redeemed)
            sealed = core.attempts.seal(attempt.id, claims)
            advanced, secret = core.attempts.advance(
                attempt, proven=True, evidence=(proof,), step="set", sealed_claims=sealed
            )
        return self.more(advanced, secret, claims)

    def fork(self, client: Client, redeemed: OneTimeSecret, origin: Attempt) -> More:
        """Go on in a fresh attempt, where a link was pressed that began elsewhere: the address is proven, nothing else.

        The attempt it began in stays unproven for ever, and with it the password that somebody typed there.
        """
        core = self._core
        began = core.attempts.claims(origin)
        claims = Claims(email=began.email, email_key=began.email_key)
        with core.transaction():
            core.one_time.redeem(redeemed)
            attempt, secret = core.attempts.open(
                "sign_up",
                client,
                life=core.settings.attempts.address_proof_life,
                claims=claims,
                identifier_kind="email",
                identifier_key=claims.email_key,
                proven=True,
                evidence=(EmailCode.evidence(redeemed, core.clock.now()),),
                step="set",
            )
        return self.more(attempt, secret, claims)

    def more(self, attempt: Attempt, secret: Secret, claims: Claims) -> More:
        """Tell what a sign-up waits for."""
        proving = attempt.step == "prove"
        nameless = not self._has_names(claims)
        passkey = self._core.passkey
        wanted = ("username", "password") if nameless else ("password",)
        return More(
            attempt=secret,
            purpose="sign_up",
            authenticators=(EmailCode.kind,) if proving else (),
            set=() if proving else wanted,
            # In place of a password: it is the whole sign-in.
            enrol=(passkey.kind,) if passkey.offered and not proving and not nameless else (),
            expires_at=attempt.expires_at,
            address=claims.email,
        )

    def set_password(
        self, client: Client, attempt: Attempt, password: Secret, *, username: str | None, name: str | None
    ) -> Outcome:
        """Set the password (and what else was missing) of a proven sign-up, and make the account."""
        core = self._core
        if not attempt.proven or attempt.step != "set":
            raise AttemptInvalid("a password is set only after proof")  # adversary 34, 51: a server-side fact
        claims = core.attempts.claims(attempt)
        if core.settings.asks_username and claims.username_key is None:
            if not username:
                raise InvalidInput(fields={"username": "Please choose a user name."})
            chosen = normalise_username(username)
            claims = msgspec.structs.replace(claims, username=chosen.value, username_key=chosen.key)
        if name is not None:
            claims = msgspec.structs.replace(claims, name=clean_name(name))
        core.password.validate(password, about=[claims.email, claims.username, claims.name])
        self._spend_names(client, claims)
        hashed = core.password.hash(password, client)
        return self.create(
            client,
            attempt,
            claims,
            self._password(msgspec.structs.replace(claims, password_hash=hashed)),
            proof=attempt.evidence[-1],
            return_to=attempt.return_to,
            deliver=attempt.deliver,
        )

    def _spend_names(self, client: Client, claims: Claims) -> None:
        """Tell that a user name is taken only within a budget: names are public, lists of them need not be."""
        if claims.username_key is None:
            return
        self._spend(client)
        if self._core.users.find("username", claims.username_key) is not None:
            raise UsernameTaken

    def _has_names(self, claims: Claims) -> bool:
        return claims.username_key is not None or not self._core.settings.asks_username

    def _password(self, claims: Claims) -> Bind:
        """Return what binds the password that was chosen, once there is a user."""

        def bind(user: User) -> tuple[Authenticator, Evidence]:
            now = self._core.clock.now()
            record = self._core.password.bind(user.id, claims.password_hash or "", at=now)
            return record, Evidence(
                authenticator="password",
                authenticator_id=record.id,
                factors=("knowledge",),
                amr=("pwd",),
                verified_at=now,
            )

        return bind

    def create(
        self,
        client: Client,
        attempt: Attempt | None,
        claims: Claims,
        bind: Bind,
        *,
        proof: Evidence | None,
        redeemed: OneTimeSecret | None = None,
        return_to: str | None,
        deliver: Literal["cookie", "tokens"],
    ) -> Outcome:
        """Make user, identifiers, their first authenticator and session in one transaction.

        Args:
            client: who is asking.
            attempt: the sign-up, where there is one to finish.
            claims: who the user will be.
            bind: writes the authenticator in the transaction that is open, and returns it with what it proves.
            proof: of the address.
            redeemed: the code or link that is spent with it.
            return_to: where the person wanted to go.
            deliver: a cookie session or tokens.
        """
        core = self._core
        now = core.clock.now()
        try:
            with core.transaction():
                if redeemed is not None:
                    core.one_time.redeem(redeemed)
                if attempt is not None:
                    core.attempts.finish(attempt)
                user = core.users.create(claims=identified(claims), name=claims.name, roles=(), proven_at=now)
                record, known = bind(user)
                evidence = tuple(each for each in (proof, known) if each)
                granted = core.gate.admit(user, evidence, (record,))
                core.audit.done("user_created", client, user_id=user.id)
                if not isinstance(granted, Assurance):
                    # Policy asks for more than a password: the account is made, and what comes next leads to the rest.
                    return core.lead_through(client, user, evidence, granted, return_to=return_to, deliver=deliver)
                return core.welcome(client, granted, return_to=return_to, deliver=deliver)
        except Conflict:
            self._lost_the_race(claims)

    def _lost_the_race(self, claims: Claims) -> NoReturn:
        """Say what a uniqueness clash means: somebody proved the address, or took the name, a moment before."""
        if claims.username_key is not None and self._core.users.find("username", claims.username_key) is not None:
            raise UsernameTaken from None
        raise LinkInvalid("the address was proven by another attempt") from None


def _recipient(taken: Identifier | None, address: str) -> str:
    # CVE-2019-19844: mail about an account goes to the address that is stored, never to a look-alike that was typed.
    return taken.value if taken else address

"""The addresses of an account: a new one, the primary one, one that goes.

Whoever takes over the address takes over the account, so a change needs a fresh proof of who one is, a proof of the new
mailbox, and a second factor or a code from the old mailbox; without either it waits seven days, told everywhere, and
the old addresses can stop it. When it is done, a link to the old ones freezes the account and does nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import msgspec

from nightlatch.authenticators.email_code import EmailCode
from nightlatch.errors import AttemptInvalid, Conflict, InvalidInput, NotAuthenticated, NotFound, Throttled
from nightlatch.flows import address_mails as mails
from nightlatch.flows.core import Core
from nightlatch.flows.fresh import FRESH, see_that_it_is_fresh, see_that_it_is_ours
from nightlatch.flows.outcome import Complete, More, Outcome
from nightlatch.ports import before
from nightlatch.primitives.assurance import meets
from nightlatch.primitives.identifiers import normalise_email
from nightlatch.primitives.secret import Secret
from nightlatch.records import Attempt, Identifier, OneTimeSecret, Session, User
from nightlatch.services.attempts import Claims
from nightlatch.services.client import NOBODY, Client
from nightlatch.services.throttle import Charge
from nightlatch.services.users import Claim

__all__ = ["PURPOSE", "Addresses", "Pending"]

PURPOSE = "change_email"
_MOST = 10


class _New(Claims, frozen=True, kw_only=True, omit_defaults=True):
    keep_old: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """A change that waits: for a code from the old address, or for its time."""

    address: str
    keep_old: bool
    changes_at: datetime


class Addresses:
    """Change, add, prefer and remove addresses.

    Args:
        core: what flows stand on.
    """

    def __init__(self, core: Core) -> None:
        self._core = core

    def begin(self, client: Client, session: Session, *, email: str, keep_old: bool = False) -> More:
        """Begin a change: a code goes to the new address. The answer is the same whoever has that address.

        Args:
            client: who is asking.
            session: the acting one; only it may go on with the attempt.
            email: the new address, as typed.
            keep_old: add it, and leave the primary one what it is.

        Raises:
            ReauthenticationRequired: the session's proof is not fresh.
            InvalidInput: it is no address, or one's own, or there are ten.
            Forbidden: the application keeps this account.
            Throttled: too many changes from here, or of this account.
        """
        core = self._core
        user = self._sensitive(session)
        if not core.settings.asks_email:
            raise InvalidInput(fields={"email": "No e-mail address is asked for here."})
        new = normalise_email(email)
        own = self.of(user.id)
        if new.key in {each.key for each in own}:
            raise InvalidInput(fields={"email": "That is your address already."})
        if len(own) >= _MOST:
            raise InvalidInput(fields={"email": f"An account has at most {_MOST} addresses. Please remove one first."})
        self._spend(client, user)
        life = core.settings.attempts.address_proof_life
        with core.transaction():
            attempt, secret = core.attempts.open(
                PURPOSE,
                client,
                life=life,
                claims=_New(email=new.value, email_key=new.key, keep_old=keep_old),
                identifier_kind="email",
                identifier_key=new.key,
                user_id=user.id,
                epoch=user.epoch,
                session_id=session.id,
            )
        self.send(client, attempt)
        return self.more(attempt, secret)

    def send(self, client: Client, attempt: Attempt) -> None:
        """Mail another code to the address that the attempt waits for.

        Raises:
            AttemptInvalid: this attempt has had its codes.
        """
        core = self._core
        if attempt.step != "prove":
            raise AttemptInvalid("the code to the old address is sent once")
        new = core.attempts.claims(attempt, _New)
        key = new.email_key or ""
        capped = not core.outbox.within_cap(key)
        taken = core.users.identifier("email", key) is not None
        with core.transaction():
            core.attempts.count_code(attempt, core.settings.attempts.codes_per_attempt)
            issued = core.one_time.issue(
                PURPOSE,
                destination_key=key,
                life=core.settings.attempts.address_proof_life,
                attempt=attempt,
                user_id=attempt.user_id,
                worthless=taken,
            )
            # To an address that has another account nothing is sent: its owner has no part in this.
            mails.new_address(core, client, issued, to=new.email or "", decoy=capped or taken)

    def belongs(self, attempt: Attempt, session: Session | None) -> Session:
        """Return the session that a change belongs to, if this is it (adversary 53).

        Raises:
            NotAuthenticated: it is not.
        """
        if session is None or attempt.session_id != session.id or attempt.user_id != session.user_id:
            raise NotAuthenticated("a change of address goes with its session")
        return session

    def proven(self, client: Client, session: Session, attempt: Attempt, redeemed: OneTimeSecret) -> Outcome:
        """Go on after a right code: the new address's, or then the old one's, which makes the change at once."""
        core = self._core
        user = self._unchanged(attempt)
        if attempt.step == "wait":
            return self._change(client, user, attempt, redeemed)
        now = core.clock.now()
        strong = meets(session.evidence, aal=2, max_age=FRESH, now=now)
        if strong or not self.of(user.id):
            return self._change(client, user, attempt, redeemed)
        due = now + core.settings.accounts.address_change_wait
        with core.transaction():
            core.one_time.redeem(redeemed)
            self._drop_pending(user.id, besides=attempt.id)
            advanced, secret = core.attempts.advance(
                attempt,
                proven=True,
                evidence=(EmailCode.evidence(redeemed, now),),
                step="wait",
                expires_at=due,
            )
            core.audit.done("user_address_change_begun", client, user_id=user.id, session_id=session.id)
            mails.waiting(core, client, user, advanced, self.of(user.id))
        return self.more(advanced, secret)

    def more(self, attempt: Attempt, secret: Secret) -> More:
        """Tell what a change waits for: a code from the new address, then one from the old."""
        address = self._core.attempts.claims(attempt, _New).email
        if attempt.step == "wait" and attempt.user_id is not None:
            address = next((each.value for each in self.of(attempt.user_id) if each.primary), None)
        return More(
            attempt=secret,
            purpose=PURPOSE,
            authenticators=(EmailCode.kind,),
            expires_at=attempt.expires_at,
            address=address,
        )

    # --- the change -------------------------------------------------------------------------------------------------

    def _change(self, client: Client, user: User, attempt: Attempt, redeemed: OneTimeSecret | None) -> Complete:
        core = self._core
        new = core.attempts.claims(attempt, _New)
        old = self.of(user.id)
        try:
            with core.transaction():
                if redeemed is not None:
                    core.one_time.redeem(redeemed)
                core.attempts.finish(attempt)
                core.users.hold(user)
                self._write(user, new, old)
                core.one_time.void_for(user.id)  # adversary 32: what went to the old address is worth nothing now
                core.attempts.end_recoveries(user.id)
                core.audit.done("user_address_changed", client, user_id=user.id, session_id=attempt.session_id)
                primary = not (new.keep_old and old)
                mails.changed(core, client, user, old, new.email or "", added=new.keep_old, primary=primary)
        except Conflict:
            raise AttemptInvalid("the address was proven by another account meanwhile") from None
        return Complete(user=core.store.get(User, user.id) or user)

    def _write(self, user: User, new: _New, old: list[Identifier]) -> None:
        core = self._core
        claim = Claim("email", new.email or "", new.email_key or "")
        (row,) = core.users.identifiers(user.id, [claim], proven_at=core.clock.now())
        first = not any(each.primary for each in old)
        if new.keep_old and not first:
            core.store.insert(msgspec.structs.replace(row, primary=False))
            return
        # Adversary 33: the one replaced is the one that is primary now, and goes in the same transaction.
        core.store.delete(Identifier, {"user_id": user.id, "kind": "email", "primary": True})
        core.store.insert(row)
        core.users.change(user.id, email=row.value)

    def change_due(self, limit: int = 100) -> int:
        """Make the changes whose waiting time is over, in a small batch."""
        core = self._core
        due = {"purpose": PURPOSE, "status": "open", "step": "wait", "expires_at": before(core.clock.now())}
        made = 0
        for attempt in core.store.find(Attempt, due, order_by="expires_at", limit=limit):
            try:
                self._change(NOBODY, self._unchanged(attempt), attempt, None)
                made += 1
            except AttemptInvalid:
                # A password changed, a suspension, a closing or another change since: it never comes about.
                core.store.update(Attempt, {"id": attempt.id, "status": "open"}, {"status": "dead"})
        return made

    # --- the change that waits --------------------------------------------------------------------------------------

    def pending(self, user_id: UUID) -> Pending | None:
        """Return the change that waits, if there is one."""
        core = self._core
        user = core.store.get(User, user_id)
        for each in core.store.find(
            Attempt, {"user_id": user_id, "purpose": PURPOSE, "status": "open", "step": "wait"}
        ):
            if user is not None and each.epoch == user.epoch and each.expires_at > core.clock.now():
                new = core.attempts.claims(each, _New)
                return Pending(address=new.email or "", keep_old=new.keep_old, changes_at=each.expires_at)
        return None

    def _waiting(self, user_id: UUID) -> list[Attempt]:
        where = {"user_id": user_id, "purpose": PURPOSE, "status": "open", "step": "wait"}
        return self._core.store.find(Attempt, where)

    def drop(self, client: Client, session: Session) -> None:
        """Drop the change that waits.

        Raises:
            NotFound: none does.
        """
        core = self._core
        with core.transaction():
            if not self._drop_pending(session.user_id):
                raise NotFound("no change waits")
            core.audit.done("user_address_change_dropped", client, user_id=session.user_id, session_id=session.id)

    def _drop_pending(self, user_id: UUID, besides: UUID | None = None) -> int:
        core = self._core
        guarded = [{"id": each.id, "status": "open"} for each in self._waiting(user_id) if each.id != besides]
        return sum(core.store.update(Attempt, each, {"status": "dead", "sealed_claims": None}) for each in guarded)

    # --- several addresses ------------------------------------------------------------------------------------------

    def of(self, user_id: UUID) -> list[Identifier]:
        """Return a user's addresses, oldest first."""
        return self._core.store.find(Identifier, {"user_id": user_id, "kind": "email"}, order_by="created_at")

    def prefer(self, client: Client, session: Session, id: UUID) -> None:  # noqa: A002 - the field is called id
        """Make one of the user's addresses the primary one.

        Raises:
            NotFound: the user has no such address.
            ReauthenticationRequired: the session's proof is not fresh.
        """
        core = self._core
        user = self._sensitive(session)
        with core.transaction():
            core.users.hold(user)
            chosen = self._own(user, id)
            core.store.update(Identifier, {"user_id": user.id, "kind": "email"}, {"primary": False})
            core.store.update(Identifier, {"id": chosen.id, "user_id": user.id}, {"primary": True})
            core.users.change(user.id, email=chosen.value)
            core.audit.done("user_address_changed", client, user_id=user.id, session_id=session.id)
            mails.changed(core, client, user, self.of(user.id), chosen.value, added=False, primary=True)

    def remove(self, client: Client, session: Session, id: UUID) -> None:  # noqa: A002 - the field is called id
        """Remove an address that is not the primary one.

        Raises:
            NotFound: the user has no such address.
            InvalidInput: it is the primary one.
            ReauthenticationRequired: the session's proof is not fresh.
        """
        core = self._core
        user = self._sensitive(session)
        with core.transaction():
            core.users.hold(user)
            gone = self._own(user, id)
            if gone.primary:
                raise InvalidInput(fields={"id": "Please make another address the primary one first."})
            before_it = self.of(user.id)
            core.store.delete(Identifier, {"id": gone.id, "user_id": user.id})
            core.one_time.void_for(user.id)
            core.attempts.end_recoveries(user.id)
            core.audit.done("user_address_removed", client, user_id=user.id, session_id=session.id)
            mails.removed(core, client, user, before_it, gone.value)

    def _own(self, user: User, identifier_id: UUID) -> Identifier:
        found = next((each for each in self.of(user.id) if each.id == identifier_id), None)
        if found is None:
            raise NotFound("no such address of this user")
        return found

    # --- guards -----------------------------------------------------------------------------------------------------

    def _sensitive(self, session: Session) -> User:
        see_that_it_is_fresh(self._core, session)
        user = self._core.store.get(User, session.user_id)
        if user is None:
            raise NotAuthenticated("user is gone")
        see_that_it_is_ours(user)
        return user

    def _unchanged(self, attempt: Attempt) -> User:
        user = self._core.store.get(User, attempt.user_id) if attempt.user_id else None
        if user is None or user.epoch != attempt.epoch or user.status != "active":
            raise AttemptInvalid("user changed since the change began")
        return user

    def _spend(self, client: Client, user: User) -> None:
        core, budgets = self._core, self._core.settings.throttle
        try:
            core.throttle.spend(
                [
                    # A sign-up's: both mail to an address that anybody may type.
                    Charge(budgets.sign_up_per_address, f"sign_up:address:{client.address}"),
                    # The notices to the old addresses have no cap of their own: they must arrive. This bounds them.
                    Charge(budgets.address_changes_per_user, f"change_email:user:{user.id}"),
                ]
            )
        except Throttled:
            core.audit.counted("user_address_change_throttled", client, reason="budget spent")
            raise

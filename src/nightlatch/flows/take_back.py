"""What the holder of an old address may do: stop a change that waits, and freeze after one that was made.

No link to an old address ever restores it, sets a password or signs in: whoever reads an old mailbox gets nothing.
"""

from __future__ import annotations

from uuid import UUID

from nightlatch.errors import AttemptInvalid
from nightlatch.flows.address_mails import FREEZE, frozen_key
from nightlatch.flows.core import Core
from nightlatch.pages.account_mails import AccountFrozenMail, AddressChangeStoppedMail
from nightlatch.pages.mails import MailView
from nightlatch.ports import any_of
from nightlatch.records import Attempt, Identifier, OneTimeSecret, User
from nightlatch.services.client import Client

__all__ = ["TakeBack"]


class TakeBack:
    """Stop and freeze.

    Args:
        core: what flows stand on.
    """

    def __init__(self, core: Core) -> None:
        self._core = core

    def stop_change(self, client: Client, link: OneTimeSecret) -> None:
        """Stop a change that waits. Somebody acted in the account who was not its owner: everything is signed out.

        Raises:
            AttemptInvalid: the change was made, dropped or stopped.
            InvalidCode: the link was used in between.
        """
        core = self._core
        user = core.store.get(User, link.user_id) if link.user_id else None
        if user is None:
            raise AttemptInvalid("user is gone")
        with core.transaction():
            core.one_time.redeem(link)
            guard = {"id": link.attempt_id, "status": "open"}
            if not core.store.update(Attempt, guard, {"status": "dead", "sealed_claims": None}):
                raise AttemptInvalid("the change was made, dropped or stopped")
            core.users.end_access(user.id)
            core.one_time.void_for(user.id)
            core.audit.done("user_address_change_stopped", client, user_id=user.id)
            self._tell(user, AddressChangeStoppedMail(service_name=core.settings.service_name, at=core.clock.now()))

    def freeze(self, client: Client, link: OneTimeSecret) -> None:
        """Suspend the account until an operator restores it.

        Raises:
            AttemptInvalid: the user is gone, or suspended already.
            InvalidCode: the link was used in between.
        """
        core = self._core
        user = core.store.get(User, UUID(link.destination_key.partition(":")[2]))
        if user is None or link.purpose != FREEZE or link.destination_key != frozen_key(user):
            raise AttemptInvalid("user is gone")
        with core.transaction():
            core.one_time.redeem(link)
            guard = {"id": user.id, "status": any_of(("active", "closing"))}
            if not core.store.update(User, guard, {"status": "suspended"}):
                raise AttemptInvalid("suspended already")
            core.users.end_access(user.id)
            core.one_time.void_for(user.id)
            core.audit.done("user_suspended", client, user_id=user.id, details={"by": "old address"})
            self._tell(user, AccountFrozenMail(service_name=core.settings.service_name, at=core.clock.now()))

    def _tell(self, user: User, mail: MailView) -> None:
        core = self._core
        for each in core.store.find(Identifier, {"user_id": user.id, "kind": "email"}):
            core.outbox.enqueue(mail, to=each.value, user_id=user.id)

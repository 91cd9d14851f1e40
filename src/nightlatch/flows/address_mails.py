"""What is mailed about a change of addresses, in the transaction that is open."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from nightlatch.flows.core import Core
from nightlatch.pages.account_mails import AddressChangedMail, AddressRemovedMail, AddressWaitingMail, NewAddressMail
from nightlatch.pages.devices import device_words
from nightlatch.records import Attempt, Identifier, User
from nightlatch.services.client import Client
from nightlatch.services.one_time import Issued

__all__ = ["CANCEL", "FREEZE", "changed", "frozen_key", "new_address", "removed", "waiting"]

CANCEL, FREEZE = "cancel_change", "freeze"
"""Purposes of the links to old addresses: one stops a change that waits, one freezes after a change that was made."""

_FREEZE_LIFE = timedelta(days=7)


def new_address(core: Core, client: Client, issued: Issued, *, to: str, decoy: bool) -> None:
    """Mail the code that proves the new address. No link: the code belongs to the session that asked for it."""
    mail = NewAddressMail(
        service_name=core.settings.service_name,
        code=issued.code.reveal() if issued.code else "",
        device=device_words(client.user_agent),
        place=client.ip,
        minutes=int(core.settings.attempts.address_proof_life.total_seconds() // 60),
    )
    core.outbox.enqueue(mail, to=to, user_id=issued.record.user_id, expires_at=issued.record.expires_at, decoy=decoy)


def waiting(core: Core, client: Client, user: User, attempt: Attempt, old: Sequence[Identifier]) -> None:
    """Mail every old address how to stop the change, and the primary one the code that makes it at once."""
    now = core.clock.now()
    for each in old:
        stop = core.one_time.issue(
            CANCEL,
            destination_key=each.key,
            life=attempt.expires_at - now,
            attempt=attempt,
            user_id=user.id,
            with_code=False,
        )
        code = None
        if each.primary:
            code = core.one_time.issue(
                attempt.purpose,
                destination_key=each.key,
                life=core.settings.attempts.address_proof_life,
                attempt=attempt,
                user_id=user.id,
            ).code
        mail = AddressWaitingMail(
            service_name=core.settings.service_name,
            code=code.reveal() if code else "",
            link=core.link("stop", stop.link),
            device=device_words(client.user_agent),
            place=client.ip,
            changes_at=attempt.expires_at,
        )
        core.outbox.enqueue(mail, to=each.value, user_id=user.id)


def changed(
    core: Core, client: Client, user: User, old: Sequence[Identifier], new: str, *, added: bool, primary: bool
) -> None:
    """Tell the new address that it counts, and the old ones what was done, each with a link that only freezes.

    Args:
        core: what flows stand on.
        client: who did it.
        user: whose addresses.
        old: the addresses before.
        new: the one that it is about.
        added: it is a further one, and none went.
        primary: it is the primary one from now on.
    """
    for to in (new, *(each.value for each in old if each.value != new)):
        link = "" if to == new else _freeze_link(core, user)
        mail = AddressChangedMail(
            service_name=core.settings.service_name,
            address=new if to == new else "",
            added=added,
            primary=primary,
            link=link,
            device=device_words(client.user_agent),
            place=client.ip,
            at=core.clock.now(),
        )
        core.outbox.enqueue(mail, to=to, user_id=user.id)


def removed(core: Core, client: Client, user: User, before: Sequence[Identifier], gone: str) -> None:
    """Tell every address, the one that went included, with a link that only freezes."""
    for each in before:
        mail = AddressRemovedMail(
            service_name=core.settings.service_name,
            address=gone,
            link=_freeze_link(core, user),
            device=device_words(client.user_agent),
            place=client.ip,
            at=core.clock.now(),
        )
        core.outbox.enqueue(mail, to=each.value, user_id=user.id)


def frozen_key(user: User) -> str:
    """Return what a freezing link is filed under: not the user, whose other secrets die whenever a password changes.

    A thief who changed the address would change the password next; the owner's last means must outlive that.
    """
    return f"freeze:{user.id}"


def _freeze_link(core: Core, user: User) -> str:
    issued = core.one_time.issue(FREEZE, destination_key=frozen_key(user), life=_FREEZE_LIFE, with_code=False)
    return core.link("stop", issued.link)

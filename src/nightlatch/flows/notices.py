"""Notices about an account, to every address that is proven for it (ASVS 6.3.5, 6.3.7)."""

from __future__ import annotations

from nightlatch.flows.core import Core
from nightlatch.pages.account_mails import RecoveredMail, RecoveryProvenMail, UsernameChangedMail
from nightlatch.pages.devices import device_words
from nightlatch.pages.mails import (
    ApiKeyMail,
    AuthenticatorMail,
    NewDeviceMail,
    PasswordChangedMail,
    PasswordRefusedMail,
)
from nightlatch.records import ApiKey, Identifier, User
from nightlatch.services.client import Client

__all__ = [
    "tell_api_key_created",
    "tell_authenticators_changed",
    "tell_new_device",
    "tell_password_changed",
    "tell_recovered",
    "tell_recovery_code_used",
    "tell_recovery_proven",
    "tell_refused",
    "tell_username_changed",
]


def tell_password_changed(core: Core, client: Client, user: User) -> None:
    """Tell that the password was changed, in the transaction that is open. Notices of completed changes have no cap."""
    for each in _addresses(core, user):
        notice = PasswordChangedMail(
            service_name=core.settings.service_name,
            device=device_words(client.user_agent),
            place=client.ip,
            at=core.clock.now(),
        )
        core.outbox.enqueue(notice, to=each.value, user_id=user.id)


def tell_refused(core: Core, client: Client, user: User, kind: str) -> None:
    """Tell that a kind of proof is refused from now on where the user is not known, in a transaction of its own.

    A stranger causes it, so it is capped, but not together with the mails of sign-ups: those would keep it from coming.
    It costs that one request a few writes more than a wrong proof costs: once in a hundred failures, which take days.
    """
    within_cap = [each for each in _addresses(core, user) if core.outbox.within_cap(f"refused:{each.key}")]
    with core.transaction():
        core.audit.done("authn_login_lock", client, user_id=user.id, details={"reason": "maxretries", "kind": kind})
        for each in within_cap:
            notice = PasswordRefusedMail(
                service_name=core.settings.service_name,
                codes=kind != "password",
                device=device_words(client.user_agent),
                place=client.ip,
                at=core.clock.now(),
            )
            core.outbox.enqueue(notice, to=each.value, user_id=user.id)


def tell_recovery_code_used(core: Core, client: Client, user: User, *, left: int) -> None:
    """Tell that a recovery code was used, in the transaction that is open."""
    _tell(core, client, user, "code_used", left=left)


def tell_authenticators_changed(core: Core, client: Client, user: User, what: str, kind: str = "") -> None:
    """Tell that an authenticator was added or removed, or recovery codes made anew (NIST SP 800-63B-4 4.6)."""
    _tell(core, client, user, what, kind=kind)


def _tell(core: Core, client: Client, user: User, what: str, *, kind: str = "", left: int | None = None) -> None:
    notice = AuthenticatorMail(
        service_name=core.settings.service_name,
        what=what,
        kind=kind,
        left=left,
        device=device_words(client.user_agent),
        place=client.ip,
        at=core.clock.now(),
    )
    for each in _addresses(core, user):
        core.outbox.enqueue(notice, to=each.value, user_id=user.id)


def tell_recovery_proven(core: Core, client: Client, user: User, *, besides: str) -> None:
    """Tell that a recovery is under way, in the transaction that is open.

    Args:
        core: what flows stand on.
        client: who recovers.
        user: whose account.
        besides: the key of the address that got the code, and so knows.
    """
    for each in _addresses(core, user):
        if each.key != besides:
            notice = RecoveryProvenMail(
                service_name=core.settings.service_name,
                device=device_words(client.user_agent),
                place=client.ip,
                at=core.clock.now(),
            )
            core.outbox.enqueue(notice, to=each.value, user_id=user.id)


def tell_recovered(core: Core, client: Client, user: User) -> None:
    """Tell that a new password was set by recovery, in the transaction that is open (NIST SP 800-63B-4 4.6)."""
    for each in _addresses(core, user):
        notice = RecoveredMail(
            service_name=core.settings.service_name,
            device=device_words(client.user_agent),
            place=client.ip,
            at=core.clock.now(),
        )
        core.outbox.enqueue(notice, to=each.value, user_id=user.id)


def tell_new_device(core: Core, client: Client, user: User) -> None:
    """Tell that a browser signed in which carries no device cookie of this user, in the transaction that is open.

    ASVS 6.3.5. By the cookie and not by the address: people move, and thieves sit next door.
    """
    for each in _addresses(core, user):
        notice = NewDeviceMail(
            service_name=core.settings.service_name,
            device=device_words(client.user_agent),
            place=client.ip,
            at=core.clock.now(),
        )
        core.outbox.enqueue(notice, to=each.value, user_id=user.id)


def tell_api_key_created(core: Core, client: Client, user: User, key: ApiKey) -> None:
    """Tell that an API key was made, in the transaction that is open: it lasts longer than a session (ASVS 6.3.7)."""
    for each in _addresses(core, user):
        notice = ApiKeyMail(
            service_name=core.settings.service_name,
            name=key.name,
            expires_at=key.expires_at or core.clock.now() + core.settings.api_keys.longest_life,
            link=f"{core.settings.base_url}{core.settings.mount}/account/keys",
            device=device_words(client.user_agent),
            place=client.ip,
            at=core.clock.now(),
        )
        core.outbox.enqueue(notice, to=each.value, user_id=user.id)


def tell_username_changed(core: Core, client: Client, user: User, username: str) -> None:
    """Tell that the user name was changed, in the transaction that is open (ASVS 6.3.7)."""
    for each in _addresses(core, user):
        notice = UsernameChangedMail(
            service_name=core.settings.service_name,
            username=username,
            device=device_words(client.user_agent),
            place=client.ip,
            at=core.clock.now(),
        )
        core.outbox.enqueue(notice, to=each.value, user_id=user.id)


def _addresses(core: Core, user: User) -> list[Identifier]:
    return core.store.find(Identifier, {"user_id": user.id, "kind": "email"})

"""Every mail that is sent: what it needs to know, and how it is rendered."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

import msgspec

from nightlatch.pages.render import render

__all__ = [
    "AccountClosedMail",
    "AccountErasedMail",
    "AccountFrozenMail",
    "AccountKeptMail",
    "AddressChangeStoppedMail",
    "AddressChangedMail",
    "AddressRemovedMail",
    "AddressTakenMail",
    "AddressWaitingMail",
    "ConfirmAddressMail",
    "InvitationMail",
    "MailView",
    "NewAddressMail",
    "NewDeviceMail",
    "PasswordChangedMail",
    "PasswordRefusedMail",
    "RecoverMail",
    "RecoveredMail",
    "RecoveryProvenMail",
    "RenderedMail",
    "UsernameChangedMail",
    "render_mail",
]


class MailView(msgspec.Struct, frozen=True, kw_only=True):
    """What every mail says: who writes."""

    template: ClassVar[str]
    service_name: str

    @property
    def subject(self) -> str:
        """One line."""
        raise NotImplementedError


class ConfirmAddressMail(MailView, frozen=True, kw_only=True):
    """Prove that this mailbox is yours."""

    template = "confirm_address"
    address: str
    code: str
    link: str
    device: str
    place: str | None
    minutes: int

    @property
    def subject(self) -> str:
        """Tell the purpose; the code stays inside, off locked screens."""
        return f"Confirm your address for {self.service_name}"

    @property
    def spaced(self) -> str:
        """The code in two halves, easy to read and to type."""
        return f"{self.code[:4]} {self.code[4:]}"


class AddressTakenMail(MailView, frozen=True, kw_only=True):
    """Somebody signed up with an address that has an account."""

    template = "address_taken"
    sign_in_link: str
    device: str
    place: str | None

    @property
    def subject(self) -> str:
        """Say what is so."""
        return f"You already have an account at {self.service_name}"


class PasswordChangedMail(MailView, frozen=True, kw_only=True):
    """The password was changed."""

    template = "password_changed"
    device: str
    place: str | None
    at: datetime

    @property
    def subject(self) -> str:
        """Say what happened."""
        return f"Your password at {self.service_name} was changed"


class PasswordRefusedMail(MailView, frozen=True, kw_only=True):
    """The password was guessed at so often that it is refused where the user is not known."""

    template = "password_refused"
    device: str
    place: str | None
    at: datetime

    @property
    def subject(self) -> str:
        """Say what happens."""
        return f"Somebody guesses at your password at {self.service_name}"


class RecoverMail(MailView, frozen=True, kw_only=True):
    """Choose a new password."""

    template = "recover"
    code: str
    link: str
    device: str
    place: str | None
    minutes: int

    @property
    def subject(self) -> str:
        """Tell the purpose; the code stays inside, off locked screens."""
        return f"Choose a new password for {self.service_name}"

    @property
    def spaced(self) -> str:
        """The code in two halves, easy to read and to type."""
        return f"{self.code[:4]} {self.code[4:]}"


class RecoveryProvenMail(MailView, frozen=True, kw_only=True):
    """Somebody who reads another address of the account is about to choose a new password."""

    template = "recovery_proven"
    device: str
    place: str | None
    at: datetime

    @property
    def subject(self) -> str:
        """Say what happens."""
        return f"Your account at {self.service_name} is being recovered"


class RecoveredMail(MailView, frozen=True, kw_only=True):
    """A new password was chosen by recovery."""

    template = "recovered"
    device: str
    place: str | None
    at: datetime

    @property
    def subject(self) -> str:
        """Say what happened."""
        return f"A new password was chosen for your account at {self.service_name}"


class InvitationMail(MailView, frozen=True, kw_only=True):
    """Somebody is let in."""

    template = "invitation"
    link: str
    hours: int

    @property
    def subject(self) -> str:
        """Say what it is."""
        return f"Your account at {self.service_name}"


class NewDeviceMail(MailView, frozen=True, kw_only=True):
    """Somebody signed in with a browser that was not seen before."""

    template = "new_device"
    device: str
    place: str | None
    at: datetime

    @property
    def subject(self) -> str:
        """Say what happened."""
        return f"A new device signed in to your account at {self.service_name}"


class UsernameChangedMail(MailView, frozen=True, kw_only=True):
    """The user name was changed."""

    template = "username_changed"
    username: str
    device: str
    place: str | None
    at: datetime

    @property
    def subject(self) -> str:
        """Say what happened."""
        return f"Your user name at {self.service_name} was changed"


class AccountClosedMail(MailView, frozen=True, kw_only=True):
    """The account was closed; the link calls it off."""

    template = "account_closed"
    link: str
    device: str
    place: str | None
    at: datetime
    erased_at: datetime

    @property
    def subject(self) -> str:
        """Say what happened."""
        return f"Your account at {self.service_name} was closed"


class AccountKeptMail(MailView, frozen=True, kw_only=True):
    """A closing was called off."""

    template = "account_kept"
    at: datetime

    @property
    def subject(self) -> str:
        """Say what happened."""
        return f"Your account at {self.service_name} is open again"


class AccountErasedMail(MailView, frozen=True, kw_only=True):
    """The account is gone: the last mail there is."""

    template = "account_erased"

    @property
    def subject(self) -> str:
        """Say what happened."""
        return f"Your account at {self.service_name} was erased"


class NewAddressMail(MailView, frozen=True, kw_only=True):
    """Prove that this mailbox is yours, as a new address of an account that you have."""

    template = "new_address"
    code: str
    device: str
    place: str | None
    minutes: int

    @property
    def subject(self) -> str:
        """Tell the purpose; the code stays inside, off locked screens."""
        return f"Confirm your new address for {self.service_name}"

    @property
    def spaced(self) -> str:
        """The code in two halves, easy to read and to type."""
        return f"{self.code[:4]} {self.code[4:]}"


class AddressWaitingMail(MailView, frozen=True, kw_only=True):
    """A change of address waits; the code makes it at once, the link stops it."""

    template = "address_waiting"
    code: str
    link: str
    device: str
    place: str | None
    changes_at: datetime

    @property
    def subject(self) -> str:
        """Say what happens."""
        return f"Your address at {self.service_name} is to be changed"

    @property
    def spaced(self) -> str:
        """The code in two halves, easy to read and to type."""
        return f"{self.code[:4]} {self.code[4:]}"


class AddressChangedMail(MailView, frozen=True, kw_only=True):
    """An address was changed or added; to the old ones with a link that only freezes."""

    template = "address_changed"
    address: str
    added: bool
    primary: bool
    link: str
    device: str
    place: str | None
    at: datetime

    @property
    def subject(self) -> str:
        """Say what happened."""
        if self.added:
            return f"An address was added to your account at {self.service_name}"
        return f"The address of your account at {self.service_name} was changed"


class AddressRemovedMail(MailView, frozen=True, kw_only=True):
    """An address was removed."""

    template = "address_removed"
    address: str
    link: str
    device: str
    place: str | None
    at: datetime

    @property
    def subject(self) -> str:
        """Say what happened."""
        return f"An address was removed from your account at {self.service_name}"


class AddressChangeStoppedMail(MailView, frozen=True, kw_only=True):
    """A change that waited was stopped from an old address."""

    template = "address_change_stopped"
    at: datetime

    @property
    def subject(self) -> str:
        """Say what happened."""
        return f"The change of your address at {self.service_name} was stopped"


class AccountFrozenMail(MailView, frozen=True, kw_only=True):
    """The account was frozen from an old address."""

    template = "account_frozen"
    at: datetime

    @property
    def subject(self) -> str:
        """Say what happened."""
        return f"Your account at {self.service_name} was frozen"


@dataclass(frozen=True, slots=True)
class RenderedMail:
    """A mail in both its forms."""

    subject: str
    text: str
    html: str


def render_mail(view: MailView) -> RenderedMail:
    """Render a mail: one line of subject, a text part as good as the HTML part."""
    return RenderedMail(
        subject=" ".join(view.subject.split()),
        text=render(f"mail/{view.template}.txt", mail=view),
        html=render(f"mail/{view.template}.html", mail=view),
    )

"""The mails about getting back in, addresses, and leaving."""

from __future__ import annotations

from datetime import datetime

from nightlatch.pages.mails import CodeMail, MailView

__all__ = [
    "AccountClosedMail",
    "AccountErasedMail",
    "AccountFrozenMail",
    "AccountKeptMail",
    "AddressChangeStoppedMail",
    "AddressChangedMail",
    "AddressRemovedMail",
    "AddressWaitingMail",
    "NewAddressMail",
    "OperatorRecoveryMail",
    "RecoverByOperatorMail",
    "RecoverMail",
    "RecoveredMail",
    "RecoveryProvenMail",
    "RecoveryStoppedMail",
    "UsernameChangedMail",
]


class RecoverMail(CodeMail, frozen=True, kw_only=True):
    """Choose a new password."""

    template = "recover"
    link: str
    device: str
    place: str | None
    minutes: int

    @property
    def subject(self) -> str:
        """Tell the purpose; the code stays inside, off locked screens."""
        return f"Choose a new password for {self.service_name}"


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


class NewAddressMail(CodeMail, frozen=True, kw_only=True):
    """Prove that this mailbox is yours, as a new address of an account that you have."""

    template = "new_address"
    device: str
    place: str | None
    minutes: int

    @property
    def subject(self) -> str:
        """Tell the purpose; the code stays inside, off locked screens."""
        return f"Confirm your new address for {self.service_name}"


class AddressWaitingMail(CodeMail, frozen=True, kw_only=True):
    """A change of address waits; the code makes it at once, the link stops it."""

    template = "address_waiting"
    link: str
    device: str
    place: str | None
    changes_at: datetime

    @property
    def subject(self) -> str:
        """Say what happens."""
        return f"Your address at {self.service_name} is to be changed"


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


class OperatorRecoveryMail(MailView, frozen=True, kw_only=True):
    """An operator has started a recovery; the link stops it."""

    template = "operator_recovery"
    link: str
    at: datetime
    works_at: datetime
    lost: bool = False
    """The other authenticators are lost too."""

    @property
    def subject(self) -> str:
        """Say what happens."""
        return f"Your account at {self.service_name} is being recovered"


class RecoverByOperatorMail(MailView, frozen=True, kw_only=True):
    """The waiting time of such a recovery is over."""

    template = "recover_by_operator"
    link: str
    hours: int
    lost: bool = False
    """The other authenticators are lost too."""

    @property
    def subject(self) -> str:
        """Tell the purpose."""
        return f"Choose a new password for {self.service_name}"


class RecoveryStoppedMail(MailView, frozen=True, kw_only=True):
    """Such a recovery was stopped."""

    template = "recovery_stopped"
    at: datetime

    @property
    def subject(self) -> str:
        """Say what happened."""
        return f"The recovery of your account at {self.service_name} was stopped"

"""Every mail that is sent: what it needs to know, and how it is rendered."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

import msgspec

from nightlatch.pages.render import render

__all__ = [
    "AddressTakenMail",
    "ApiKeyMail",
    "AuthenticatorMail",
    "CodeMail",
    "ConfirmAddressMail",
    "InvitationMail",
    "MailView",
    "NewDeviceMail",
    "PasswordChangedMail",
    "PasswordRefusedMail",
    "RenderedMail",
    "SignInCodeMail",
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


class CodeMail(MailView, frozen=True, kw_only=True):
    """A mail with a code."""

    code: str

    @property
    def spaced(self) -> str:
        """The code in two halves, easy to read and to type."""
        return f"{self.code[:4]} {self.code[4:]}"


class ConfirmAddressMail(CodeMail, frozen=True, kw_only=True):
    """Prove that this mailbox is yours."""

    template = "confirm_address"
    address: str
    link: str
    device: str
    place: str | None
    minutes: int

    @property
    def subject(self) -> str:
        """Tell the purpose; the code stays inside, off locked screens."""
        return f"Confirm your address for {self.service_name}"


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
    codes: bool
    """Codes were guessed at, by somebody who knows the password."""
    device: str
    place: str | None
    at: datetime

    @property
    def subject(self) -> str:
        """Say what happens."""
        return f"Somebody guesses at your {'codes' if self.codes else 'password'} at {self.service_name}"


class SignInCodeMail(MailView, frozen=True, kw_only=True):
    """Go on with a sign-in that is to bind an authenticator."""

    template = "sign_in_code"
    code: str
    device: str
    place: str | None
    minutes: int

    @property
    def subject(self) -> str:
        """Tell the purpose; the code stays inside, off locked screens."""
        return f"Your code for signing in at {self.service_name}"

    @property
    def spaced(self) -> str:
        """The code in two halves, easy to read and to type."""
        return f"{self.code[:4]} {self.code[4:]}"


_CALLED = {"totp": "An authenticator app", "passkey": "A passkey", "sms_code": "A phone"}


class AuthenticatorMail(MailView, frozen=True, kw_only=True):
    """What one signs in with was changed: ``added``, ``removed``, ``codes`` made anew, or a ``code_used``."""

    template = "authenticator"
    what: str
    kind: str = "totp"
    """What was added or removed; ``totp`` in mails from before there was anything else."""
    left: int | None
    device: str
    place: str | None
    at: datetime

    @property
    def sentence(self) -> str:
        """What happened, as a beginning."""
        kind = _CALLED.get(self.kind, "A way to sign in")
        return {
            "added": f"{kind} was added to your account",
            "removed": f"{kind} was removed from your account",
            "codes": "New recovery codes were made for your account, and the old ones are worth nothing",
            "code_used": "A recovery code was used to get into your account",
        }[self.what]

    @property
    def subject(self) -> str:
        """Say what happened."""
        return (
            f"How you sign in at {self.service_name} was changed"
            if self.what != "code_used"
            else (f"A recovery code was used at {self.service_name}")
        )


class ApiKeyMail(MailView, frozen=True, kw_only=True):
    """An API key was made."""

    template = "api_key"
    name: str
    expires_at: datetime
    link: str
    device: str
    place: str | None
    at: datetime

    @property
    def subject(self) -> str:
        """Say what happened."""
        return f"An API key was made for your account at {self.service_name}"


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

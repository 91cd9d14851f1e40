"""What the pages' forms send. Every field may be missing; what is not named here is refused."""

from __future__ import annotations

import msgspec

from nightlatch.primitives.secret import Secret

__all__ = [
    "AddressesForm",
    "AppForm",
    "BeginAppForm",
    "DataForm",
    "DevicesForm",
    "EmailCodeForm",
    "EmailForm",
    "IdForm",
    "InvitationForm",
    "KeyForm",
    "PasskeyForm",
    "PasskeySignInForm",
    "PasswordForm",
    "PhoneCodeForm",
    "PhoneForm",
    "PlainForm",
    "ProfileForm",
    "ProveForm",
    "ReauthenticateForm",
    "RecoverForm",
    "RenameForm",
    "SetPasswordForm",
    "SignInForm",
    "SignUpForm",
    "StopForm",
    "TextForm",
    "VerifyForm",
]


class PlainForm(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A button."""

    csrf_token: str | None = None


class SignInForm(PlainForm, frozen=True, kw_only=True):
    """Sign in."""

    identifier: str = ""
    password: Secret | None = None
    return_to: str | None = None
    can_make: str | None = None
    """Filled in by the page's script where the device can make a passkey."""


class SignUpForm(PlainForm, frozen=True, kw_only=True):
    """Create an account."""

    email: str | None = None
    username: str | None = None
    password: Secret | None = None
    return_to: str | None = None


class VerifyForm(PlainForm, frozen=True, kw_only=True):
    """A code, a link, or the wish for another code."""

    code: Secret | None = None
    link: Secret | None = None
    again: str | None = None


class SetPasswordForm(PlainForm, frozen=True, kw_only=True):
    """Choose a password (and a name)."""

    account: str | None = None
    username: str | None = None
    new_password: Secret | None = None


class InvitationForm(SetPasswordForm, frozen=True, kw_only=True):
    """Redeem an invitation."""

    link: Secret | None = None
    email: str | None = None


class ReauthenticateForm(PlainForm, frozen=True, kw_only=True):
    """Confirm that it is you."""

    account: str | None = None
    password: Secret | None = None
    credential: str | None = None
    return_to: str | None = None
    aal: str | None = None
    phishing_resistant: str | None = None


class ProveForm(PlainForm, frozen=True, kw_only=True):
    """The next proof of an attempt."""

    account: str | None = None
    authenticator: str | None = None
    code: Secret | None = None
    password: Secret | None = None
    credential: str | None = None
    remember_device: str | None = None


class IdForm(PlainForm, frozen=True, kw_only=True):
    """A button that is about one thing."""

    id: str | None = None


class BeginAppForm(PlainForm, frozen=True, kw_only=True):
    """Begin to add an authenticator app."""

    return_to: str | None = None


class AppForm(IdForm, frozen=True, kw_only=True):
    """The first code of an authenticator app."""

    code: Secret | None = None
    name: str | None = None
    return_to: str | None = None


class RenameForm(IdForm, frozen=True, kw_only=True):
    """What an authenticator is called."""

    name: str | None = None


class PasskeyForm(IdForm, frozen=True, kw_only=True):
    """A passkey that is made: before it is asked for neither id nor credential are filled in."""

    name: str | None = None
    credential: str | None = None
    return_to: str | None = None


class PhoneForm(PlainForm, frozen=True, kw_only=True):
    """A phone that is to get codes."""

    number: str = ""
    name: str | None = None
    return_to: str | None = None


class PhoneCodeForm(IdForm, frozen=True, kw_only=True):
    """The code that was texted to it."""

    code: Secret | None = None
    return_to: str | None = None


class TextForm(IdForm, frozen=True, kw_only=True):
    """The wish for a texted code: to which phone, of several."""


class PasskeySignInForm(PlainForm, frozen=True, kw_only=True):
    """A whole sign-in by a passkey."""

    attempt: Secret | None = None
    credential: str | None = None
    return_to: str | None = None


class RecoverForm(PlainForm, frozen=True, kw_only=True):
    """Begin to replace a forgotten password."""

    identifier: str = ""
    return_to: str | None = None


class ProfileForm(PlainForm, frozen=True, kw_only=True):
    """What one is called, or signs in by."""

    name: str | None = None
    username: str | None = None


class AddressesForm(PlainForm, frozen=True, kw_only=True):
    """Prefer or remove an address, or drop the change that waits."""

    act: str = ""
    id: str = ""


class EmailForm(PlainForm, frozen=True, kw_only=True):
    """A new address, in place of the primary one or beside it."""

    email: str = ""
    keep_old: str | None = None


class EmailCodeForm(PlainForm, frozen=True, kw_only=True):
    """The code from the new address or the old one, or the wish for another."""

    code: Secret | None = None
    again: str | None = None


class DataForm(PlainForm, frozen=True, kw_only=True):
    """Take one's data away, close the account, or erase it."""

    act: str = ""
    confirmation: str = ""


class StopForm(PlainForm, frozen=True, kw_only=True):
    """Stop what a notice tells of."""

    link: Secret | None = None


class PasswordForm(PlainForm, frozen=True, kw_only=True):
    """Change the password."""

    account: str | None = None
    current_password: Secret | None = None
    new_password: Secret | None = None


class DevicesForm(PlainForm, frozen=True, kw_only=True):
    """Sign one device out, or without an id all others."""

    id: str | None = None


class KeyForm(PlainForm, frozen=True, kw_only=True):
    """Make an API key."""

    name: str = ""
    scopes: str = ""
    days: str = "90"

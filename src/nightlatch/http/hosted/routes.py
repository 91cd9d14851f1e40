"""The pages' part of the route table."""

from __future__ import annotations

from nightlatch.errors import NotFound
from nightlatch.http.exchange import Exchange
from nightlatch.http.hosted import (
    account,
    addresses,
    api_keys,
    authenticators,
    forms,
    forward,
    leaving,
    passkeys,
    phones,
    prove,
    reauthenticate,
    recover,
    sign_in,
)
from nightlatch.http.hosted.chrome import lead_on
from nightlatch.http.messages import Response
from nightlatch.http.routes import Route
from nightlatch.pages.assets import asset

__all__ = ["PAGES"]


def static(exchange: Exchange) -> Response:
    """Serve a style, script or picture; its address names its content, so it may be kept for ever."""
    name = exchange.segment or ""
    found = exchange.app.look.theme if name == "theme.css" else asset(name)
    if found is None:
        raise NotFound("no such file")
    headers = [
        ("Content-Type", found.content_type),
        ("Cache-Control", "public, max-age=31536000, immutable"),
        ("ETag", f'"{found.version}"'),
    ]
    if exchange.request.header("if-none-match") == f'"{found.version}"':
        return Response(status=304, headers=headers)
    return Response(status=200, headers=headers, body=found.body)


def _page(path: str, handler: object, who: str = "anybody") -> Route:
    return Route(method="GET", path=path, handler=handler, who=who, kind="page")  # type: ignore[arg-type]


def _form(path: str, handler: object, body: type[forms.PlainForm], who: str = "anybody") -> Route:
    return Route(method="POST", path=path, handler=handler, who=who, kind="page", body=body, form=True)  # type: ignore[arg-type]


def _script(path: str, handler: object, body: type[forms.PlainForm], who: str = "anybody") -> Route:
    return Route(method="POST", path=path, handler=handler, who=who, kind="script", body=body, form=True)  # type: ignore[arg-type]


def begin(exchange: Exchange) -> Response:
    """Lead on from the mount itself, which nobody links to and everybody tries."""
    return lead_on(exchange, exchange.auth.settings.mount + "/account")


PAGES: tuple[Route, ...] = (
    _page("/", begin),
    _page("/sign-in", sign_in.sign_in),
    _form("/sign-in", sign_in.send_sign_in, forms.SignInForm),
    _form("/sign-in/passkey", passkeys.sign_in_with, forms.PasskeySignInForm),
    _page("/sign-up", sign_in.sign_up),
    _form("/sign-up", sign_in.send_sign_up, forms.SignUpForm),
    _page("/verify", sign_in.verify),
    _form("/verify", sign_in.send_verify, forms.VerifyForm),
    _page("/prove", prove.prove),
    _form("/prove", prove.send_prove, forms.ProveForm),
    _script("/prove/passkey", passkeys.ask, forms.ProveForm),
    _form("/prove/text", phones.text, forms.TextForm),
    _page("/enrol", authenticators.enrol),
    _form("/enrol", authenticators.enrol_app, forms.PlainForm),
    _form("/enrol/confirm", authenticators.confirm_enrolled, forms.AppForm),
    _script("/enrol/passkey", passkeys.begin_enrolled, forms.PasskeyForm),
    _form("/enrol/passkey/confirm", passkeys.confirm_enrolled, forms.PasskeyForm),
    _page("/enrol/phone", phones.enrol),
    _form("/enrol/phone", phones.add_enrolled, forms.PhoneForm),
    _form("/enrol/phone/confirm", phones.confirm_enrolled, forms.PhoneCodeForm),
    _page("/set-password", sign_in.set_password),
    _form("/set-password", sign_in.send_set_password, forms.SetPasswordForm),
    _page("/invitation", sign_in.invitation),
    _form("/invitation", sign_in.redeem_invitation, forms.InvitationForm),
    _page("/recover", recover.recover),
    _form("/recover", recover.send_recover, forms.RecoverForm),
    _page("/reauthenticate", reauthenticate.reauthenticate, "signed_in"),
    _form("/reauthenticate", reauthenticate.send_reauthenticate, forms.ReauthenticateForm, "signed_in"),
    _script("/reauthenticate/passkey", passkeys.ask_again, forms.ReauthenticateForm, "signed_in"),
    _page("/sign-out", sign_in.sign_out, "signed_in"),
    _form("/sign-out", sign_in.send_sign_out, forms.PlainForm, "signed_in"),
    _page("/account", account.profile, "signed_in"),
    _form("/account", account.send_profile, forms.ProfileForm, "signed_in"),
    _page("/account/security", account.security, "signed_in"),
    _form("/account/security", account.send_security, forms.PasswordForm, "signed_in"),
    _page("/account/app", authenticators.app, "signed_in"),
    _form("/account/app", authenticators.add_app, forms.BeginAppForm, "signed_in"),
    _form("/account/app/confirm", authenticators.confirm_app, forms.AppForm, "signed_in"),
    _page("/account/passkey", passkeys.passkey, "signed_in"),
    _script("/account/passkey", passkeys.begin, forms.PasskeyForm, "signed_in"),
    _form("/account/passkey/confirm", passkeys.confirm, forms.PasskeyForm, "signed_in"),
    _page("/account/phone", phones.phone, "signed_in"),
    _form("/account/phone", phones.add, forms.PhoneForm, "signed_in"),
    _form("/account/phone/confirm", phones.confirm, forms.PhoneCodeForm, "signed_in"),
    _form("/account/authenticators/rename", authenticators.rename, forms.RenameForm, "signed_in"),
    _form("/account/authenticators/remove", authenticators.remove, forms.IdForm, "signed_in"),
    _form("/account/recovery-codes", authenticators.new_recovery_codes, forms.PlainForm, "signed_in"),
    _page("/account/devices", account.devices, "signed_in"),
    _form("/account/devices", account.send_devices, forms.DevicesForm, "signed_in"),
    _page("/account/keys", api_keys.keys, "signed_in"),
    _form("/account/keys", api_keys.send_keys, forms.KeyForm, "signed_in"),
    _form("/account/keys/revoke", api_keys.send_revoke, forms.DevicesForm, "signed_in"),
    _page("/account/activity", account.activity, "signed_in"),
    _page("/account/emails", addresses.emails, "signed_in"),
    _form("/account/emails", addresses.send_emails, forms.AddressesForm, "signed_in"),
    _page("/account/email", addresses.email, "signed_in"),
    _form("/account/email", addresses.send_email, forms.EmailForm, "signed_in"),
    _page("/account/email/code", addresses.code, "signed_in"),
    _form("/account/email/code", addresses.send_code, forms.EmailCodeForm, "signed_in"),
    _page("/account/data", leaving.data, "signed_in"),
    _form("/account/data", leaving.send_data, forms.DataForm, "signed_in"),
    _page("/stop", leaving.stop),
    _form("/stop", leaving.send_stop, forms.StopForm),
    _page("/forward/begin", forward.begin),
    _page("/forward/leave", forward.leave, "signed_in"),
    _page("/forward/return", forward.return_),
    _page("/forward/again", forward.again),
    Route(method="GET", path="/static/{id}", handler=static, who="anybody", kind="asset"),
)
"""Every page, its form, and the files they load."""

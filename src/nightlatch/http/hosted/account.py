"""Pages: profile, security, devices, activity."""

from __future__ import annotations

from urllib.parse import quote

from nightlatch.errors import Busy, InvalidCredentials, InvalidInput, NightlatchError, Throttled
from nightlatch.http.bodies import id_of, query_of
from nightlatch.http.exchange import Exchange
from nightlatch.http.hosted.chrome import form_page, lead_on, page
from nightlatch.http.hosted.forms import DevicesForm, PasswordForm, ProfileForm
from nightlatch.http.hosted.tokens import validate_token
from nightlatch.http.messages import Response
from nightlatch.primitives.secret import Secret

__all__ = [
    "activity",
    "devices",
    "profile",
    "security",
    "security_page",
    "send_devices",
    "send_profile",
    "send_security",
]

_WORDS = {
    "user_created": "Your account was made",
    "user_updated": "Your profile was changed",
    "authn_login_success": "Signed in",
    "authn_login_fail": "A sign-in with a wrong password or code",
    "authn_login_lock": "Your password was guessed at too often, and is refused in new browsers",
    "authn_logout": "Signed out",
    "authn_reauthenticate": "Confirmed that it was you",
    "authn_password_change": "Your password was changed",
    "authn_recovery_begun": "A code for a forgotten password was asked for",
    "authn_recovery_proven": "A code for a forgotten password was typed, or its link opened",
    "authn_recovery_complete": "A new password was chosen with a code from your mail",
    "authenticator_added": "A way to sign in was added",
    "authenticator_removed": "A way to sign in was removed",
    "authenticator_renamed": "A way to sign in was renamed",
    "recovery_codes_replaced": "New recovery codes were made",
    "authn_recovery_code_used": "A recovery code was used",
    "authn_token_reuse": "A token that was used up came back, and its device was signed out",
    "api_key_created": "An API key was made",
    "api_key_revoked": "An API key was revoked",
    "forward_session_created": "Went on to an application that asks here who you are",
    "session_revoked": "A device was signed out",
    "sessions_revoked": "Other devices were signed out",
    "privilege_permissions_changed": "Your roles were changed",
    "authn_operator_recovery_requested": "The people who run this service asked for a recovery",
    "authn_operator_recovery_begun": "The people who run this service began a recovery",
    "authn_operator_recovery_stopped": "That recovery was stopped",
    "user_address_change_begun": "A change of your address was begun",
    "user_address_change_dropped": "A change of your address was dropped",
    "user_address_change_stopped": "A change of your address was stopped from the old one",
    "user_address_changed": "Your address was changed",
    "user_address_removed": "An address was removed",
    "user_closed": "Your account was closed",
    "user_kept": "The closing of your account was called off",
    "user_exported": "Your data was downloaded",
    "user_suspended": "Your account was suspended",
    "user_restored": "Your account was restored",
}

_KINDS = {"passkey": "Passkey", "totp": "Authenticator app", "sms_code": "Phone that gets codes"}
"""What the security page calls the kinds that users add and remove."""


def profile(exchange: Exchange) -> Response:
    """Show the profile."""
    return _profile_page(exchange, ProfileForm(), None)


def send_profile(exchange: Exchange, form: ProfileForm) -> Response:
    """Change the name."""
    validate_token(exchange, form.csrf_token)
    flow, acting = exchange.auth.account, exchange.session
    try:
        if form.username is not None:
            flow.change_username(exchange.client, acting, username=form.username)
        else:
            flow.rename(exchange.client, acting, name=form.name)
    except (InvalidInput, Throttled) as error:
        return _profile_page(exchange, form, error)
    notice = "name" if form.username is None else "username"
    return lead_on(exchange, exchange.auth.settings.mount + "/account", notice=notice)


def _profile_page(exchange: Exchange, form: ProfileForm, refusal: NightlatchError | None) -> Response:
    user = exchange.auth.account.get(exchange.session).user
    values = {
        "name": user.name or "" if form.name is None else form.name,
        "username": user.username or "" if form.username is None else form.username,
    }
    asks_username = exchange.auth.settings.asks_username and user.external_id is None
    return form_page(
        exchange,
        "profile.html",
        refusal,
        tab="/account",
        user=user,
        values=values,
        asks_username=asks_username,
        asks_email=exchange.auth.settings.asks_email,
    )


def security(exchange: Exchange) -> Response:
    """Show how one signs in; with the way back for who was led here to add something."""
    asked_from = query_of(exchange.request, "return_to").get("return_to")
    return security_page(exchange, None, onward=exchange.app.redirects.safe(asked_from))


def send_security(exchange: Exchange, form: PasswordForm) -> Response:
    """Change the password."""
    validate_token(exchange, form.csrf_token)
    try:
        complete = exchange.auth.account.change_password(
            exchange.client,
            exchange.session,
            current_password=form.current_password or Secret(""),
            new_password=form.new_password or Secret(""),
        )
    except InvalidCredentials as error:
        error.message = "That is not your current password."
        return security_page(exchange, error)
    except (InvalidInput, Throttled, Busy) as error:
        return security_page(exchange, error)
    headers = exchange.sign_in_cookies(complete)
    return lead_on(exchange, exchange.auth.settings.mount + "/account/security", *headers, notice="password")


def security_page(exchange: Exchange, refusal: NightlatchError | None, *, onward: str | None = None) -> Response:
    """Show how one signs in, with what was wrong."""
    view = exchange.auth.account.get(exchange.session)
    bound = [each for each in view.authenticators if each.kind in _KINDS and each.confirmed_at]
    return form_page(
        exchange,
        "security.html",
        refusal,
        beside="current_password",
        labels={"new_password": "New password"},
        tab="/account/security",
        password=next((each for each in view.authenticators if each.kind == "password"), None),
        bound=bound,
        words=_KINDS,
        has_passkey=any(each.kind == "passkey" for each in bound),
        has_app=any(each.kind == "totp" for each in bound),
        accepted=exchange.auth.bind_passkey.accepted(exchange.session),
        codes_left=sum(each.kind == "recovery_code" for each in view.authenticators),
        kinds=exchange.auth.manage_authenticators.kinds,
        min_length=exchange.auth.settings.passwords.min_length,
        onward=onward,
        back=quote(onward, safe="/") if onward else None,
    )


def devices(exchange: Exchange) -> Response:
    """Show where one is signed in."""
    acting = exchange.session
    rows = sorted(exchange.auth.account.sessions(acting), key=lambda each: each.id != acting.id)  # this one first
    idle = {each.id for each in rows if not exchange.auth.sessions.lives(each)}
    now = exchange.auth.clock.now()
    return page(exchange, "devices.html", tab="/account/devices", sessions=rows, current=acting.id, idle=idle, now=now)


def send_devices(exchange: Exchange, form: DevicesForm) -> Response:
    """Sign one device out, or all others."""
    validate_token(exchange, form.csrf_token)
    notice = "others" if form.id is None else "device"
    if form.id is None:
        exchange.auth.account.revoke_other_sessions(exchange.client, exchange.session)
    else:
        exchange.auth.account.revoke_session(exchange.client, exchange.session, id_of(form.id))
    return lead_on(exchange, exchange.auth.settings.mount + "/account/devices", notice=notice)


def activity(exchange: Exchange) -> Response:
    """Show what happened."""
    events = exchange.auth.account.events(exchange.session)
    return page(exchange, "activity.html", tab="/account/activity", events=events, words=_WORDS)

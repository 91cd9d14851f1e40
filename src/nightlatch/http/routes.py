"""The route table, as data. A route that declares no rule cannot be written (adversary 85)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal

import msgspec

from nightlatch.http.api import account, addresses, api_keys, authenticators, forward, phones, sign_in, tokens
from nightlatch.http.api.phone_shapes import BeginPhoneBody, ConfirmPhoneBody, PhoneProposalShape
from nightlatch.http.api.shapes import (
    AccountChanges,
    AccountShape,
    AddressBody,
    AddressChanges,
    AnswerBody,
    AuthenticatorChanges,
    AuthenticatorShape,
    AuthenticatorsShape,
    BeginBody,
    BeginPasskeyBody,
    BeginTotpBody,
    BoundStepShape,
    ChangePasswordBody,
    Closed,
    ConfirmPasskeyBody,
    ConfirmTotpBody,
    EventsShape,
    LinkBody,
    MoreShape,
    NewAttempt,
    PasskeyProposalShape,
    ReauthenticateBody,
    RecoverBody,
    RecoveryCodesShape,
    Revoked,
    SessionsShape,
    SessionView,
    SignedIn,
    SignInBody,
    SignUpBody,
    StepShape,
    StopBody,
    Stopped,
    TotpProposal,
)
from nightlatch.http.api.token_shapes import (
    ApiKeysShape,
    EndedBody,
    EndedShape,
    Keys,
    NewApiKeyBody,
    NewApiKeyShape,
    RefreshBody,
    RevokeBody,
    TokensShape,
)
from nightlatch.http.bodies import LIMIT

__all__ = ["API", "Route"]

Answers = Mapping[int, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One call or page.

    Args:
        method: the one it answers.
        path: below the mount; ``{id}`` may stand for its last part.
        handler: takes the exchange, and the body where there is one.
        who: ``anybody`` or ``signed_in``: who may call it.
        kind: ``api`` answers errors as problem documents, ``page`` as pages; ``script`` is what a page's script asks:
            it rides on the cookie alone as the page does, and gets problem documents.
        body: what the body is decoded into; None where none is read.
        form: the body is a form that carries a token, and not JSON.
        limit: bytes of the body.
        answers: for each status of success, the type of the answer.
        refusals: codes that it may answer besides those every route may.
        summary: one line, for people who read the OpenAPI document.
    """

    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
    path: str
    handler: Callable[..., Any]
    who: Literal["anybody", "signed_in"]
    kind: Literal["api", "page", "script", "asset"] = "api"
    body: type[msgspec.Struct] | None = None
    form: bool = False
    limit: int = LIMIT
    answers: Answers = field(default_factory=lambda: MappingProxyType({}))
    refusals: tuple[str, ...] = ()
    summary: str = ""

    @property
    def operation_id(self) -> str:
        """Name the call for client generators."""
        words = self.path.removeprefix("/api").replace("/", "_").replace("-", "_").replace(".", "_")
        return self.method.lower() + words.replace("{", "").replace("}", "")


_ATTEMPT = ("attempt_invalid", "throttled")
_SENSITIVE = ("reauthenticate", "forbidden", "attempt_invalid", "throttled")
_PASSWORD = ("invalid_credentials", "throttled", "busy")

API: tuple[Route, ...] = (
    Route(
        method="POST",
        path="/api/sign-up",
        handler=sign_in.sign_up,
        who="anybody",
        body=SignUpBody,
        answers={200: SignedIn, 202: NewAttempt},
        refusals=("sign_up_closed", "username_taken", "password_rejected", "throttled", "busy"),
        summary="Begin a sign-up",
    ),
    Route(
        method="POST",
        path="/api/sign-in",
        handler=sign_in.sign_in,
        who="anybody",
        body=SignInBody,
        answers={200: StepShape},
        refusals=_PASSWORD,
        summary="Sign in, or begin to",
    ),
    Route(
        method="POST",
        path="/api/attempt/begin",
        handler=sign_in.begin,
        who="anybody",
        body=BeginBody,
        answers={200: MoreShape},
        refusals=(*_ATTEMPT, "texts_held"),
        summary="Send the code of an attempt",
    ),
    Route(
        method="POST",
        path="/api/attempt/answer",
        handler=sign_in.answer,
        who="anybody",
        body=AnswerBody,
        answers={200: StepShape},
        refusals=(*_ATTEMPT, *_PASSWORD, "invalid_code", "password_rejected", "username_taken", "link_invalid"),
        summary="Answer an attempt",
    ),
    Route(
        method="POST",
        path="/api/attempt/link",
        handler=sign_in.link,
        who="anybody",
        body=LinkBody,
        answers={200: StepShape},
        refusals=("link_invalid", "throttled", "username_taken"),
        summary="Redeem a mailed link",
    ),
    Route(
        method="POST",
        path="/api/reauthenticate",
        handler=sign_in.reauthenticate,
        who="signed_in",
        body=ReauthenticateBody,
        answers={202: NewAttempt},
        summary="Begin to confirm that it is still you",
    ),
    Route(
        method="POST",
        path="/api/recover",
        handler=sign_in.recover,
        who="anybody",
        body=RecoverBody,
        answers={202: NewAttempt},
        refusals=("recovery_closed", "throttled"),
        summary="Begin to replace a forgotten password",
    ),
    Route(
        method="GET",
        path="/api/session",
        handler=account.session,
        who="signed_in",
        answers={200: SessionView},
        summary="Who am I",
    ),
    Route(
        method="DELETE",
        path="/api/session",
        handler=account.sign_out,
        who="signed_in",
        answers={204: None},
        summary="Sign out",
    ),
    Route(
        method="GET",
        path="/api/sessions",
        handler=account.sessions,
        who="signed_in",
        answers={200: SessionsShape},
        summary="Where I am signed in",
    ),
    Route(
        method="DELETE",
        path="/api/sessions",
        handler=account.revoke_others,
        who="signed_in",
        answers={200: Revoked},
        summary="Sign out everywhere else",
    ),
    Route(
        method="DELETE",
        path="/api/sessions/{id}",
        handler=account.revoke_session,
        who="signed_in",
        answers={204: None},
        summary="Sign one device out",
    ),
    Route(
        method="GET",
        path="/api/authenticators",
        handler=authenticators.authenticators,
        who="signed_in",
        answers={200: AuthenticatorsShape},
        summary="What I prove myself with",
    ),
    Route(
        method="POST",
        path="/api/authenticators/totp",
        handler=authenticators.begin_totp,
        who="anybody",
        body=BeginTotpBody,
        answers={200: TotpProposal},
        refusals=(*_ATTEMPT, "not_authenticated", "reauthenticate", "forbidden"),
        summary="Begin to enrol an authenticator app",
    ),
    Route(
        method="POST",
        path="/api/authenticators/totp/confirm",
        handler=authenticators.confirm_totp,
        who="anybody",
        body=ConfirmTotpBody,
        answers={200: BoundStepShape},
        refusals=(*_ATTEMPT, "not_authenticated", "reauthenticate", "forbidden", "not_found", "invalid_code"),
        summary="Confirm an authenticator app by its first code",
    ),
    Route(
        method="POST",
        path="/api/authenticators/passkey",
        handler=authenticators.begin_passkey,
        who="anybody",
        body=BeginPasskeyBody,
        answers={200: PasskeyProposalShape},
        refusals=(*_ATTEMPT, "not_authenticated", "reauthenticate", "forbidden"),
        summary="Begin to make a passkey",
    ),
    Route(
        method="POST",
        path="/api/authenticators/passkey/confirm",
        handler=authenticators.confirm_passkey,
        who="anybody",
        body=ConfirmPasskeyBody,
        answers={200: BoundStepShape},
        refusals=(*_ATTEMPT, "not_authenticated", "reauthenticate", "not_found", "invalid_credentials"),
        summary="Confirm a passkey by the credential that was made",
    ),
    Route(
        method="POST",
        path="/api/authenticators/sms_code",
        handler=phones.begin_phone,
        who="anybody",
        body=BeginPhoneBody,
        answers={200: PhoneProposalShape},
        refusals=(*_ATTEMPT, "not_authenticated", "reauthenticate", "forbidden", "texts_held"),
        summary="Text a code to a phone that is to be bound",
    ),
    Route(
        method="POST",
        path="/api/authenticators/sms_code/confirm",
        handler=phones.confirm_phone,
        who="anybody",
        body=ConfirmPhoneBody,
        answers={200: BoundStepShape},
        refusals=(*_ATTEMPT, "not_authenticated", "reauthenticate", "forbidden", "not_found", "invalid_code"),
        summary="Confirm a phone by the code that was texted to it",
    ),
    Route(
        method="POST",
        path="/api/authenticators/recovery_code",
        handler=authenticators.recovery_codes,
        who="signed_in",
        answers={200: RecoveryCodesShape},
        refusals=("reauthenticate", "not_found", "attempt_invalid"),
        summary="Make a new set of recovery codes",
    ),
    Route(
        method="PATCH",
        path="/api/authenticators/{id}",
        handler=authenticators.rename,
        who="signed_in",
        body=AuthenticatorChanges,
        answers={200: AuthenticatorShape},
        refusals=("not_found",),
        summary="Change what an authenticator is called",
    ),
    Route(
        method="DELETE",
        path="/api/authenticators/{id}",
        handler=authenticators.remove,
        who="signed_in",
        answers={200: SignedIn},
        refusals=("reauthenticate", "not_found", "forbidden", "attempt_invalid"),
        summary="Remove an authenticator",
    ),
    Route(
        method="GET",
        path="/api/account",
        handler=account.account,
        who="signed_in",
        answers={200: AccountShape},
        summary="My account",
    ),
    Route(
        method="PATCH",
        path="/api/account",
        handler=account.change_account,
        who="signed_in",
        body=AccountChanges,
        answers={200: AccountShape},
        refusals=("username_taken", *_SENSITIVE),
        summary="Change my profile",
    ),
    Route(
        method="PUT",
        path="/api/account/password",
        handler=account.change_password,
        who="signed_in",
        body=ChangePasswordBody,
        answers={200: SignedIn},
        refusals=(*_PASSWORD, "password_rejected", "attempt_invalid"),
        summary="Change my password",
    ),
    Route(
        method="GET",
        path="/api/account/events",
        handler=account.events,
        who="signed_in",
        answers={200: EventsShape},
        summary="What happened to my account",
    ),
    Route(
        method="GET",
        path="/api/account/export",
        handler=account.export,
        who="signed_in",
        answers={200: dict},
        refusals=("reauthenticate", "throttled"),
        summary="Everything that is kept about me",
    ),
    Route(
        method="POST",
        path="/api/account/close",
        handler=account.close,
        who="signed_in",
        answers={202: Closed},
        refusals=_SENSITIVE,
        summary="Close my account, with time to call it off",
    ),
    Route(
        method="DELETE",
        path="/api/account",
        handler=account.erase,
        who="signed_in",
        answers={204: None},
        refusals=_SENSITIVE,
        summary="Erase my account at once",
    ),
    Route(
        method="POST",
        path="/api/stop",
        handler=account.stop,
        who="anybody",
        body=StopBody,
        answers={200: Stopped},
        refusals=("link_invalid", "throttled"),
        summary="Stop what a mailed notice tells of",
    ),
    Route(
        method="POST",
        path="/api/account/email",
        handler=addresses.begin,
        who="signed_in",
        body=AddressBody,
        answers={202: NewAttempt},
        refusals=_SENSITIVE,
        summary="Begin to change my address, or to add one",
    ),
    Route(
        method="DELETE",
        path="/api/account/email",
        handler=addresses.drop,
        who="signed_in",
        answers={204: None},
        refusals=("not_found",),
        summary="Drop the change of address that waits",
    ),
    Route(
        method="PATCH",
        path="/api/account/emails/{id}",
        handler=addresses.prefer,
        who="signed_in",
        body=AddressChanges,
        answers={204: None},
        refusals=_SENSITIVE,
        summary="Make one of my addresses the primary one",
    ),
    Route(
        method="DELETE",
        path="/api/account/emails/{id}",
        handler=addresses.remove,
        who="signed_in",
        answers={204: None},
        refusals=("invalid_input", *_SENSITIVE),
        summary="Remove one of my addresses",
    ),
    Route(
        method="GET",
        path="/api/api-keys",
        handler=api_keys.list_,
        who="signed_in",
        answers={200: ApiKeysShape},
        summary="My API keys",
    ),
    Route(
        method="POST",
        path="/api/api-keys",
        handler=api_keys.create,
        who="signed_in",
        body=NewApiKeyBody,
        answers={201: NewApiKeyShape},
        refusals=("reauthenticate", "attempt_invalid"),
        summary="Make an API key, after a fresh proof",
    ),
    Route(
        method="DELETE",
        path="/api/api-keys/{id}",
        handler=api_keys.revoke,
        who="signed_in",
        answers={204: None},
        summary="Revoke an API key",
    ),
    Route(
        method="POST",
        path="/api/token/refresh",
        handler=tokens.refresh,
        who="anybody",
        body=RefreshBody,
        answers={200: TokensShape},
        refusals=("invalid_token", "not_authenticated"),
        summary="Get the next access token",
    ),
    Route(
        method="POST",
        path="/api/token/revoke",
        handler=tokens.revoke,
        who="anybody",
        body=RevokeBody,
        answers={200: dict},
        summary="End the session of a token",
    ),
    Route(
        method="POST",
        path="/api/token/ended",
        handler=tokens.ended,
        who="anybody",
        body=EndedBody,
        answers={200: EndedShape},
        summary="Which sessions have ended, for services that only verify",
    ),
    Route(
        method="GET",
        path="/forward",
        handler=forward.answer,
        who="anybody",
        answers={200: None},
        refusals=("not_authenticated", "forbidden", "cross_site", "malformed_request"),
        summary="May this request pass? For proxies: see the guide to forward authentication",
    ),
    Route(
        method="GET",
        path="/api/jwks.json",
        handler=tokens.jwks,
        who="anybody",
        kind="asset",
        answers={200: Keys},
        summary="The public keys of access tokens",
    ),
)
"""The JSON API. ``GET /api/openapi.json`` describes it."""

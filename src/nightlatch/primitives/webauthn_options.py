"""What a browser is asked for: the options of WebAuthn's two ceremonies, in the JSON that its own parsers read.

``PublicKeyCredential.parseCreationOptionsFromJSON`` and ``parseRequestOptionsFromJSON`` (W3C Web Authentication
Level 3, 5.1.8 and 5.1.9).
"""

from __future__ import annotations

from base64 import urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal

from nightlatch.primitives.webauthn import ALGORITHMS, RelyingParty

__all__ = ["Known", "Verification", "base64url", "creation_options", "request_options"]

Verification = Literal["required", "preferred", "discouraged"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """A credential that is known already.

    Args:
        credential_id: its id.
        transports: how browsers reached it.
    """

    credential_id: bytes
    transports: tuple[str, ...] = ()


def creation_options(
    party: RelyingParty,
    *,
    challenge: bytes,
    user_handle: bytes,
    user_name: str,
    display_name: str,
    life: timedelta,
    exclude: Sequence[Known] = (),
    verification: Verification = "preferred",
) -> dict[str, Any]:
    """Return the options for making a passkey.

    Args:
        party: whom it is made for.
        challenge: random bytes, at least 16 (13.4.3), stored by the caller and good once.
        user_handle: random bytes that tell nothing of the user (14.6.1), at most 64.
        user_name: what the person signs in with, so that accounts can be told apart in a list.
        display_name: what the person is called.
        life: how long the challenge is good.
        exclude: what the user has already: an authenticator makes no second one.
        verification: whether the authenticator must see that it is its owner.
    """
    return {
        "rp": {"id": party.id, "name": party.name},
        "user": {"id": base64url(user_handle), "name": user_name, "displayName": display_name},
        "challenge": base64url(challenge),
        "pubKeyCredParams": [{"type": "public-key", "alg": algorithm} for algorithm in ALGORITHMS],
        "timeout": life // timedelta(milliseconds=1),
        "excludeCredentials": [_descriptor(each) for each in exclude],
        # Discoverable, so that it can be the whole sign-in: nobody types a name first.
        "authenticatorSelection": {
            "residentKey": "required",
            "requireResidentKey": True,
            "userVerification": verification,
        },
        "attestation": "none",
        "extensions": {"credProps": True},
    }


def request_options(
    party: RelyingParty,
    *,
    challenge: bytes,
    life: timedelta,
    allow: Sequence[Known] = (),
    verification: Verification = "preferred",
) -> dict[str, Any]:
    """Return the options for using a passkey.

    Args:
        party: whom it was made for.
        challenge: random bytes, at least 16 (13.4.3), stored by the caller and good once.
        life: how long the challenge is good.
        allow: the user's, once a first factor is proven. Before that nothing: the list would tell who has an account
            (14.6.2).
        verification: whether the authenticator must see that it is its owner.
    """
    return {
        "challenge": base64url(challenge),
        "timeout": life // timedelta(milliseconds=1),
        "rpId": party.id,
        "allowCredentials": [_descriptor(each) for each in allow],
        "userVerification": verification,
    }


def _descriptor(known: Known) -> dict[str, Any]:
    return {"type": "public-key", "id": base64url(known.credential_id), "transports": list(known.transports)}


def base64url(value: bytes) -> str:
    """Return bytes as WebAuthn's JSON has them: base64url without padding."""
    return urlsafe_b64encode(value).rstrip(b"=").decode()

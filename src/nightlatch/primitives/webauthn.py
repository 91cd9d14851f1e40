"""Passkeys: does this credential answer our challenge? By W3C Web Authentication Level 3, 7.1 and 7.2.

`fido2` reads CBOR and verifies signatures; what a relying party must look at besides stands here, in the standard's
order. Whatever a browser, or somebody without one, may send: either it holds, or `CeremonyRefused`.
"""

from __future__ import annotations

import json
import re
from base64 import urlsafe_b64decode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import wraps
from hashlib import sha256
from secrets import compare_digest
from typing import Any, NoReturn, ParamSpec, TypeVar
from uuid import UUID

from cryptography.exceptions import InvalidSignature
from fido2 import cbor
from fido2.cose import CoseKey
from fido2.webauthn import AttestationObject, AuthenticatorData

__all__ = [
    "ALGORITHMS",
    "Asserted",
    "CeremonyRefused",
    "Registered",
    "RelyingParty",
    "claimed_challenge",
    "claimed_credential",
    "verify_assertion",
    "verify_registration",
]

P = ParamSpec("P")
T = TypeVar("T")

ALGORITHMS: Mapping[int, int] = {-7: 2, -8: 1, -257: 3, -35: 2, -36: 2, -53: 1}
"""COSE algorithms that are asked for, the one liked best first, and the key type each has (RFC 9053, RFC 8812)."""

_LONGEST_ID = 1023
"""Bytes of a credential id (7.1 step 25)."""
_LONGEST_TEXT = 64 * 1024
"""Characters of any one member of a credential; real ones have a few thousand."""
_RSA_BITS = range(2048, 4096 + 1)
"""Shorter ones are weak, longer ones cost us more than they cost whoever sends them."""
_RSA = -257
_TRANSPORTS = {"ble", "cable", "hybrid", "internal", "nfc", "smart-card", "usb"}


class CeremonyRefused(Exception):
    """A credential does not hold. The reason is for the audit log alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RelyingParty:
    """Whom passkeys are made for.

    Args:
        id: the RP ID: the host of the site's address.
        name: as browsers show it.
        origins: the exact origins whose pages may ask: scheme, host, port.
        allow_cross_origin: whether a page of ours inside another site's frame may ask.
        top_origins: the sites in whose frames it may be.
        aaguids: the makes that may be registered; empty for any. Without attestation this is what a make says of
            itself: it keeps honest people to it, and nobody else.
    """

    id: str
    name: str
    origins: frozenset[str]
    allow_cross_origin: bool = False
    top_origins: frozenset[str] = frozenset()
    aaguids: frozenset[UUID] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    """A new credential that holds.

    Args:
        credential_id: at most 1023 bytes.
        public_key: COSE_Key, in CBOR.
        sign_count: 0 where the authenticator keeps none.
        user_verified: whether the authenticator saw that it is its owner.
        backup_eligible: whether the key may be on several devices; never changes.
        backed_up: whether it is now.
        aaguid: the make, as it says itself; all zeros where it says nothing.
        transports: how the browser reaches it, for the next ceremony's hint.
    """

    credential_id: bytes
    public_key: bytes
    sign_count: int
    user_verified: bool
    backup_eligible: bool
    backed_up: bool
    aaguid: UUID
    transports: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asserted:
    """An assertion that holds.

    Args:
        sign_count: to be compared with the one that is stored.
        user_verified: whether the authenticator saw that it is its owner: without it this is one factor (NIST
            SP 800-63B-4 appendix B).
        backup_eligible: as at registration.
        backed_up: as it is now.
        user_handle: whose the authenticator says the key is; None where it does not say.
    """

    sign_count: int
    user_verified: bool
    backup_eligible: bool
    backed_up: bool
    user_handle: bytes | None


def _refused(reason: str) -> NoReturn:
    raise CeremonyRefused(reason)


def _total(verify: Callable[P, T]) -> Callable[P, T]:
    """Let nothing else out: a hostile object makes a parser raise anything, a RecursionError too."""

    @wraps(verify)
    def or_refused(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return verify(*args, **kwargs)
        except CeremonyRefused:
            raise
        except Exception as error:  # noqa: BLE001 - fail closed; only its kind is told, its text may quote the input
            raise CeremonyRefused(f"malformed credential: {type(error).__name__}") from None

    return or_refused


@_total
def claimed_credential(credential: object) -> bytes:
    """Return the id of the credential that somebody claims to have: what a look-up goes by. Nothing is verified.

    Args:
        credential: the browser's ``toJSON()``, decoded.

    Raises:
        CeremonyRefused: it is no credential.
    """
    return _outline(credential)[0]


@_total
def claimed_challenge(credential: object) -> bytes:
    """Return the challenge that a credential says it answers: what its look-up goes by. Nothing is verified.

    Args:
        credential: the browser's ``toJSON()``, decoded.

    Raises:
        CeremonyRefused: it is no credential.
    """
    said = json.loads(_bytes(_outline(credential)[1], "clientDataJSON").decode(), object_pairs_hook=_once)
    if not isinstance(said, dict):
        _refused("client data is no object")
    return _bytes(said, "challenge")


@_total
def verify_registration(
    party: RelyingParty, challenge: bytes, credential: object, *, user_presence: bool = True
) -> Registered:
    """Verify a new credential (7.1). Attestation is not asked for, and not looked at.

    Args:
        party: whom it is made for.
        challenge: the bytes that the options held.
        credential: the browser's ``toJSON()``, decoded.
        user_presence: False where the browser made it by itself after a password sign-in (conditional create).

    Raises:
        CeremonyRefused: it does not hold.
    """
    claimed, response = _outline(credential)
    _verify_client_data(party, _bytes(response, "clientDataJSON"), "webauthn.create", challenge)
    data = AttestationObject(_bytes(response, "attestationObject")).auth_data
    _verify_flags(party, data, user_presence=user_presence)

    made = data.credential_data
    if made is None:
        _refused("no credential in it")
    if made.credential_id != claimed or not 0 < len(claimed) <= _LONGEST_ID:
        _refused("another credential's id, or too long a one")
    _verify_key(made.public_key)
    aaguid = UUID(bytes=bytes(made.aaguid))
    if party.aaguids and aaguid not in party.aaguids:
        _refused(f"make {aaguid} is not on the list")

    hints = response.get("transports")
    return Registered(
        credential_id=claimed,
        public_key=cbor.encode(dict(made.public_key)),
        sign_count=data.counter,
        user_verified=data.is_user_verified(),
        backup_eligible=data.is_backup_eligible(),
        backed_up=data.is_backed_up(),
        aaguid=aaguid,
        transports=tuple(sorted(_TRANSPORTS.intersection(hints))) if isinstance(hints, list) else (),
    )


@_total
def verify_assertion(
    party: RelyingParty, challenge: bytes, credential: object, *, public_key: bytes, backup_eligible: bool
) -> Asserted:
    """Verify an assertion (7.2) by the key that is stored for its credential id.

    Args:
        party: whom the key was made for.
        challenge: the bytes that the options held.
        credential: the browser's ``toJSON()``, decoded.
        public_key: as `Registered` had it.
        backup_eligible: likewise.

    Raises:
        CeremonyRefused: it does not hold.
    """
    _, response = _outline(credential)
    client_data = _bytes(response, "clientDataJSON")
    _verify_client_data(party, client_data, "webauthn.get", challenge)
    signed = _bytes(response, "authenticatorData")
    data = AuthenticatorData(signed)
    _verify_flags(party, data, user_presence=True)
    if data.is_backup_eligible() != backup_eligible:
        _refused("backup eligibility changed, which it never does")  # 7.2 step 20

    key = CoseKey.parse(cbor.decode(public_key))  # type: ignore[arg-type] # what `verify_registration` encoded
    try:
        key.verify(signed + sha256(client_data).digest(), _bytes(response, "signature"))
    except InvalidSignature:
        _refused("wrong signature")

    handle = response.get("userHandle")
    return Asserted(
        sign_count=data.counter,
        user_verified=data.is_user_verified(),
        backup_eligible=data.is_backup_eligible(),
        backed_up=data.is_backed_up(),
        user_handle=None if handle is None else _bytes(response, "userHandle"),
    )


def _outline(credential: object) -> tuple[bytes, Mapping[str, Any]]:
    """Return a credential's id and its response."""
    if not isinstance(credential, dict) or credential.get("type") != "public-key":
        _refused("not a public key credential")
    if credential.get("id") != credential.get("rawId"):
        _refused("two ids")
    response = credential.get("response")
    if not isinstance(response, dict):
        _refused("no response")
    return _bytes(credential, "rawId"), response


def _bytes(members: Mapping[str, Any], name: str) -> bytes:
    """Read base64url as browsers write it: no padding, no space, nothing left over."""
    text = members.get(name)
    if not isinstance(text, str) or len(text) > _LONGEST_TEXT or re.fullmatch(r"[A-Za-z0-9_-]*", text) is None:
        _refused(f"{name} is not base64url")
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _verify_client_data(party: RelyingParty, client_data: bytes, kind: str, challenge: bytes) -> None:
    said = json.loads(client_data.decode(), object_pairs_hook=_once)
    if not isinstance(said, dict) or said.get("type") != kind:
        _refused("client data of another ceremony")
    if not compare_digest(_bytes(said, "challenge"), challenge):
        _refused("another challenge")
    if said.get("origin") not in party.origins:
        # Exactly: no suffix, no other port (7.1 step 9, 13.4.9).
        _refused("origin is not one of ours")
    if said.get("crossOrigin", False) is not False and not party.allow_cross_origin:
        _refused("asked for inside another site's frame")
    if said.get("topOrigin") is not None and said["topOrigin"] not in party.top_origins:
        _refused("asked for inside a frame of a site that may not")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        _refused("a member of the client data stands there twice")
    return members


def _verify_flags(party: RelyingParty, data: AuthenticatorData, *, user_presence: bool) -> None:
    if not compare_digest(data.rp_id_hash, sha256(party.id.encode()).digest()):
        _refused("made for another relying party")
    if user_presence and not data.is_user_present():
        _refused("nobody was present")
    if data.is_backed_up() and not data.is_backup_eligible():
        _refused("backed up, yet not eligible for it")


def _verify_key(key: CoseKey) -> None:
    algorithm: Any = key.get(3)
    if algorithm not in ALGORITHMS or key.get(1) != ALGORITHMS[algorithm]:
        _refused("algorithm was not asked for")
    if algorithm == _RSA and not (_RSA_BITS.start <= int.from_bytes(key[-1], "big").bit_length() < _RSA_BITS.stop):
        _refused("RSA key of a length that is not taken")
    try:
        # A point off its curve, or a modulus that is none, could never verify: refuse it now, not at the first sign-in.
        key.verify(b"", b"")
    except InvalidSignature:
        return
    _refused("a key that signs everything")

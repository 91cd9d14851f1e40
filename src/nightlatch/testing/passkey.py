"""A passkey in software: makes and uses credentials as a browser with an authenticator does.

Every flag can be set, and every lie told: what a site does with them is what its tests are for.
"""

from __future__ import annotations

import json
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Literal, Protocol

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from fido2.cose import CoseKey
from fido2.webauthn import AttestationObject, AttestedCredentialData, AuthenticatorData

__all__ = ["Passkey"]

Algorithm = Literal["ES256", "EdDSA", "RS256"]


class _Key(Protocol):
    public: dict[int, int | bytes]
    """COSE_Key (RFC 9052 7)."""

    def sign(self, message: bytes) -> bytes: ...


class _Elliptic:
    public: dict[int, int | bytes]

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        point = self._key.public_key().public_numbers()
        self.public = {1: 2, 3: -7, -1: 1, -2: point.x.to_bytes(32, "big"), -3: point.y.to_bytes(32, "big")}

    def sign(self, message: bytes) -> bytes:
        return self._key.sign(message, ec.ECDSA(SHA256()))


class _Edwards:
    public: dict[int, int | bytes]

    def __init__(self) -> None:
        self._key = ed25519.Ed25519PrivateKey.generate()
        self.public = {1: 1, 3: -8, -1: 6, -2: self._key.public_key().public_bytes_raw()}

    def sign(self, message: bytes) -> bytes:
        return self._key.sign(message)


class _Rsa:
    public: dict[int, int | bytes]

    def __init__(self) -> None:
        self._key = rsa.generate_private_key(65537, 2048)
        modulus = self._key.public_key().public_numbers().n
        self.public = {1: 3, 3: -257, -1: modulus.to_bytes(256, "big"), -2: b"\x01\x00\x01"}

    def sign(self, message: bytes) -> bytes:
        return self._key.sign(message, padding.PKCS1v15(), SHA256())


_KEYS: Mapping[str, type[_Elliptic | _Edwards | _Rsa]] = {"ES256": _Elliptic, "EdDSA": _Edwards, "RS256": _Rsa}


@dataclass
class _Made:
    """What one registration left behind."""

    credential_id: bytes
    user_handle: bytes
    rp_id: str
    key: _Key
    uses: int = 0


@dataclass(kw_only=True)
class Passkey:
    """An authenticator and the browser that holds it.

    Args:
        origin: the page that asks.
        algorithm: of the keys it makes.
        user_present: whether somebody touched it.
        user_verified: whether it saw that it is its owner: a finger, a face, a PIN.
        backup_eligible: whether its keys may be on several devices.
        backed_up: whether they are.
        counts: whether it keeps a sign count.
        cross_origin: whether the page is in another site's frame.
        top_origin: in whose.
        aaguid: the make that it says it is, 16 bytes.
    """

    origin: str = "http://localhost:8000"
    algorithm: Algorithm = "ES256"
    user_present: bool = True
    user_verified: bool = True
    backup_eligible: bool = True
    backed_up: bool = True
    counts: bool = False
    cross_origin: bool = False
    top_origin: str | None = None
    aaguid: bytes = bytes(16)
    made: list[_Made] = field(default_factory=list, repr=False)
    """Its credentials, the newest last."""

    def register(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """Make a credential.

        Args:
            options: ``PublicKeyCredentialCreationOptionsJSON``, as the site gave them.

        Returns:
            what the browser's ``toJSON()`` gives.

        Raises:
            LookupError: the site excludes a credential that is in here, or asks for no algorithm that is.
        """
        if {_read(each["id"]) for each in options.get("excludeCredentials", ())} & {m.credential_id for m in self.made}:
            raise LookupError("there is one for this user already")
        made = _Made(
            credential_id=secrets.token_bytes(32),
            user_handle=_read(options["user"]["id"]),
            rp_id=options["rp"]["id"],
            key=_KEYS[self.algorithm](),
        )
        if made.key.public[3] not in {each["alg"] for each in options["pubKeyCredParams"]}:
            raise LookupError(f"{self.algorithm} is not asked for")
        self.made.append(made)
        attested = AttestedCredentialData.create(self.aaguid, made.credential_id, CoseKey.parse(made.key.public))
        data = self._data(made, attested)
        response = {
            "clientDataJSON": _text(self._client_data("webauthn.create", options)),
            "attestationObject": _text(AttestationObject.create("none", data, {})),
            "transports": ["internal"],
        }
        return _credential(made, response)

    def sign(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """Use the newest credential that the site allows.

        Args:
            options: ``PublicKeyCredentialRequestOptionsJSON``, as the site gave them.

        Returns:
            what the browser's ``toJSON()`` gives.

        Raises:
            LookupError: there is none.
        """
        allowed = {_read(each["id"]) for each in options.get("allowCredentials", ())}
        for made in reversed(self.made):
            if made.rp_id == options["rpId"] and (not allowed or made.credential_id in allowed):
                return self._assertion(made, options)
        raise LookupError("no passkey for this site")

    def _assertion(self, made: _Made, options: Mapping[str, Any]) -> dict[str, Any]:
        made.uses += 1
        data = self._data(made)
        client_data = self._client_data("webauthn.get", options)
        response = {
            "clientDataJSON": _text(client_data),
            "authenticatorData": _text(data),
            "signature": _text(made.key.sign(data + sha256(client_data).digest())),
            "userHandle": _text(made.user_handle),
        }
        return _credential(made, response)

    def _data(self, made: _Made, attested: bytes = b"") -> AuthenticatorData:
        flag = AuthenticatorData.FLAG
        flags = flag(0)
        for each, is_set in (
            (flag.UP, self.user_present),
            (flag.UV, self.user_verified),
            (flag.BE, self.backup_eligible),
            (flag.BS, self.backed_up),
            (flag.AT, bool(attested)),
        ):
            flags |= each if is_set else flag(0)
        counter = made.uses if self.counts else 0
        data: AuthenticatorData = AuthenticatorData.create(
            sha256(made.rp_id.encode()).digest(), flags, counter, attested
        )
        return data

    def _client_data(self, kind: str, options: Mapping[str, Any]) -> bytes:
        said = {
            "type": kind,
            "challenge": options["challenge"],
            "origin": self.origin,
            "crossOrigin": self.cross_origin,
        }
        if self.top_origin is not None:
            said["topOrigin"] = self.top_origin
        return json.dumps(said, separators=(",", ":")).encode()


def _credential(made: _Made, response: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": _text(made.credential_id),
        "rawId": _text(made.credential_id),
        "type": "public-key",
        "authenticatorAttachment": "platform",
        "response": response,
        "clientExtensionResults": {},
    }


def _text(value: bytes) -> str:
    return urlsafe_b64encode(value).rstrip(b"=").decode()


def _read(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))

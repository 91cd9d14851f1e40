"""Keys: one derived for each purpose, from secrets that can be rotated (ASVS 11.1.2, 11.2.2)."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Iterator, Sequence
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from nightlatch.errors import ConfigurationError, NightlatchError
from nightlatch.primitives.ids import derived_id
from nightlatch.primitives.secret import Secret

__all__ = ["KeyGone", "Keyring", "SealBroken", "strong_material"]

_ID_LENGTH = 4
_NONCE_LENGTH = 12
_LEAST_BYTES = 32
_LEAST_HEX_DIGITS = 64
_HEX = re.compile(r"[0-9a-fA-F]+")
_PLACEHOLDERS = ("changeme", "replaceme", "yoursecret", "mysecret", "insecure", "0123456789")


class SealBroken(NightlatchError):
    """A sealed value does not open: another key, another place, or changed bytes."""

    code = "seal_broken"


class KeyGone(SealBroken):
    """The key that a value names is none of ours, or no longer."""


class _Key:
    """One master secret and what was derived from it."""

    __slots__ = ("_derived", "_master", "id")

    def __init__(self, master: bytes) -> None:
        self._master = master
        self._derived: dict[str, bytes] = {}
        self.id = self.derive("key id")[:_ID_LENGTH]

    def derive(self, purpose: str) -> bytes:
        """Return the 256-bit key of a purpose: HKDF-SHA-256 (RFC 5869)."""
        key = self._derived.get(purpose)
        if key is None:
            info = f"nightlatch {purpose}".encode()
            key = self._derived[purpose] = HKDF(algorithm=SHA256(), length=32, salt=None, info=info).derive(
                self._master
            )
        return key


class Keyring:
    """Seal, open and authenticate, each purpose under a key of its own.

    Args:
        secret_keys: at least 256 bits each, as text; the first is used for new things, every one for old ones.

    Raises:
        ConfigurationError: a key is too short or plainly no secret.
    """

    def __init__(self, secret_keys: Sequence[Secret]) -> None:
        self._keys = [_Key(strong_material(each, "secret_keys")) for each in secret_keys]
        if not self._keys:
            raise ConfigurationError("secret_keys is empty")

    def seal(self, purpose: str, plaintext: bytes, *, table: str, column: str, row_id: str) -> bytes:
        """Encrypt by AES-256-GCM under a random nonce (adversary 71: no counter to reset).

        Args:
            purpose: names the key.
            plaintext: what to hide.
            table: with column and row, where it is stored: no ciphertext can be moved.
            column: see table.
            row_id: see table.

        Returns:
            the key's id, the nonce and the ciphertext with its tag.
        """
        key, nonce = self._keys[0], secrets.token_bytes(_NONCE_LENGTH)
        sealed = AESGCM(key.derive(f"seal {purpose}")).encrypt(nonce, plaintext, _frame(purpose, table, column, row_id))
        return key.id + nonce + sealed

    def unseal(self, purpose: str, sealed: bytes, *, table: str, column: str, row_id: str) -> bytes:
        """Open what `seal` made for this very place.

        Raises:
            SealBroken: it was not.
        """
        key_id, nonce = sealed[:_ID_LENGTH], sealed[_ID_LENGTH : _ID_LENGTH + _NONCE_LENGTH]
        for key in self._keys:
            if key.id != key_id or len(nonce) != _NONCE_LENGTH:
                continue
            try:
                cipher = AESGCM(key.derive(f"seal {purpose}"))
                return cipher.decrypt(
                    nonce, sealed[_ID_LENGTH + _NONCE_LENGTH :], _frame(purpose, table, column, row_id)
                )
            except InvalidTag:
                break
        raise SealBroken(f"{table}.{column} of row {row_id} does not open")

    def mac(self, purpose: str, *parts: str) -> bytes:
        """Return the HMAC-SHA-256 of some texts under the newest key; the parts cannot run into one another."""
        return next(self._macs(purpose, parts))

    def macs(self, purpose: str, *parts: str) -> list[bytes]:
        """Return the HMACs under every key, newest first: for comparing with what an older key made."""
        return list(self._macs(purpose, parts))

    def verify_mac(self, purpose: str, mac: bytes, *parts: str) -> None:
        """Accept what any key made of these texts, comparing with each in constant time (ASVS 11.2.4).

        Raises:
            SealBroken: no key made it of these texts, for this purpose.
        """
        # Every key is compared, whichever matches: the time does not say which one it was.
        if not sum(hmac.compare_digest(mac, each) for each in self._macs(purpose, parts)):
            raise SealBroken(f"not a {purpose} MAC of these texts")

    def named_mac(self, purpose: str, *parts: str) -> bytes:
        """Return a MAC of 32 bytes that names its key: the key's id, and 224 bits of the HMAC-SHA-256."""
        key = self._keys[0]
        return key.id + hmac.digest(key.derive(f"mac {purpose}"), _frame(*parts), hashlib.sha256)[:-_ID_LENGTH]

    def verify_named_mac(self, purpose: str, mac: bytes, *parts: str) -> None:
        """Accept what `named_mac` made of these texts.

        Raises:
            KeyGone: the key that it names is none of these.
            SealBroken: it is not.
        """
        for key in self._keys:
            if key.id == mac[:_ID_LENGTH]:
                right = hmac.digest(key.derive(f"mac {purpose}"), _frame(*parts), hashlib.sha256)[:-_ID_LENGTH]
                if hmac.compare_digest(mac[_ID_LENGTH:], right):
                    return
                raise SealBroken(f"not a {purpose} MAC of these texts")
        raise KeyGone(f"a {purpose} MAC under a key that is not here")

    def _macs(self, purpose: str, parts: Sequence[str]) -> Iterator[bytes]:
        message = _frame(*parts)
        for key in self._keys:
            yield hmac.digest(key.derive(f"mac {purpose}"), message, hashlib.sha256)

    def marks(self) -> list[UUID]:
        """Return an id for each key, newest first, by which it can be known again and nothing else."""
        return [derived_id(key.derive("mark"), "secret key") for key in self._keys]

    def __repr__(self) -> str:
        return f"Keyring({len(self._keys)} keys)"


def _frame(*parts: str) -> bytes:
    """Join texts so that no two lists of them give the same bytes."""
    encoded = [part.encode("utf-8", "surrogatepass") for part in parts]
    return b"".join(len(each).to_bytes(8, "big") + each for each in encoded)


def strong_material(secret: Secret, name: str) -> bytes:
    """Return the bytes of a key in a list of them, by the setting's name.

    Raises:
        ConfigurationError: under 256 bits, or plainly no secret: few different characters, a repetition, a placeholder.
    """
    text = secret.reveal()
    material = text.encode("utf-8", "surrogatepass")
    letters = re.sub(r"[\W_]", "", text).lower()
    weak = (
        len(material) < _LEAST_BYTES
        or len(set(material)) < 8  # noqa: PLR2004 - any random text has more
        or (_HEX.fullmatch(text) is not None and len(text) < _LEAST_HEX_DIGITS)  # 4 bits a digit
        or (text + text).find(text, 1) < len(text)  # one unit, repeated
        or any(each in letters for each in _PLACEHOLDERS)
    )
    if weak:
        raise ConfigurationError(
            f"a key in {name} is no random text of at least 32 characters (64 if hexadecimal); make one with:"
            " python -c 'import secrets; print(secrets.token_urlsafe(48))'"
        )
    return material

"""Time-based one-time passwords (RFC 6238) as authenticator apps have them: SHA-1, six digits, thirty seconds."""

from __future__ import annotations

import base64
import hmac
import secrets
from datetime import datetime

import pyotp

from nightlatch.primitives.secret import Secret

__all__ = ["DIGITS", "PERIOD", "key_uri", "matching_step", "new_seed", "typed_seed"]

PERIOD = 30
DIGITS = 6
_SEED_BYTES = 20  # RFC 4226 4 (R6): 160 bits


def new_seed() -> bytes:
    """Make a seed of 160 bits."""
    return secrets.token_bytes(_SEED_BYTES)


def typed_seed(seed: bytes) -> str:
    """Return a seed as it is typed into an app: base32 in groups of four."""
    text = base64.b32encode(seed).decode()
    return " ".join(text[at : at + 4] for at in range(0, len(text), 4))


def key_uri(seed: bytes, *, account: str, issuer: str) -> str:
    """Return what the QR code says (Google's Key URI format, which every app reads)."""
    return pyotp.TOTP(base64.b32encode(seed).decode()).provisioning_uri(name=account, issuer_name=issuer)


def matching_step(seed: bytes, code: Secret, at: datetime) -> int | None:
    """Tell which step a code is of: the one at hand, or the last, which a slow typist or clock is in (RFC 6238 5.2).

    Args:
        seed: the shared secret.
        code: as typed; spaces do not count.
        at: the time, aware.

    Returns:
        the number of the step (30 seconds each since 1970); None where it is neither's.
    """
    typed = "".join(code.reveal().split())
    generator = pyotp.HOTP(base64.b32encode(seed).decode(), digits=DIGITS)
    now = int(at.timestamp()) // PERIOD
    found = None
    for step in range(max(now - 1, 0), now + 1):  # both are compared, whichever matches
        if hmac.compare_digest(generator.at(step).encode(), typed.encode("utf-8", "surrogatepass")):
            found = step
    return found

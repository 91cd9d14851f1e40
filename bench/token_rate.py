"""How many access tokens one process verifies a second: ``python -m bench.token_rate [seconds]``.

Against the bare signature, by the same library: what is around it (the header, base64url, JSON, the claims) is all that
can be slow about a first sight. A repeated token is remembered, and looked at anew.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable

from nightlatch.primitives.jwt import PrivateKey
from nightlatch.verify import Verifier
from nightlatch.verify.compact import verify_compact
from nightlatch.verify.encoding import b64url_bytes
from nightlatch.verify.jwks import KeySet
from nightlatch.verify.keys import keys_by_header

__all__ = ["token_rate"]

_ISSUER, _AUDIENCE = "https://app.example.com/auth", "https://app.example.com"
_AT_ONCE = 200
_TURNS = 20


def token_rate(seconds: float) -> tuple[float, float, float]:
    """Return rates a second: bare signatures, tokens at first sight, and a repeated token.

    Args:
        seconds: how long, for each; the three take turns, so that the machine's changes of speed meet all alike.
    """
    key, now = PrivateKey.generate("EdDSA"), int(time.time())
    text = key.sign(_claims(now))
    keys = keys_by_header([key.public])
    message, _, encoded = text.encode().rpartition(b".")
    signature = b64url_bytes(encoded)
    bare = key.public._key.verify  # noqa: SLF001 - the raw rate is what is compared with
    document = json.dumps({"keys": [key.public_jwk]}).encode()
    verifier = Verifier(
        issuer=_ISSUER, audience=_AUDIENCE, keys=KeySet(f"{_ISSUER}/api/jwks.json", read=lambda _: document)
    )
    measured: list[Callable[[], object]] = [
        lambda: bare(signature, message),
        lambda: verify_compact(text, keys, issuer=_ISSUER, audience=_AUDIENCE, now=now, leeway=5.0),
        lambda: verifier.verify(text),
    ]
    took, done = [0.0] * len(measured), [0] * len(measured)
    for _ in range(_TURNS):
        for at, each in enumerate(measured):
            count, spent = _for(seconds / _TURNS, each)
            done[at] += count
            took[at] += spent
    raw, first, again = (count / spent for count, spent in zip(done, took, strict=True))
    return raw, first, again


def _for(seconds: float, measured: Callable[[], object]) -> tuple[int, float]:
    began, count = time.perf_counter(), 0
    while (spent := time.perf_counter() - began) < seconds:
        for _ in range(_AT_ONCE):
            measured()
        count += _AT_ONCE
    return count, spent


def _claims(now: int) -> dict[str, object]:
    return {
        "iss": _ISSUER,
        "sub": "01980c5e-0000-7000-8000-000000000001",
        "aud": _AUDIENCE,
        "client_id": "first-party",
        "exp": now + 3600,
        "iat": now,
        "jti": "01980c5e-0000-7000-8000-000000000002",
        "sid": "01980c5e-0000-7000-8000-000000000003",
        "auth_time": now,
        "acr": "aal2",
        "amr": ["mfa", "otp", "pwd"],
        "roles": ["editor"],
    }


if __name__ == "__main__":
    raw, first, again = token_rate(float((sys.argv[1:] or ["3"])[0]))
    print(f"bare Ed25519 {raw:,.0f}/s, first sight {first:,.0f}/s ({first / raw:.2f}), repeated {again:,.0f}/s")

"""Signing a request for Amazon's services (AWS Signature Version 4, "Create a signed AWS API request").

Forty lines against a published suite of vectors, in place of botocore, which is 30 MB of service descriptions.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime
from urllib.parse import parse_qsl, quote, urlsplit

from nightlatch.primitives.secret import Secret

__all__ = ["signed_headers"]

_ALGORITHM = "AWS4-HMAC-SHA256"


def signed_headers(
    url: str,
    body: bytes,
    headers: Mapping[str, str],
    *,
    key_id: str,
    secret_key: Secret,
    region: str,
    service: str,
    at: datetime,
    session_token: Secret | None = None,
    method: str = "POST",
) -> dict[str, str]:
    """Return the headers of a request with its signature among them.

    Args:
        url: where it goes; the path in its encoded form.
        body: what is sent.
        headers: to be signed, besides ``Host`` and ``X-Amz-Date``.
        key_id: of the access key.
        secret_key: its secret.
        region: ``us-east-1``.
        service: ``sns``.
        at: the time, aware.
        session_token: of a temporary access key.
        method: of the request.
    """
    parts = urlsplit(url)
    stamp = at.strftime("%Y%m%dT%H%M%SZ")
    every = {"Host": parts.netloc, "X-Amz-Date": stamp, **headers}
    if session_token is not None:
        every["X-Amz-Security-Token"] = session_token.reveal()
    named = sorted((name.lower(), " ".join(value.split())) for name, value in every.items())
    names = ";".join(name for name, _ in named)
    pairs = sorted(
        (quote(name, safe="-_.~"), quote(value, safe="-_.~"))
        for name, value in parse_qsl(parts.query, keep_blank_values=True)
    )
    canonical = "\n".join(
        [
            method,
            quote(parts.path or "/", safe="/-_.~%"),
            "&".join(f"{name}={value}" for name, value in pairs),
            *(f"{name}:{value}" for name, value in named),
            "",
            names,
            hashlib.sha256(body).hexdigest(),
        ]
    )
    scope = f"{stamp[:8]}/{region}/{service}/aws4_request"
    to_sign = "\n".join([_ALGORITHM, stamp, scope, hashlib.sha256(canonical.encode()).hexdigest()])
    key = f"AWS4{secret_key.reveal()}".encode()
    for part in (stamp[:8], region, service, "aws4_request"):
        key = _mac(key, part)
    signature = _mac(key, to_sign).hex()
    every["Authorization"] = f"{_ALGORITHM} Credential={key_id}/{scope}, SignedHeaders={names}, Signature={signature}"
    return every


def _mac(key: bytes, text: str) -> bytes:
    return hmac.new(key, text.encode(), hashlib.sha256).digest()

"""What is fuzzed: each target takes bytes, and raises whatever the code under it should not have raised.

What is refused is refused by the one documented error; what is accepted reads back as itself. A target needs no
atheris: the suite runs each over its seeds, so that none is ever out of date.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

from nightlatch.errors import InvalidInput, NightlatchError
from nightlatch.http.api.shapes import AnswerBody, SignUpBody
from nightlatch.http.bodies import query_of, read_form, read_json
from nightlatch.http.hosted.forms import SignInForm
from nightlatch.http.messages import Request
from nightlatch.http.problems import status_of
from nightlatch.primitives.opaque import Kind, MalformedToken, issue, parse, uuid_of
from nightlatch.primitives.request_paths import AmbiguousPath, folded, plain_path
from nightlatch.verify import AccessToken, InvalidToken, SharedSecrets, Verifier
from nightlatch.verify.encoding import b64url, b64url_bytes
from nightlatch.verify.keys import keys_from_jwks

__all__ = ["TARGETS", "Target"]

_NOW = 1_800_000_000
_ISSUER, _AUDIENCE = "https://app.example.com/auth", "https://app.example.com"
_KEYS = SharedSecrets(["a secret for the fuzzer, long enough to be one"])
_CLAIMS = {
    "iss": _ISSUER, "sub": "user", "aud": _AUDIENCE, "client_id": "first-party", "exp": _NOW + 300, "iat": _NOW,
    "jti": "token", "sid": "session", "auth_time": _NOW, "acr": "aal1", "amr": ["pwd"], "roles": ["editor"],
}  # fmt: skip
_GOOD = _KEYS.signing.sign(_CLAIMS)
_VERIFIER = Verifier(issuer=_ISSUER, audience=_AUDIENCE, keys=_KEYS, now=lambda: _NOW)


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One thing to fuzz.

    Args:
        run: takes bytes; raises what is a flaw.
        seeds: what it begins with.
    """

    run: Callable[[bytes], None]
    seeds: tuple[bytes, ...]


def token(data: bytes) -> None:
    """Any text as an access token: good only if it is, to the byte, one that was signed."""
    text = data.decode("utf-8", "surrogateescape")
    try:
        _VERIFIER.verify(text)
    except InvalidToken:
        return
    if text != _GOOD:
        raise AssertionError("a token was taken that nobody has signed")


def claims(data: bytes) -> None:
    """Any bytes as what a signed token says: refused, or read with every field of its type."""
    message = _KEYS.signing.header + b"." + b64url(data)
    signature = b64url(_KEYS.signing._algorithm.sign(message, _KEYS.signing._secret))
    try:
        told = _VERIFIER.verify((message + b"." + signature).decode())
    except InvalidToken:
        return
    _hold(told)


def _hold(told: AccessToken) -> None:
    texts = (told.subject, told.session_id, told.token_id, told.client_id, *told.roles, *told.amr)
    times = (told.authenticated_at, told.issued_at, told.expires_at)
    if not all(type(each) is str for each in texts) or not all(type(each) is int for each in times):
        raise AssertionError("a claim of another type was taken")
    if told.expires_at + 5 <= _NOW or told.aal not in {1, 2, 3}:
        raise AssertionError("an expired token, or one of no level, was taken")


def jwks(data: bytes) -> None:
    """Any bytes as a JWK set: refused, or keys of known algorithms."""
    try:
        keys = keys_from_jwks(data)
    except InvalidToken:
        return
    if any(key.algorithm not in {"EdDSA", "ES256", "RS256"} for key in keys):
        raise AssertionError("a key of another algorithm was taken")


def segment(data: bytes) -> None:
    """Any bytes as base64url: refused, or what encodes to itself."""
    try:
        raw = b64url_bytes(data)
    except InvalidToken:
        return
    if b64url(raw) != data:
        raise AssertionError("two texts mean one value")


def body(data: bytes) -> None:
    """Any bytes as a body, by JSON and as a form, and as a query: refused with a code that has a status."""
    for kind in (SignUpBody, AnswerBody):
        _read(lambda kind=kind: read_json(_request("application/json", data), kind))  # type: ignore[misc]
    _read(lambda: read_form(_request("application/x-www-form-urlencoded", data), SignInForm))
    _read(lambda: query_of(Request(method="GET", path="/", query=data.decode("latin-1")), "to", "link"))


def _request(media_type: str, data: bytes) -> Request:
    headers = [("content-type", media_type)]
    return Request(method="POST", path="/", headers=headers, read=lambda limit: data[: limit + 1])


def _read(read: Callable[[], object]) -> None:
    try:
        read()
    except NightlatchError as refusal:
        if status_of(refusal) >= 500:  # noqa: PLR2004
            raise AssertionError(f"{refusal.code} has no status of its own") from refusal
        if isinstance(refusal, InvalidInput) and not all(type(each) is str for each in refusal.fields):
            raise AssertionError("a field without a name") from refusal


def opaque(data: bytes) -> None:
    """Any text as an opaque token of each kind: of one kind at the most, and then it reads back as itself."""
    text, taken = data.decode("utf-8", "surrogateescape"), 0
    for kind in Kind:
        try:
            parsed = parse(kind, text)
        except MalformedToken:
            continue
        taken += 1
        if parsed.text() != text:
            raise AssertionError("a token that does not read back as itself")
        try:
            uuid_of(parsed)
        except MalformedToken:
            continue
    if taken > 1:
        raise AssertionError("a token of two kinds")


def path(data: bytes) -> None:
    """Any text as a request's target: refused, or a path that tidying and decoding once more leave as it is."""
    try:
        plain = plain_path(data.decode("latin-1"))
    except AmbiguousPath:
        return
    if "//" in plain or "\\" in plain or "%" in plain or {".", ".."} & set(folded(plain).split("/")):
        raise AssertionError("a path that can be read in two ways")


TARGETS = {
    "token": Target(run=token, seeds=(_GOOD.encode(), b"a.b.c", _GOOD.encode()[:-4])),
    "claims": Target(
        run=claims, seeds=(json.dumps(_CLAIMS).encode(), b"{}", json.dumps({**_CLAIMS, "exp": 1e999}).encode())
    ),
    "jwks": Target(
        run=jwks,
        seeds=(
            b'{"keys":[{"kty":"OKP","crv":"Ed25519","alg":"EdDSA","kid":"1","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}',
            b'{"keys":[{"kty":"oct","k":"AAAA","alg":"HS256","kid":"1"}]}',
        ),
    ),
    "segment": Target(run=segment, seeds=(b"AAAA", b"-_8", b"AB", b"A")),
    "body": Target(
        run=body,
        seeds=(
            b'{"email":"mia@example.org","password":"correct horse"}',
            b'{"attempt":"x","authenticator":"totp","code":"123456"}',
            b"identifier=mia%40example.org&password=x+y&csrf_token=z",
        ),
    ),
    "opaque": Target(run=opaque, seeds=tuple(issue(kind).text().encode() for kind in Kind)),
    "path": Target(run=path, seeds=(b"/books/new?from=list", b"/%2e%2e/admin", b"/caf%C3%A9", b"/a;b//c\\d")),
}
"""By name."""

"""Flaw class 70: what the field's JOSE libraries accepted once, each refused alike, in bounded time.

Sources: RFC 8725; CVE-2022-29217, CVE-2024-37568, CVE-2026-48522..26, CVE-2026-114616, CVE-2025-59420,
CVE-2025-61920, CVE-2026-54238; Wycheproof's groups of malformed encodings.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given, settings
from hypothesis import strategies as st

from nightlatch.primitives.jwt import PrivateKey
from nightlatch.verify import InvalidToken
from nightlatch.verify.encoding import b64url
from tokens.issuer import AUDIENCE, ISSUER, NOW, Issuer

KEYS = {algorithm: PrivateKey.generate(algorithm) for algorithm in ("EdDSA", "ES256", "RS256")}


@pytest.fixture
def issuer() -> Issuer:
    """Return an issuer with a key of every algorithm."""
    issuer = Issuer()
    issuer.key = KEYS["EdDSA"]
    issuer.published = list(KEYS.values())
    return issuer


def refused(issuer: Issuer, text: str) -> None:
    """See that a token is refused with the one code."""
    with pytest.raises(InvalidToken) as refusal:
        issuer.service().verify(text)
    assert refusal.value.code == "invalid_token"


def segment(value: Any) -> str:
    """Return a part of a token."""
    raw = value if isinstance(value, bytes) else json.dumps(value, separators=(",", ":")).encode()
    return b64url(raw).decode()


def signed(header: Any, payload: Any, key: PrivateKey | bytes) -> str:
    """Sign whatever is given; bytes are the secret of an HMAC."""
    message = f"{segment(header)}.{segment(payload)}".encode()
    signature = hmac.digest(key, message, hashlib.sha256) if isinstance(key, bytes) else raw_signature(key, message)
    return f"{message.decode()}.{segment(signature)}"


def raw_signature(key: PrivateKey, message: bytes) -> bytes:
    """Sign bytes with a key."""
    signature: bytes = key._algorithm.sign(message, key._key)
    return signature


def test_the_bench_is_right(issuer: Issuer) -> None:
    """What these tests build passes when it is as it should be: they fail for what they say, and nothing else."""
    for algorithm, key in KEYS.items():
        header = {"alg": algorithm, "kid": key.kid, "typ": "at+jwt"}
        assert issuer.service().verify(signed(header, issuer.claims(), key)).subject == "0198-user"


@pytest.mark.parametrize("alg", ["none", "None", "NONE", "nOnE", "", None, 0, [], {}, "HS256", "HS512", "EdDSA2"])
def test_070_no_algorithm(issuer: Issuer, alg: Any) -> None:
    """`none` in every spelling, with and without a signature."""
    header = {"alg": alg, "kid": issuer.key.kid, "typ": "at+jwt"}
    refused(issuer, f"{segment(header)}.{segment(issuer.claims())}.")
    refused(issuer, f"{segment(header)}.{segment(issuer.claims())}")
    refused(issuer, signed(header, issuer.claims(), issuer.key))


@pytest.mark.parametrize("used", KEYS)
@pytest.mark.parametrize("said", [*KEYS, "ES384", "RS512", "PS256", "HS256", "Ed25519"])
def test_070_confusion(issuer: Issuer, said: str, used: str) -> None:
    """A key is for one algorithm: whatever else a header says of it, in every direction."""
    if said == used:
        return
    for kid in {KEYS[used].kid, KEYS.get(said, KEYS[used]).kid}:
        header = {"alg": said, "kid": kid, "typ": "at+jwt"}
        refused(issuer, signed(header, issuer.claims(), KEYS[used]))


@pytest.mark.parametrize("used", KEYS)
def test_070_a_public_key_is_no_shared_secret(issuer: Issuer, used: str) -> None:
    """HMAC under what everybody knows: PEM, DER, JWK as text, raw, and nothing at all."""
    public = KEYS[used]._key.public_key()
    secrets = [
        public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
        json.dumps(KEYS[used].public_jwk).encode(),
        b"",
        b"\x00" * 32,
    ]
    for secret in secrets:
        for alg in ("HS256", used):
            refused(issuer, signed({"alg": alg, "kid": KEYS[used].kid, "typ": "at+jwt"}, issuer.claims(), secret))


def test_070_a_key_that_the_token_brings(issuer: Issuer) -> None:
    """`jwk`, `jku`, `x5u`, `x5c`, `crit`, `zip`, `b64`: no header of ours has them, and nothing is fetched for them."""
    own = PrivateKey.generate("EdDSA")
    extras: list[dict[str, Any]] = [
        {"jwk": own.public_jwk},
        {"jku": "https://evil.example/jwks.json"},
        {"x5u": "https://evil.example/x.pem"},
        {"x5c": ["AAAA"]},
        {"crit": ["b64"], "b64": False},
        {"crit": []},
        {"crit": ["exp"]},
        {"zip": "DEF"},
        {"cty": "JWT"},
        {"enc": "A256GCM"},
    ]
    for extra in extras:
        for key in (own, issuer.key):
            for kid in (issuer.key.kid, own.kid):
                refused(issuer, signed({"alg": "EdDSA", "kid": kid, "typ": "at+jwt", **extra}, issuer.claims(), key))
    assert issuer.fetched <= len(extras) * 4  # each service once, and never for these


@pytest.mark.parametrize(
    "kid", ["", "../../dev/null", "' OR 1=1 --", "https://evil.example", "\x00", None, 7, [], "x" * 300]
)
def test_070_odd_names_of_keys(issuer: Issuer, kid: Any) -> None:
    """A name is looked up and nothing else."""
    refused(issuer, signed({"alg": "EdDSA", "kid": kid, "typ": "at+jwt"}, issuer.claims(), issuer.key))


@pytest.mark.parametrize(
    "typ", ["JWT", "jwt", "AT+JWT", "application/at+jwt", "id_token+jwt", "logout+jwt", "", None, 1]
)
def test_070_a_token_of_another_kind(issuer: Issuer, typ: Any) -> None:
    """Only `at+jwt` is an access token (RFC 9068 4, RFC 8725 3.11)."""
    refused(issuer, signed({"alg": "EdDSA", "kid": issuer.key.kid, "typ": typ}, issuer.claims(), issuer.key))
    refused(issuer, signed({"alg": "EdDSA", "kid": issuer.key.kid}, issuer.claims(), issuer.key))


def test_070_members_twice(issuer: Issuer) -> None:
    """In the header and in the payload, at any depth: which one counts is anybody's guess."""
    kid = issuer.key.kid
    headers = [
        f'{{"alg":"EdDSA","kid":"{kid}","typ":"at+jwt","alg":"none"}}',
        f'{{"alg":"none","alg":"EdDSA","kid":"{kid}","typ":"at+jwt"}}',
    ]
    for header in headers:
        refused(issuer, signed(header.encode(), issuer.claims(), issuer.key))
    good = {"alg": "EdDSA", "kid": kid, "typ": "at+jwt"}
    body = json.dumps(issuer.claims())[:-1]
    for more in (
        ', "sub": "admin"}',
        ', "exp": 99999999999}',
        ', "more": {"a": 1, "a": 2}}',
        ', "more": [{"a": 1, "a": 2}]}',
    ):
        refused(issuer, signed(good, (body + more).encode(), issuer.key))


def test_070_headers_written_otherwise(issuer: Issuer) -> None:
    """The same header with spaces, in another order or with escapes is none that we sign."""
    kid = issuer.key.kid
    for header in (
        f'{{"alg": "EdDSA", "kid": "{kid}", "typ": "at+jwt"}}',
        f'{{"typ":"at+jwt","alg":"EdDSA","kid":"{kid}"}}',
        f'{{"alg":"EdDS\\u0041","kid":"{kid}","typ":"at+jwt"}}',
        f'\ufeff{{"alg":"EdDSA","kid":"{kid}","typ":"at+jwt"}}',
        "[]",
        "null",
        '"EdDSA"',
        "",
    ):
        refused(issuer, signed(header.encode(), issuer.claims(), issuer.key))


def test_070_base64url_has_one_text(issuer: Issuer) -> None:
    """Padding, other alphabets, spaces, bits left over: two texts would be one token."""
    good = issuer.token()
    head, payload, signature = good.split(".")
    last = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    near = last[last.index(signature[-1]) ^ 1]
    for other in (
        signature + "=", signature + "==", signature[:-1] + near, signature + "\n", " " + signature, signature + "%3D",
        signature[:40] + " " + signature[40:], signature[:40] + "!" + signature[40:], signature + "A", "",
        signature[:-1], signature.replace("-", "+").replace("_", "/") + "=",
    ):  # fmt: skip
        refused(issuer, f"{head}.{payload}.{other}")
    for text in (
        f"{good}.",
        f".{good}",
        f"{head}..{signature}",
        f"{head}.{payload}.{payload}.{signature}",
        f"{good}.x.y",
    ):
        refused(issuer, text)
    for raw in (payload + "=", payload + "A", "*" + payload[1:]):
        message = f"{head}.{raw}".encode()
        refused(issuer, f"{head}.{raw}.{segment(raw_signature(issuer.key, message))}")


def test_070_too_long_or_too_deep(issuer: Issuer) -> None:
    """Megabytes are not looked at; a signed payload may be as deep as it likes and is no token."""
    good = {"alg": "EdDSA", "kid": issuer.key.kid, "typ": "at+jwt"}
    for text in ("a" * 5_000_000, "." * 5_000_000, f"{'a' * 5_000_000}.b.c", issuer.token() + "a" * 9000):
        refused(issuer, text)
    refused(issuer, signed(good, b"[" * 5000, issuer.key))
    refused(issuer, signed(good, b'{"a":' * 1000 + b"1" + b"}" * 1000, issuer.key))
    refused(issuer, signed(good, b'{"exp":' + b"9" * 5000 + b"}", issuer.key))


TIMES: list[Any] = [
    None, True, False, "", "9999999999", str(NOW + 300), NOW + 300.5, 1e308, -1, 0, [], {}, [NOW + 300], 10**30,
    253_402_300_800,
]  # fmt: skip


@pytest.mark.parametrize("name", ["exp", "iat", "auth_time", "nbf"])
@pytest.mark.parametrize("value", TIMES, ids=repr)
def test_070_times_of_every_type(issuer: Issuer, name: str, value: Any) -> None:
    """Only a whole number that is a time is a time; and it must be one that is good now."""
    good = {"alg": "EdDSA", "kid": issuer.key.kid, "typ": "at+jwt"}
    text = signed(good, {**issuer.claims(), name: value}, issuer.key)
    if value == 0 and type(value) is int and name != "exp":
        assert issuer.service().verify(text)  # 1970 is a time, and long past
    else:
        refused(issuer, text)


@pytest.mark.parametrize("raw", [b"NaN", b"Infinity", b"-Infinity", b"1e999"])
def test_070_numbers_that_are_none(issuer: Issuer, raw: bytes) -> None:
    """What Python's JSON would read as a number without an end."""
    body = json.dumps(issuer.claims(exp=None)).encode()[:-1] + b', "exp": ' + raw + b"}"
    refused(issuer, signed({"alg": "EdDSA", "kid": issuer.key.kid, "typ": "at+jwt"}, body, issuer.key))


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": None}, {"iss": ISSUER + "/"}, {"iss": [ISSUER]}, {"iss": ISSUER.upper()}, {"aud": None}, {"aud": []},
        {"aud": AUDIENCE + "/"}, {"aud": [AUDIENCE + "x"]}, {"aud": {AUDIENCE: 1}}, {"aud": AUDIENCE[:-1]},
        {"exp": NOW - 6}, {"iat": NOW + 6}, {"nbf": NOW + 6}, {"sub": None}, {"sub": ""}, {"sub": 7}, {"sid": None},
        {"jti": None}, {"client_id": None}, {"acr": None}, {"acr": "aal4"}, {"acr": 1}, {"amr": None}, {"amr": "pwd"},
        {"amr": [1]}, {"roles": None}, {"roles": "admin"}, {"roles": {"admin": True}},
    ],
    ids=str,
)  # fmt: skip
def test_070_claims_are_exact(issuer: Issuer, changes: dict[str, Any]) -> None:
    """Every claim that RFC 9068 asks for, of its type, and for us."""
    refused(issuer, issuer.token(**changes))


def test_070_several_audiences(issuer: Issuer) -> None:
    """We are one of them."""
    assert issuer.service().verify(issuer.token(aud=["https://other.example", AUDIENCE])).subject == "0198-user"


@given(st.text(max_size=200))
@settings(max_examples=300, deadline=None)
def test_070_any_text(text: str) -> None:
    """Whatever the text: refused, and nothing else is raised."""
    refused(FUZZED, text)


@given(data=st.data())
@settings(max_examples=500, deadline=None)
def test_070_any_change(data: st.DataObject) -> None:
    """A good token with any few characters changed, cut, doubled or put in is none."""
    good = FUZZED.token()
    at = data.draw(st.integers(0, len(good) - 1))
    until = data.draw(st.integers(at, min(len(good), at + 8)))
    between = data.draw(st.text(st.characters(codec="utf-8") | st.sampled_from("ABab01-_.="), max_size=8))
    changed = good[:at] + between + good[until:]
    if changed != good:
        refused(FUZZED, changed)


SIGNED = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(name=st.sampled_from(["iss", "aud", "exp", "iat", "sub", "sid", "jti", "acr", "amr", "roles"]), value=SIGNED)
@settings(max_examples=300, deadline=None)
def test_070_any_value_of_a_claim(name: str, value: Any) -> None:
    """Even a signed token is looked at: an odd value is refused, or it is of the type that it must be."""
    text = FUZZED.key.sign({**FUZZED.claims(), name: value})
    try:
        token = FUZZED.service().verify(text)
    except InvalidToken:
        return
    assert type(token.claims[name]) in {str, int, list}


FUZZED = Issuer()

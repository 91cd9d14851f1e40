"""A service that only verifies: what it believes, what it remembers, and how it comes by keys."""

from __future__ import annotations

import asyncio
import json

import pytest

from nightlatch.primitives.jwt import PrivateKey
from nightlatch.verify import InvalidToken, KeysUnavailable, Verifier
from tokens.issuer import AUDIENCE, ISSUER, NOW, Issuer


@pytest.mark.parametrize("algorithm", ["EdDSA", "ES256", "RS256"])
def test_a_good_token_says_who(algorithm: str) -> None:
    """Every algorithm there is, the first time and when it is remembered."""
    issuer = Issuer(algorithm)
    service = issuer.service()
    text = issuer.token()
    for _ in range(2):
        token = service.verify(text)
        assert (token.subject, token.session_id, token.roles) == ("0198-user", "0198-session", ("editor",))
        assert (token.aal, token.amr, token.authenticated_at) == (1, ("pwd",), NOW - 60)
        assert token.has_role("editor")
        assert not token.has_role("admin")
    assert issuer.fetched == 1


def test_from_asynchronous_code() -> None:
    """The same; what waits for the network does so in a thread."""
    issuer = Issuer()
    service = issuer.service()
    assert asyncio.run(service.verify_async(issuer.token())).subject == "0198-user"
    with pytest.raises(InvalidToken):
        asyncio.run(service.verify_async(issuer.token(exp=NOW - 100)))


def test_a_remembered_token_still_expires() -> None:
    """What was verified once is looked at anew each time: the clock goes on."""
    issuer = Issuer()
    service, text = issuer.service(leeway=0), issuer.token()
    service.verify(text)
    issuer.now += 299
    service.verify(text)
    issuer.now += 1
    with pytest.raises(InvalidToken, match="expired"):
        service.verify(text)


def test_a_remembered_token_dies_with_its_key() -> None:
    """A key that is no longer published takes its tokens with it, at the next renewal."""
    issuer = Issuer()
    service, text = issuer.service(), issuer.token(exp=NOW + 900)
    service.verify(text)
    issuer.published = [PrivateKey.generate("EdDSA")]
    issuer.now += 20
    with pytest.raises(InvalidToken):
        service.verify(PrivateKey.generate("EdDSA").sign(issuer.claims()))  # an unknown key: they are fetched anew
    with pytest.raises(InvalidToken):
        service.verify(text)


def test_a_remembered_token_is_revoked_at_once() -> None:
    """What the application says of a session or a token is asked each time."""
    issuer = Issuer()
    gone: set[str] = set()
    service = issuer.service(revoked=lambda token: token.session_id in gone or token.token_id in gone)
    text = issuer.token()
    service.verify(text)
    gone.add("0198-session")
    with pytest.raises(InvalidToken, match="revoked"):
        service.verify(text)


def test_memory_is_bounded() -> None:
    """Ten thousand tokens are remembered, and no more."""
    issuer = Issuer()
    service = issuer.service()
    token = service.verify(issuer.token())
    header, key = next(iter(issuer_keys(service).items()))
    for number in range(10_050):
        service._remember(number.to_bytes(32, "big"), token, header, {header: key})
    assert len(service._remembered) == 10_000


def issuer_keys(service: Verifier) -> dict[bytes, object]:
    """Return the keys that a service has in hand."""
    return dict(service._keys.in_hand)


# --- keys -----------------------------------------------------------------------------------------------------------


def test_a_new_key_is_asked_for_once() -> None:
    """A token of a key that was published since: one fetch. A flood of unknown ones: none within ten seconds."""
    issuer = Issuer()
    service = issuer.service()
    service.verify(issuer.token())
    issuer.now += 60
    issuer.key = PrivateKey.generate("EdDSA")
    issuer.published.insert(0, issuer.key)
    assert service.verify(issuer.token()).subject == "0198-user"
    assert issuer.fetched == 2
    for _ in range(50):
        with pytest.raises(InvalidToken):
            service.verify(PrivateKey.generate("EdDSA").sign(issuer.claims()))
    assert issuer.fetched == 2
    issuer.now += 11
    with pytest.raises(InvalidToken):
        service.verify(PrivateKey.generate("EdDSA").sign(issuer.claims()))
    assert issuer.fetched == 3


def test_what_cannot_be_ours_asks_for_nothing() -> None:
    """Garbage, `none` and foreign headers never lead to a fetch."""
    issuer = Issuer()
    service = issuer.service()
    service.verify(issuer.token())
    issuer.now += 60
    for text in ("", "x", "a.b.c", "eyJhbGciOiJub25lIn0.e30.", "." * 50, "é.b.c", "\ud800.b.c", "a" * 9000):
        with pytest.raises(InvalidToken):
            service.verify(text)
    assert issuer.fetched == 1


def test_the_issuer_is_down() -> None:
    """No keys ever: unavailable, and asked again a second later. Keys in hand hold for a day."""
    issuer = Issuer()
    issuer.down = True
    service = issuer.service()
    for _ in range(5):
        with pytest.raises(KeysUnavailable):
            service.verify(issuer.token())
    assert issuer.fetched == 1
    issuer.down, issuer.now = False, issuer.now + 2
    service.verify(issuer.token())
    issuer.down, issuer.now = True, issuer.now + 80_000
    assert service.verify(issuer.token(iat=int(issuer.now), exp=int(issuer.now) + 300)).subject == "0198-user"
    issuer.now += 10_000
    with pytest.raises(KeysUnavailable):
        service.verify(issuer.token(iat=int(issuer.now), exp=int(issuer.now) + 300))


@pytest.mark.parametrize(
    "document",
    [b"", b"[]", b"{}", b'{"keys": 1}', b'{"keys": [], "keys": []}', b"\xff", b"[" * 50_000, b'{"keys":[1,null,{}]}'],
)
def test_what_is_no_set_of_keys(document: bytes) -> None:
    """It leaves the keys in hand as they are, or gives none."""
    issuer = Issuer()
    issuer.document = document
    with pytest.raises((InvalidToken, KeysUnavailable)):
        issuer.service().verify(issuer.token())


def test_keys_that_are_passed_over() -> None:
    """Private ones, shared secrets, weak ones, ones for another use or of another kind than they say."""
    issuer = Issuer()
    good = issuer.key.public_jwk
    odd = [
        {**good, "d": good["x"]},
        {**good, "use": "enc"},
        {**good, "alg": "ES256"},
        {**good, "alg": "HS256"},
        {**good, "alg": "none"},
        {**good, "kty": "oct", "k": "AAAA"},
        {**good, "x": "AAAA"},
        {**good, "kid": ""},
        {**good, "kid": "x" * 65},
        {**good, "crv": "Ed448"},
        {"kty": "RSA", "alg": "RS256", "kid": "weak", "n": "AQAB", "e": "AQAB"},
    ]
    for jwk in odd:
        issuer.document = json.dumps({"keys": [jwk]}).encode()
        with pytest.raises(InvalidToken):
            issuer.service().verify(issuer.token())
    issuer.document = json.dumps({"keys": [*odd, good]}).encode()
    assert issuer.service().verify(issuer.token()).subject == "0198-user"
    issuer.document = json.dumps({"keys": [good, good]}).encode()
    with pytest.raises(KeysUnavailable):
        issuer.service().verify(issuer.token())


@pytest.mark.parametrize(
    "url",
    ["http://app.example.com/x", "file:///etc/passwd", "https://user@app.example.com/x", "https:///x", "", "ftp://x/y"],
)
def test_keys_come_by_https_alone(url: str) -> None:
    """Or by http from this very machine."""
    with pytest.raises(ValueError, match=r"address|https"):
        Verifier(issuer=ISSUER, audience=AUDIENCE, jwks_url=url)
    Verifier(issuer="http://127.0.0.1:8000/auth", audience="http://127.0.0.1:8000")


def test_a_verifier_says_for_whom() -> None:
    """Without issuer and audience any service's tokens would do; clocks differ by a minute at most."""
    for options in ({"issuer": ""}, {"audience": ""}, {"leeway": 61.0}, {"leeway": -1.0}):
        with pytest.raises(ValueError, match=r"issuer|leeway"):
            Verifier(**{"issuer": ISSUER, "audience": AUDIENCE, **options})

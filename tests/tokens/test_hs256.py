"""HS256, for a single application that shares a secret: by an option that says so, and never beside other keys."""

from __future__ import annotations

import json
from collections.abc import Callable

import jwt
import pytest

from browsing import Browser
from house import House
from nightlatch.errors import ConfigurationError
from nightlatch.http.app import HttpApp
from nightlatch.primitives.secret import Secret
from nightlatch.settings import Settings, Tokens
from nightlatch.verify import InvalidToken, SharedSecrets, Verifier

SHARED = "the one application's own secret, 6b1f0c97, which is long enough for HS512 too"
NEXT = "what it shares from tomorrow on, 90d2e55a71"
OWN = "a secret key for tests, long enough to be one"
ISSUER, AUDIENCE = "http://localhost:8000/auth", "http://localhost:8000"


def house_that_shares(make_house: Callable[..., House], *secrets: str) -> House:
    """Return a house that signs access tokens with a shared secret."""
    return make_house(tokens=Tokens(allow_hs256_single_application=tuple(map(Secret, secrets))))


def access_token(house: House) -> str:
    """Sign somebody up, and return an access token."""
    session = house.member().session
    assert session is not None
    return house.auth.tokens.issue(session).access.reveal()


def service(house: House, *secrets: str) -> Verifier:
    """Return the one application's verifier."""
    return Verifier(
        issuer=ISSUER,
        audience=AUDIENCE,
        keys=SharedSecrets(secrets),
        now=lambda: house.clock.now().timestamp(),
    )


def test_issuer_and_application_share_a_secret(make_house: Callable[..., House]) -> None:
    """Both verify; so does any JWT library that is told the algorithm; and nothing of it is published."""
    house = house_that_shares(make_house, SHARED)
    text = access_token(house)
    assert jwt.get_unverified_header(text)["alg"] == "HS256"
    token = service(house, SHARED).verify(text)
    assert str(house.auth.tokens.recognise(text).id) == token.session_id
    claims = jwt.decode(text, SHARED, algorithms=["HS256"], audience=AUDIENCE, options={"verify_exp": False})
    assert claims["sub"] == token.subject
    published = Browser(HttpApp(house.auth)).send("GET", "/api/jwks.json").body.decode()
    assert {each["alg"] for each in json.loads(published)["keys"]} == {"EdDSA"}
    assert jwt.get_unverified_header(text)["kid"] not in published


def test_it_is_off_unless_asked_for(house: House) -> None:
    """By default no secret signs or verifies anything."""
    text = access_token(house)
    assert jwt.get_unverified_header(text)["alg"] == "EdDSA"


def test_a_secret_is_replaced_without_a_gap(make_house: Callable[..., House]) -> None:
    """The first signs, every one verifies; one that is gone verifies nothing."""
    house = house_that_shares(make_house, SHARED, NEXT)
    text = access_token(house)
    assert service(house, NEXT, SHARED).verify(text)
    with pytest.raises(InvalidToken):
        service(house, NEXT).verify(text)


def test_070_one_kind_of_key_or_the_other(make_house: Callable[..., House]) -> None:
    """A house that shares a secret believes no token of its published keys, and the other way round."""
    plain, sharing = make_house(), house_that_shares(make_house, SHARED)
    by_key, by_secret = access_token(plain), access_token(sharing)
    for house, text in ((plain, by_secret), (sharing, by_key)):
        with pytest.raises(Exception, match="header"):
            house.auth.tokens.recognise(text)
    stolen = sharing.auth.signing_keys.signing().sign(jwt.decode(by_secret, options={"verify_signature": False}))
    with pytest.raises(InvalidToken):
        service(sharing, SHARED).verify(stolen)


def test_070_the_header_decides_nothing(make_house: Callable[..., House]) -> None:
    """Another algorithm, another name, no name, a public key as the secret: none of it is read."""
    house = house_that_shares(make_house, SHARED)
    text = access_token(house)
    claims = jwt.decode(text, options={"verify_signature": False})
    kid = jwt.get_unverified_header(text)["kid"]
    (published, *_) = house.auth.signing_keys.published()
    good = {"alg": "HS256", "kid": kid, "typ": "at+jwt"}
    forged = [
        jwt.encode(claims, SHARED, "HS256", headers={"kid": kid}),
        jwt.encode(claims, SHARED, "HS256", headers={"typ": "at+jwt"}),
        jwt.encode(claims, SHARED, "HS512", headers={"kid": kid, "typ": "at+jwt"}),
        jwt.encode(claims, SHARED, "HS256", headers={"kid": kid, "typ": "forward+jwt"}),
        jwt.encode(claims, None, "none", headers={"kid": kid, "typ": "at+jwt"}),
        jwt.encode(claims, published["x"], "HS256", headers={"kid": kid, "typ": "at+jwt"}),
        jwt.encode(claims, published["x"], "HS256", headers={"kid": published["kid"], "typ": "at+jwt"}),
        text.rpartition(".")[0] + ".",
        text[:-2] + ("AA" if text[-2:] != "AA" else "BB"),
    ]
    assert good == jwt.get_unverified_header(text)
    for each in forged:
        with pytest.raises(InvalidToken):
            service(house, SHARED).verify(each)
        status, _ = Browser(HttpApp(house.auth)).call("GET", "/api/session", authorization=f"Bearer {each}")
        assert status == 401


@pytest.mark.parametrize("secret", ["short", "x" * 64, "0f" * 20, OWN])
def test_a_secret_that_is_none_is_refused(secret: str) -> None:
    """Too short, plainly not random, or one of the installation's own, which nobody else is ever to have."""
    with pytest.raises(ConfigurationError, match="allow_hs256_single_application"):
        Settings(
            base_url=AUDIENCE,
            secret_keys=(Secret(OWN),),
            tokens=Tokens(allow_hs256_single_application=(Secret(secret),)),
        )


def test_the_application_is_told_as_well() -> None:
    """A verifier takes no weak secret, no text in place of a list, and shows nothing of what it has."""
    for secrets in ([], ["short"], ["x" * 64], SHARED):
        with pytest.raises(ValueError, match="secret"):
            SharedSecrets(secrets)
    keys = SharedSecrets([SHARED])
    assert SHARED not in repr(keys) + repr(keys.signing)

"""Flaw classes 56 to 60, passkeys, over HTTP: through every way in there is."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from copy import deepcopy
from typing import Any
from uuid import UUID

import pytest

from browsing import Browser
from house import PASSWORD, House
from nightlatch.records import Session
from nightlatch.settings import Passkeys
from nightlatch.storage.memory import MemoryStore
from nightlatch.testing.passkey import Passkey
from nightlatch.testing.sites import Site
from outstanding import LEO, MIA, Person

SECRET = PASSWORD.reveal()
HERE = "http://localhost:8000"
OpenSite = Callable[[House], Site]


class Owner(Person):
    """Somebody with a passkey."""

    def __init__(self, house: House, site: Site, email: str = MIA, **flags: Any) -> None:
        super().__init__(house, site, email=email)
        self.passkey = Passkey(origin=HERE, **flags)
        self.id = self.make(self.passkey)["authenticator"]["id"]

    def confirm_by_passkey(self) -> None:
        """Confirm in her own browser that it is she."""
        begun = self.done("/api/reauthenticate", aal=2)
        asked = self.done("/api/attempt/begin", attempt=begun["attempt"], authenticator="passkey")
        assert proof(self.browser, begun["attempt"], self.passkey.sign(asked["options"]))[0] == 200

    def make(self, passkey: Passkey) -> Any:
        """Bind one."""
        proposal = self.done("/api/authenticators/passkey")
        credential = passkey.register(proposal["options"])
        return self.done("/api/authenticators/passkey/confirm", id=proposal["id"], credential=credential)

    def asked(self, browser: Browser) -> tuple[str, Any]:
        """Type the password, and return the attempt and what the browser is asked to sign."""
        more = self.done("/api/sign-in", browser, identifier=self.email, password=SECRET)
        begun = self.done("/api/attempt/begin", browser, attempt=more["attempt"], authenticator="passkey")
        return more["attempt"], begun["options"]


def proof(browser: Browser, attempt: str, credential: Any) -> tuple[int, Any]:
    """Answer an attempt with a credential."""
    body = {"attempt": attempt, "authenticator": "passkey", "credential": credential}
    status, answer = browser.call("POST", "/api/attempt/answer", body)
    return status, answer


@pytest.fixture
def mia(premises: tuple[House, Site]) -> Owner:
    """Return Mia, who has a passkey."""
    return Owner(*premises)


def _flipped(text: str, at: int) -> str:
    raw = bytearray(urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    raw[at % len(raw)] ^= 1
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def test_056_a_proof_counts_only_as_it_was_signed(mia: Owner) -> None:
    """A bit of the signature, of what it signs, or its kind: refused, and the session is nobody's."""
    forged: list[tuple[str, Callable[[str], Any]]] = [
        *(("signature", lambda it, at=at: _flipped(it, at)) for at in (0, 20, -1)),
        *(("authenticatorData", lambda it, at=at: _flipped(it, at)) for at in (0, 31, -1)),
        *(("clientDataJSON", lambda it, at=at: _flipped(it, at)) for at in (5, 30)),
        ("userHandle", lambda it: _flipped(it, 3)),
        ("signature", lambda _: ""),
        ("signature", lambda _: None),
    ]
    for field, forge in forged:
        mia.house.clock.advance(hours=6)  # else the budget of wrong proofs would refuse them
        browser = mia.stranger()
        attempt, options = mia.asked(browser)
        credential = deepcopy(mia.passkey.sign(options))
        credential["response"][field] = forge(credential["response"][field])
        assert proof(browser, attempt, credential)[0] in {401, 422}
        assert browser.call("GET", "/api/session")[0] == 401
    for whole in ({}, {"id": 1}, "signed", [], None, {"rawId": "AAAA", "response": {}}):
        mia.house.clock.advance(hours=6)
        browser = mia.stranger()
        assert proof(browser, mia.asked(browser)[0], whole)[0] in {401, 422}
    browser = mia.stranger()
    attempt, options = mia.asked(browser)
    assert proof(browser, attempt, mia.passkey.sign(options))[0] == 200


def test_057_without_an_eye_on_its_owner_it_is_one_factor(mia: Owner) -> None:
    """UV = 0: alone never a session; beside a password two factors, and recorded as what it was."""
    mia.passkey.user_verified = False
    browser = mia.stranger()
    begun = mia.done("/api/sign-in", browser)
    assert begun["options"]["userVerification"] == "required"
    status, more = proof(browser, begun["attempt"], mia.passkey.sign(begun["options"]))
    assert (status, more["status"]) == (200, "more")
    assert browser.call("GET", "/api/session")[0] == 401
    status, done = browser.call(
        "POST", "/api/attempt/answer", {"attempt": more["attempt"], "authenticator": "password", "password": SECRET}
    )
    assert (status, done["session"]["aal"]) == (200, 2)
    newest = mia.house.store.get(Session, UUID(done["session"]["id"]))
    assert newest is not None
    assert [each.user_verified for each in newest.evidence if each.authenticator == "passkey"] == [False]


def test_058_the_server_looks_at_what_browsers_look_at(mia: Owner) -> None:
    """Another origin, another site's key, a frame elsewhere, nobody present: what a lying browser signs is refused."""
    honest = {"origin": HERE, "cross_origin": False, "top_origin": None, "user_present": True}
    lies: list[dict[str, Any]] = [
        {"origin": "http://localhost:9000"},
        {"origin": "https://localhost:8000"},
        {"origin": "http://evil.example"},
        {"origin": "http://localhost:8000.evil.example"},
        {"cross_origin": True},
        {"top_origin": "http://evil.example"},
        {"user_present": False},
    ]
    for lie in lies:
        proposal = mia.done("/api/authenticators/passkey")
        liar = Passkey(**{**honest, **lie})
        made = {"id": proposal["id"], "credential": liar.register(proposal["options"])}
        assert mia.browser.call("POST", "/api/authenticators/passkey/confirm", made)[0] == 401, lie
    for lie in lies:
        mia.house.clock.advance(hours=6)
        for name, value in {**honest, **lie}.items():
            setattr(mia.passkey, name, value)
        browser = mia.stranger()
        attempt, options = mia.asked(browser)
        assert proof(browser, attempt, mia.passkey.sign(options))[0] == 401, lie
    for name, value in honest.items():
        setattr(mia.passkey, name, value)
    mia.passkey.made[-1].rp_id = "evil.example"
    browser = mia.stranger()
    attempt, options = mia.asked(browser)
    assert proof(browser, attempt, mia.passkey.sign({**options, "rpId": "evil.example"}))[0] == 401


def test_058_only_makes_that_are_allowed(open_site: OpenSite) -> None:
    """An allow-list of authenticators holds at the server, and a sign count that goes back is a copy."""
    allowed = bytes(range(16))
    house = House(MemoryStore(), passkeys=Passkeys(aaguids=(UUID(bytes=allowed),)))
    site = open_site(house)
    mia = Owner(house, site, aaguid=allowed, counts=True)
    proposal = mia.done("/api/authenticators/passkey")
    other = {"id": proposal["id"], "credential": Passkey(origin=HERE).register(proposal["options"])}
    assert mia.browser.call("POST", "/api/authenticators/passkey/confirm", other)[0] == 401
    mia.passkey.made[-1].uses = 40
    browser = mia.stranger()
    attempt, options = mia.asked(browser)
    assert proof(browser, attempt, mia.passkey.sign(options))[0] == 200
    mia.passkey.made[-1].uses = 3
    browser = mia.stranger()
    attempt, options = mia.asked(browser)
    assert proof(browser, attempt, mia.passkey.sign(options))[0] == 401
    site.close()
    house.auth.close()


def test_059_a_challenge_is_good_once_and_in_its_own_attempt(mia: Owner) -> None:
    """Not again, not in another attempt, not for somebody else's, not later, and not one that nobody asked."""
    browser = mia.stranger()
    attempt, options = mia.asked(browser)
    signed = mia.passkey.sign(options)
    other, _ = mia.asked(browser)
    assert proof(browser, other, signed)[0] == 401
    assert proof(browser, attempt, signed)[0] == 200, "another attempt spends nothing of this one's"
    assert proof(browser, attempt, signed)[0] == 410
    attempt, options = mia.asked(browser)
    mia.house.clock.advance(minutes=6)
    assert proof(browser, attempt, mia.passkey.sign(options))[0] in {401, 410}
    attempt, options = mia.asked(browser)
    assert proof(browser, attempt, mia.passkey.sign({**options, "challenge": "A" * 43}))[0] == 401
    nameless = mia.done("/api/sign-in", browser)
    again = mia.done("/api/sign-in", mia.stranger())
    assert proof(browser, again["attempt"], mia.passkey.sign(nameless["options"]))[0] == 401
    attempt, options = mia.asked(browser)
    signed = mia.passkey.sign(options)
    assert proof(browser, attempt, signed)[0] == 200
    third = mia.stranger()
    assert proof(third, mia.asked(third)[0], signed)[0] == 401


def test_060_nobody_binds_or_takes_what_is_somebody_elses(premises: tuple[House, Site]) -> None:
    """Another's proposal, another's credential, another's id: as if there were none."""
    house, site = premises
    mia, leo = Owner(house, site), Owner(house, site, email=LEO)
    mia.confirm_by_passkey()
    proposal = mia.done("/api/authenticators/passkey")
    made = {"id": proposal["id"], "credential": Passkey(origin=HERE).register(proposal["options"])}
    assert leo.browser.call("POST", "/api/authenticators/passkey/confirm", made)[0] == 404
    for method, body in (("PATCH", {"name": "mine"}), ("DELETE", None)):
        assert leo.browser.call(method, f"/api/authenticators/{mia.id}", body)[0] == 404

    # A credential that is bound already, to whomever: the same key again, under a challenge of one's own.
    proposal = leo.done("/api/authenticators/passkey")
    stolen = Passkey(origin=HERE)
    stolen.register(proposal["options"])
    stolen.made[-1].credential_id = mia.passkey.made[-1].credential_id
    credential = _registered_as(stolen, proposal["options"], mia.passkey.made[-1].credential_id)
    confirmation = {"id": proposal["id"], "credential": credential}
    assert leo.browser.call("POST", "/api/authenticators/passkey/confirm", confirmation)[0] == 401

    # Leo's key proves nothing of Mia, named or not.
    browser = mia.stranger()
    attempt, options = mia.asked(browser)
    assert proof(browser, attempt, leo.passkey.sign({**options, "allowCredentials": []}))[0] == 401
    begun = mia.done("/api/sign-in", browser, identifier=MIA)
    asked = mia.done("/api/attempt/begin", browser, attempt=begun["attempt"], authenticator="passkey")
    assert asked["options"]["allowCredentials"] == []
    assert proof(browser, begun["attempt"], leo.passkey.sign(asked["options"]))[0] == 401
    status, done = proof(*_nameless(leo, browser))
    assert (status, done["user"]["email"]) == (200, LEO)


def _nameless(owner: Owner, browser: Browser) -> tuple[Browser, str, Any]:
    begun = owner.done("/api/sign-in", browser)
    return browser, begun["attempt"], owner.passkey.sign(begun["options"])


def _registered_as(passkey: Passkey, options: Any, credential_id: bytes) -> dict[str, Any]:
    """Make a credential under an id that is somebody else's."""
    credential = passkey.register({**options, "excludeCredentials": []})
    own = passkey.made[-1].credential_id
    text = json.dumps(credential)
    old, new = (urlsafe_b64encode(each).rstrip(b"=").decode() for each in (own, credential_id))
    changed: dict[str, Any] = json.loads(text.replace(old, new))
    attested = changed["response"]["attestationObject"]
    raw = urlsafe_b64decode(attested + "=" * (-len(attested) % 4)).replace(own, credential_id)
    changed["response"]["attestationObject"] = urlsafe_b64encode(raw).rstrip(b"=").decode()
    return changed

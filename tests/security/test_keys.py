"""Keys, seals and tokens: what each is good for, and what ends it, through every way in where there is one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from browsing import Browser
from house import ELSEWHERE, PASSWORD, WRONG, House
from nightlatch.errors import NightlatchError
from nightlatch.primitives.keyring import Keyring, SealBroken
from nightlatch.records import ApiKey, Authenticator
from nightlatch.services.client import Client
from nightlatch.storage.memory import MemoryStore
from nightlatch.testing.sites import Site
from outstanding import LEO, MIA, NEW, SECRET, Person


@pytest.fixture
def mia(open_site: Callable[[House], Site]) -> Iterator[Person]:
    """Return somebody who is signed in, at each way in."""
    house = House(MemoryStore())
    site = open_site(house)
    yield Person(house, site)
    site.close()
    house.auth.close()


def test_025_what_is_sealed_for_one_row_opens_at_no_other(house: House) -> None:
    """A writable column moves nothing: another person's seed, another purpose, table, column or row is refused."""
    keyring: Keyring = house.auth.keyring
    places = [
        (purpose, table, column, row)
        for purpose in ("totp", "claims", "outbox", "signing keys")
        for table in ("authenticator", "attempt", "outbox_message")
        for column in ("sealed_secret", "sealed_claims", "sealed_body")
        for row in ("1", "2")
    ]
    for at, (purpose, table, column, row) in enumerate(places):
        sealed = keyring.seal(purpose, b"hidden", table=table, column=column, row_id=row)
        for other, (purpose_, table_, column_, row_) in enumerate(places):
            if at == other:
                assert keyring.unseal(purpose, sealed, table=table, column=column, row_id=row) == b"hidden"
            else:
                with pytest.raises(SealBroken):
                    keyring.unseal(purpose_, sealed, table=table_, column=column_, row_id=row_)
    macs = {keyring.mac(purpose, "one", "text") for purpose in ("csrf", "code", "outbox", "recovery code", "audit")}
    assert len(macs) == 5


def test_071_a_nonce_is_drawn_and_never_counted(house: House) -> None:
    """After a restart, a copy of the process, a clock that stands still: no two seals share one (CVE-2026-109140)."""
    keys = house.settings.secret_keys
    sealed = [
        Keyring(keys).seal("claims", b"the same", table="attempt", column="sealed_claims", row_id="1")
        for _ in range(2_000)
    ]
    assert len({each[:17] for each in sealed}) == 2_000
    assert len({each[-16:] for each in sealed}) == 2_000


@pytest.mark.parametrize("how", ["sign-out", "password", "sign-out elsewhere", "recovery"])
def test_067_a_token_does_not_outlive_what_ends_its_session(mia: Person, how: str) -> None:
    """The access token too, although its signature is good: the session it names is looked at."""
    app = mia.stranger()
    tokens = mia.sign_in(app, deliver="tokens")
    bearer = f"Bearer {tokens['access_token']}"
    assert app.call("GET", "/api/session", authorization=bearer)[0] == 200
    if how == "sign-out":
        assert app.call("DELETE", "/api/session", authorization=bearer)[0] == 204
    elif how == "password":
        changed = {"current_password": SECRET, "new_password": NEW}
        assert mia.browser.call("PUT", "/api/account/password", changed)[0] == 200
    elif how == "recovery":
        mia.recover()
    else:
        assert mia.browser.call("DELETE", "/api/sessions")[0] == 200
    assert app.call("GET", "/api/session", authorization=bearer)[0] == 401
    assert app.call("POST", "/api/token/refresh", {"refresh_token": tokens["refresh_token"]})[0] == 401


def test_072_a_key_is_its_owners_and_stays_ended(mia: Person) -> None:
    """Nobody makes one for another, or by a stranger's browser; its last use brings none back that was revoked."""
    leo = Person(mia.house, mia.site, email=LEO)
    mia.confirm()
    for extra in ({"user_id": leo.user_id}, {"owner": leo.user_id}, {"id": leo.user_id}):
        assert mia.browser.call("POST", "/api/api-keys", {"name": "x", **extra})[0] == 422
    assert mia.stranger().call("POST", "/api/api-keys", {"name": "x"})[0] == 401
    made = mia.done("/api/api-keys", name="a program")
    key, keys = made["key"], mia.house.auth.api_keys
    assert str(keys.recognise(key).user_id) == mia.user_id
    theirs = next(each["id"] for each in mia.browser.call("GET", "/api/api-keys")[1]["api_keys"])
    leo.browser.call("DELETE", f"/api/api-keys/{theirs}")
    keys.recognise(key)
    assert mia.browser.call("DELETE", f"/api/api-keys/{theirs}")[0] == 204
    mia.house.auth.background.run_once()
    with pytest.raises(NightlatchError):
        keys.recognise(key)
    assert mia.house.store.find(ApiKey, {"user_id": mia.house.auth.operator.find_user(MIA).id}) == []
    for path in ("/api/account", "/api/sessions", "/api/api-keys", "/api/authenticators"):
        assert mia.stranger().call("GET", path, authorization=f"Bearer {key}")[0] in {401, 403}


SPELLINGS = ("Mia@Example.ORG", "mia@example.org", "MIA@EXAMPLE.ORG", " mia@example.org ", "mia@EXAMPLE.org")


def test_076_every_spelling_is_one_budget(mia: Person) -> None:
    """Guesses at one account are counted together however its name is typed, through every way in."""
    statuses = []
    for turn in range(15):
        guess = {"identifier": SPELLINGS[turn % len(SPELLINGS)], "password": "wrong wrong wrong"}
        statuses.append(Browser(mia.site, peer=f"203.0.{turn}.9").call("POST", "/api/sign-in", guess)[0])
    assert statuses == [401] * 10 + [429] * 5


def _guess_until_refused(house: House) -> None:
    """Guess a hundred times in a row, over days, from browsers that are not known."""
    user = house.auth.operator.find_user(MIA)
    for turn in range(400):
        try:
            house.sign_in(Client(ip=f"198.51.{turn % 250}.9"), password=WRONG)
        except NightlatchError:
            house.clock.advance(hours=1)
        (row,) = house.store.find(Authenticator, {"user_id": user.id, "kind": "password"})
        if row.failures >= 100:
            return
    raise AssertionError("the password is still believed")


def test_080_a_refused_password_is_refused_by_every_flow(make_house: Callable[..., House]) -> None:
    """After a hundred failures: sign-in, a sign-in in steps, tokens, and what adapters ask, all from strangers."""
    house = make_house()
    house.member()
    _guess_until_refused(house)
    auth = house.auth
    ways: dict[str, Callable[[], Any]] = {
        "sign-in": lambda: auth.sign_in.begin(ELSEWHERE, identifier=MIA, password=PASSWORD),
        "tokens": lambda: auth.sign_in.begin(ELSEWHERE, identifier=MIA, password=PASSWORD, deliver="tokens"),
        "in steps": lambda: auth.attempts.answer(
            ELSEWHERE,
            auth.sign_in.begin(ELSEWHERE, identifier=MIA).attempt,  # type: ignore[union-attr]
            authenticator="password",
            password=PASSWORD,
        ),
    }
    for name, way in ways.items():
        house.clock.advance(hours=2)
        with pytest.raises(NightlatchError) as refusal:
            way()
        assert refusal.value.code == "invalid_credentials", name


def test_080_a_suspended_user_is_refused_by_every_flow(mia: Person) -> None:
    """Sign-in by password and in steps, by page and by call, recovery, sign-up by the same address: nobody gets in."""
    operator = mia.house.auth.operator
    operator.suspend(operator.find_user(MIA).id)
    other = mia.stranger()
    assert other.call("POST", "/api/sign-in", {"identifier": MIA, "password": SECRET})[0] == 401
    step = mia.done("/api/sign-in", other, identifier=MIA)
    proof = {"attempt": step["attempt"], "authenticator": "password", "password": SECRET}
    assert other.call("POST", "/api/attempt/answer", proof)[0] == 401
    assert other.fill_in("/sign-in", identifier=MIA, password=SECRET).status == 401
    mia.house.mails.clear()
    mia.done("/api/recover", other, identifier=MIA)
    mia.house.deliver()
    assert mia.house.mails == []
    mia.done("/api/sign-up", other, email=MIA, password=NEW)
    mia.house.deliver()
    assert not [mail for mail in mia.house.mails if "link=" in mail.text]
    assert other.call("GET", "/api/session")[0] == 401

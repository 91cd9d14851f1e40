"""A passkey as an authenticator: bound by one challenge, proven by another, each good once and for its holder."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from house import HERE, House
from nightlatch.authenticators.base import Proof, Subject, Verified
from nightlatch.authenticators.passkey import Passkey
from nightlatch.errors import InvalidCredentials, InvalidInput
from nightlatch.primitives.assurance import level_of
from nightlatch.primitives.keyring import Keyring
from nightlatch.primitives.webauthn import RelyingParty
from nightlatch.records import Attempt, Authenticator, User
from nightlatch.services.attempts import Attempts
from nightlatch.services.challenges import Challenges
from nightlatch.testing import Passkey as SoftwarePasskey

PARTY = RelyingParty(id="localhost", name="Shop", origins=frozenset({"http://localhost:8000"}))


class Desk:
    """Where one person binds and uses passkeys."""

    def __init__(self, house: House) -> None:
        self.store, self.clock = house.store, house.clock
        self.method = Passkey(house.store, house.clock, PARTY, Challenges(house.store, house.clock))
        self.attempts = Attempts(house.store, house.clock, Keyring(house.auth.settings.secret_keys))
        self.user = house.member().user

    def bound(self, user: User | None = None) -> tuple[Authenticator, ...]:
        """Return what somebody has bound."""
        return tuple(self.store.find(Authenticator, {"user_id": (user or self.user).id}))

    def propose(self, user: User | None = None) -> tuple[Authenticator, dict[str, Any]]:
        """Begin to bind one."""
        with self.store.transaction():
            return self.method.propose(user or self.user, self.bound(user))

    def bind(self, passkey: SoftwarePasskey, user: User | None = None) -> Authenticator:
        """Bind one."""
        record, options = self.propose(user)
        made = self.method.made(record, passkey.register(options))
        with self.store.transaction():
            self.method.bind(made)
        return made

    def begin(self) -> tuple[Attempt, dict[str, Any]]:
        """Begin an attempt, and ask for the passkey."""
        with self.store.transaction():
            attempt, _ = self.attempts.open("sign_in", HERE, life=timedelta(minutes=10), user_id=self.user.id)
            return attempt, self.method.request(attempt, HERE, self.bound(), verification="preferred")

    def verify(self, attempt: Attempt, credential: object) -> Verified:
        """Verify what the browser answered."""
        subject = Subject(key="mia", user=self.user, bound=self.bound(), attempt=attempt)
        return self.method.verify(subject, Proof(credential=credential), HERE, believed=True)

    def accept(self, attempt: Attempt, verified: Verified) -> None:
        """Note that it was accepted."""
        with self.store.transaction():
            self.method.accept(Subject(key="mia", user=self.user, attempt=attempt), verified)


@pytest.fixture
def desk(house: House) -> Desk:
    """A desk in the house."""
    return Desk(house)


def test_bound_and_used(desk: Desk) -> None:
    """With user verification it is two factors by itself, phishing-resistant."""
    passkey = SoftwarePasskey()
    made = desk.bind(passkey)
    attempt, options = desk.begin()
    assert len(options["allowCredentials"]) == 1
    verified = desk.verify(attempt, passkey.sign(options))
    desk.accept(attempt, verified)
    level = level_of([verified.evidence])
    assert (level.aal, level.phishing_resistant, level.amr) == (2, True, ("mfa", "swk", "user"))
    row = desk.store.get(Authenticator, made.id)
    assert row is not None
    assert row.last_used_at == desk.clock.now()


def test_a_touch_alone_is_one_factor(desk: Desk) -> None:
    """UV = 0 never yields AAL2, though the same passkey did before (adversary 57)."""
    passkey = SoftwarePasskey()
    desk.bind(passkey)
    passkey.user_verified = False
    attempt, options = desk.begin()
    evidence = desk.verify(attempt, passkey.sign(options)).evidence
    assert (evidence.user_verified, level_of([evidence]).aal) == (False, 1)


def test_a_challenge_is_good_once(desk: Desk) -> None:
    """Replayed, whether it held or not (adversary 59)."""
    passkey = SoftwarePasskey()
    desk.bind(passkey)
    attempt, options = desk.begin()
    proof = passkey.sign(options)
    desk.accept(attempt, desk.verify(attempt, proof))
    with pytest.raises(InvalidCredentials):
        desk.verify(attempt, proof)
    attempt, options = desk.begin()
    broken = passkey.sign(options)
    broken["response"]["signature"] = proof["response"]["signature"]
    with pytest.raises(InvalidCredentials):
        desk.verify(attempt, broken)
    with pytest.raises(InvalidCredentials):
        desk.verify(attempt, passkey.sign(options))


def test_a_hundred_at_once_spend_one_challenge_once(desk: Desk) -> None:
    """Exactly one wins."""
    passkey = SoftwarePasskey()
    desk.bind(passkey)
    attempt, options = desk.begin()
    proof = passkey.sign(options)

    def go(_: int) -> bool:
        try:
            desk.accept(attempt, desk.verify(attempt, proof))
        except InvalidCredentials:
            return False
        return True

    with ThreadPoolExecutor(16) as pool:
        assert sum(pool.map(go, range(100))) == 1


def test_a_challenge_is_good_for_its_attempt_for_five_minutes(desk: Desk) -> None:
    """Not for another attempt of the same person, not later, not for the other ceremony."""
    passkey = SoftwarePasskey()
    desk.bind(passkey)
    (first, options), (second, _) = desk.begin(), desk.begin()
    with pytest.raises(InvalidCredentials):
        desk.verify(second, passkey.sign(options))
    desk.clock.advance(minutes=5)
    with pytest.raises(InvalidCredentials):
        desk.verify(first, passkey.sign(options))
    record, creation = desk.propose()
    _, request = desk.begin()
    creation["challenge"] = request["challenge"]
    creation["excludeCredentials"] = []
    with pytest.raises(InvalidCredentials):
        desk.method.made(record, passkey.register(creation))


def test_another_persons_passkey_is_nobodys(desk: Desk, house: House) -> None:
    """It is looked for among the user's own; and a credential is bound once, to one person."""
    eve = house.member("eve@example.org").user
    passkey = SoftwarePasskey()
    desk.bind(passkey, eve)
    attempt, options = desk.begin()
    assert options["allowCredentials"] == []
    with pytest.raises(InvalidCredentials):
        desk.verify(attempt, passkey.sign(options))
    assert desk.method.owner_of(passkey.sign(options))[1] == eve.id
    assert desk.method.owner_of({"id": 1}) == ("passkey:none", None)


def test_a_sign_count_that_goes_back_is_refused(desk: Desk) -> None:
    """The key may have been copied."""
    passkey = SoftwarePasskey(counts=True)
    desk.bind(passkey)
    for _ in range(2):
        attempt, options = desk.begin()
        desk.accept(attempt, desk.verify(attempt, passkey.sign(options)))
    passkey.made[0].uses = 0
    attempt, options = desk.begin()
    with pytest.raises(InvalidCredentials):
        desk.verify(attempt, passkey.sign(options))


def test_a_proposal_counts_for_nothing_and_is_confirmed_once(desk: Desk) -> None:
    """Nobody is locked out by an enrolment that was left half-way."""
    passkey = SoftwarePasskey()
    record, options = desk.propose()
    assert Passkey.of(desk.bound()) == []
    made = desk.method.made(record, passkey.register(options))
    desk.method.bind(made)
    with pytest.raises(InvalidCredentials):
        desk.method.bind(made)
    _, again = desk.propose()
    with pytest.raises(LookupError):
        passkey.register(again)
    assert again["user"]["id"] == options["user"]["id"]


def test_nothing_sent_is_asked_for(desk: Desk) -> None:
    """And what is no credential is refused like any wrong proof."""
    attempt, _ = desk.begin()
    with pytest.raises(InvalidInput):
        desk.verify(attempt, None)
    for rubbish in ("x", [], {"type": "public-key", "id": "x", "rawId": "x", "response": {}}):
        with pytest.raises(InvalidCredentials):
            desk.verify(attempt, rubbish)

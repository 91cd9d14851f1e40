"""A town of people of each class, and a stranger who asks about them: what `bench/timing.py` measures."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Literal

import bcrypt

from nightlatch.http.app import HttpApp
from nightlatch.http.messages import Response
from nightlatch.primitives.hashing import PROFILES, decoy_hash, decoy_like
from nightlatch.primitives.ids import uuid7
from nightlatch.records import Authenticator, Identifier, User
from nightlatch.settings import Budget, Hashing, Throttle
from nightlatch.storage.sql import SqlStore, migrate
from nightlatch.testing.browser import Browser
from nightlatch.testing.household import PASSWORD, Household
from nightlatch.testing.sites import DirectSite

__all__ = ["CLASSES", "OLD_SHARE", "Profile", "Town"]

OLD_SHARE = 0.3
"""Of the accounts that have a password: a bcrypt hash that another application wrote."""
CLASSES = (
    "known",
    "suspended",
    "closing",
    "without a password",
    "must change it",
    "unverified",
    "unknown",
    "unknown too",
)
_OWN_HASH = {"known", "suspended", "closing", "must change it"}
_MUCH = Budget(limit=10**9, per=timedelta(hours=1))

Profile = Literal["owasp_minimum", "cheap_for_tests"]


def _is_old(number: int) -> bool:
    return number % 10 < OLD_SHARE * 10


class Town:
    """An installation with people of each class, and a stranger who asks about them.

    Args:
        folder: where its database is.
        people: how many of each class.
        profile: how passwords are hashed.
    """

    def __init__(self, folder: Path, people: int, profile: Profile) -> None:
        url = f"sqlite:///{folder / 'timing.db'}"
        migrate(url)
        hashing = Hashing(profile=profile, slots=1, queue=8)
        throttle = Throttle(**dict.fromkeys(Throttle.__struct_fields__, _MUCH))
        self.house = Household(SqlStore.open(url, durable=False), hashing=hashing, throttle=throttle)
        self.site = DirectSite(HttpApp(self.house.auth))
        self.asked = 0
        rounds = 4 if profile == "cheap_for_tests" else 10
        old = decoy_like(bcrypt.hashpw(b"x", bcrypt.gensalt(rounds)).decode())
        new = decoy_hash(PROFILES[profile])
        self.member = self._member()
        self.addresses: dict[str, list[str]] = {}
        for which, name in enumerate(CLASSES):
            self.addresses[name] = [f"p{which}{number:04}@example.org" for number in range(people)]
            for number, address in enumerate(self.addresses[name]):
                self._settle(name, address, old if _is_old(number) else new)
        self.house.auth.do_what_is_due()
        self.house.auth.background.run_once()

    def _settle(self, name: str, address: str, password_hash: str) -> None:
        store, now = self.house.store, self.house.clock.now()
        if name.startswith("unknown"):
            return
        if name == "unverified":
            self.timed("/api/sign-up", {"email": address, "password": PASSWORD.reveal()})
            return
        status = name if name in {"suspended", "closing"} else "active"
        user = User(id=uuid7(now), email=address, status=status, created_at=now, updated_at=now)
        store.insert(user)
        store.insert(
            Identifier(
                id=uuid7(now), user_id=user.id, kind="email", value=address, key=address, primary=True, proven_at=now,
                created_at=now,
            )
        )  # fmt: skip
        if name != "without a password":
            store.insert(
                Authenticator(
                    id=uuid7(now), user_id=user.id, kind="password", lookup=str(user.id), password_hash=password_hash,
                    must_change=name == "must change it", confirmed_at=now, created_at=now,
                )
            )  # fmt: skip

    def _member(self) -> Browser:
        """Return the browser of somebody who is signed in, for what is asked of an account of one's own."""
        browser = self.stranger()
        begun = browser.call("POST", "/api/sign-up", {"email": "member@example.org", "password": PASSWORD.reveal()})[1]
        code = self.house.mailbox.code_for("member@example.org").reveal()
        answer = {"attempt": begun["attempt"], "authenticator": "email_code", "code": code}
        assert browser.call("POST", "/api/attempt/answer", answer)[0] == 200
        return browser

    def old(self, name: str) -> set[str]:
        """Return those of a class whose hash, or decoy, is bcrypt's."""
        people = self.addresses[name]
        if name in _OWN_HASH:
            return {address for number, address in enumerate(people) if _is_old(number)}
        pool = self.house.auth.hashing
        key, decoys = pool._decoy_key, pool._decoys  # noqa: SLF001 - what a stranger must not know

        def decoy(address: str) -> str:
            pick = hmac.digest(key, f"email:{address}".encode(), hashlib.sha256)
            return decoys[int.from_bytes(pick[:8], "big") % len(decoys)]

        return {address for address in people if decoy(address).startswith("$2")}

    def stranger(self) -> Browser:
        """Return a browser in a network of its own."""
        self.asked += 1
        return Browser(site=self.site, peer=f"10.{self.asked >> 16 & 255}.{self.asked >> 8 & 255}.{self.asked & 255}")

    def timed(self, path: str, body: Mapping[str, object], browser: Browser | None = None) -> float:
        """Return how long a call takes, in microseconds."""
        return self.clocked(browser or self.stranger(), path, json.dumps(body).encode())[0]

    def clocked(self, browser: Browser, path: str, raw: bytes) -> tuple[float, Response]:
        """Call, and return the microseconds and the answer."""
        headers = {"content-type": "application/json", "sec-fetch-site": "same-origin"}
        began = time.perf_counter_ns()
        response = browser.send("POST", path, raw, headers=headers)
        took = (time.perf_counter_ns() - began) / 1000
        assert response.status in {200, 202, 401}, (path, response.status, response.body)
        return took, response

    def begun(self, path: str, body: Mapping[str, object]) -> tuple[Browser, str]:
        """Begin an attempt, whose next step is what is timed."""
        browser = self.stranger()
        _, response = self.clocked(browser, path, json.dumps(body).encode())
        return browser, json.loads(response.body)["attempt"]

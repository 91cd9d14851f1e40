"""An issuer to verify tokens of: its keys, its claims, and a service that believes them."""

from __future__ import annotations

import json
from typing import Any

from nightlatch.primitives.jwt import PrivateKey
from nightlatch.verify import Verifier
from nightlatch.verify.errors import KeysUnavailable
from nightlatch.verify.jwks import KeySet

ISSUER, AUDIENCE = "https://app.example.com/auth", "https://app.example.com"
NOW = 1_800_000_000


class Issuer:
    """Sign what a test wants signed, and publish keys; time stands still unless it is moved."""

    def __init__(self, algorithm: str = "EdDSA") -> None:
        self.key = PrivateKey.generate(algorithm)
        self.published = [self.key]
        self.now = float(NOW)
        self.fetched = 0
        self.down = False
        self.document: bytes | None = None

    def claims(self, **changes: Any) -> dict[str, Any]:
        """Return the claims of a good token, with changes; None takes one away."""
        usual: dict[str, Any] = {
            "iss": ISSUER,
            "sub": "0198-user",
            "aud": AUDIENCE,
            "client_id": "first-party",
            "exp": NOW + 300,
            "iat": NOW,
            "jti": "0198-token",
            "sid": "0198-session",
            "auth_time": NOW - 60,
            "acr": "aal1",
            "amr": ["pwd"],
            "roles": ["editor"],
        }
        changed = {**usual, **changes}
        return {name: value for name, value in changed.items() if value is not None}

    def token(self, **changes: Any) -> str:
        """Return a token, good unless changed."""
        return self.key.sign(self.claims(**changes))

    def read(self, url: str) -> bytes:
        """Answer for the address of the keys."""
        assert url == f"{ISSUER}/api/jwks.json"
        self.fetched += 1
        if self.down:
            raise KeysUnavailable("down")
        return (
            self.document
            if self.document is not None
            else json.dumps({"keys": [key.public_jwk for key in self.published]}).encode()
        )

    def service(self, **options: Any) -> Verifier:
        """Return a service that believes this issuer."""
        keys = KeySet(f"{ISSUER}/api/jwks.json", monotonic=lambda: self.now, read=self.read)
        return Verifier(**{"issuer": ISSUER, "audience": AUDIENCE, "keys": keys, "now": lambda: self.now, **options})

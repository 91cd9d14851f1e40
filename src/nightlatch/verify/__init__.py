"""Verify access tokens in a service, with nothing of the house but this folder.

    from nightlatch.verify import InvalidToken, Verifier

    verifier = Verifier(issuer="https://app.example.com/auth", audience="https://app.example.com")
    token = verifier.verify(text)  # raises InvalidToken

The law of this folder: it imports PyJWT, cryptography and the standard library, and nothing else of Nightlatch; the
core itself verifies with it. A token is accepted only if its header is, to the byte, the one that its key's tokens
have: `none`, another algorithm, `jwk`, `jku`, `x5u`, `crit` and whatever else a header may say are never interpreted
(RFC 8725 3.1, 3.10; adversary 70).
"""

from __future__ import annotations

from nightlatch.verify.assertion import Assertion, AssertionVerifier
from nightlatch.verify.claims import AccessToken
from nightlatch.verify.ended import EndedSessions
from nightlatch.verify.errors import Forbidden, InvalidToken, KeysUnavailable, VerificationError
from nightlatch.verify.shared import SharedSecrets
from nightlatch.verify.verifier import Verifier

__all__ = [
    "AccessToken",
    "Assertion",
    "AssertionVerifier",
    "EndedSessions",
    "Forbidden",
    "InvalidToken",
    "KeysUnavailable",
    "SharedSecrets",
    "VerificationError",
    "Verifier",
]

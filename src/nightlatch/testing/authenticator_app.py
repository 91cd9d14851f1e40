"""An authenticator app (RFC 6238), for tests of sign-ins with a second factor."""

from __future__ import annotations

import base64

import pyotp

from nightlatch.ports import Clock
from nightlatch.primitives.otp import PERIOD
from nightlatch.primitives.secret import Secret

__all__ = ["AuthenticatorApp"]


class AuthenticatorApp:
    """Hold a seed and show codes.

    Args:
        secret: the seed as enrolment shows it, in base32; spaces do not count.
        clock: tells the time.
    """

    def __init__(self, secret: Secret | str, clock: Clock) -> None:
        text = secret.reveal() if isinstance(secret, Secret) else secret
        self._hotp = pyotp.HOTP("".join(text.split()))
        self._clock = clock
        base64.b32decode("".join(text.split()))  # a seed that no app could read fails here

    def code(self, *, steps: int = 0) -> Secret:
        """Return the code of the step at hand, or of so many steps later (or earlier)."""
        return Secret(self._hotp.at(int(self._clock.now().timestamp()) // PERIOD + steps))

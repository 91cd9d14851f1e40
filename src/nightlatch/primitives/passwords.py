"""What a new password must be (NIST SP 800-63B-4 3.1.1.2): long enough, not common, not about you. Nothing else.

No composition rules, no expiry, any Unicode. What is refused is compared as a whole: a long sentence that merely
contains a common word is fine. Every refusal says why and what to do.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from nightlatch.errors import PasswordRejected
from nightlatch.primitives.common_passwords import is_common
from nightlatch.primitives.secret import Secret

__all__ = ["PasswordPolicy", "validate_new_password"]

_MOST_BYTES = 4096
_SHORTEST_WORD = 3


@dataclass(frozen=True, slots=True)
class PasswordPolicy:
    """Bounds, in Unicode code points after NFC.

    Args:
        min_length: 15 where a password signs in alone, 8 where a second factor is forced.
        max_length: at least 64; bounds the work of hashing.
    """

    min_length: int = 15
    max_length: int = 256


def validate_new_password(
    password: Secret, *, policy: PasswordPolicy, about_you: Sequence[str] = (), about_service: Sequence[str] = ()
) -> None:
    """Refuse a new password that policy does not allow.

    Args:
        password: as typed.
        policy: the bounds.
        about_you: the user's own identifiers and names.
        about_service: names of the service.

    Raises:
        PasswordRejected: why, and what to do instead.
    """
    text = unicodedata.normalize("NFC", password.reveal()[: _MOST_BYTES * 2])

    if len(text) < policy.min_length:
        raise PasswordRejected(
            "too_short",
            message=f"Please use at least {policy.min_length} characters. A few words you will remember are best.",
        )
    if len(text) > policy.max_length or len(text.encode("utf-8", "surrogatepass")) > _MOST_BYTES:
        raise PasswordRejected("too_long", message=f"Please use at most {policy.max_length} characters.")
    if any(unicodedata.category(each) in {"Cc", "Cs"} for each in text):
        raise PasswordRejected("not_text", message="There is a character in it that cannot be typed everywhere.")

    folded = text.casefold().strip()
    if not folded:
        raise PasswordRejected("common", message="Spaces alone are easy to guess. A few words are best.")
    if _repeats_one_of(folded, about_you, mail=True):
        raise PasswordRejected(
            "about_you", message="That is your own name or address. Please choose something nobody knows of you."
        )
    if _repeats_one_of(folded, about_service, mail=False):
        raise PasswordRejected(
            "about_service", message="That is the name of this service. Please choose something else."
        )
    if is_common(text):
        raise PasswordRejected(
            "common", message="Many people use that password, so it is tried first. A few unrelated words are best."
        )


def _repeats_one_of(folded: str, words: Sequence[str], *, mail: bool) -> bool:
    """Tell whether a password is a word, repeated or not, with or without its spaces."""
    for word in words:
        forms = {word.casefold().strip()}
        if mail and "@" in word:
            forms.add(word.casefold().split("@")[0])
        forms |= {"".join(each.split()) for each in forms}
        squeezed = "".join(folded.split())
        for form in forms:
            if len(form) >= _SHORTEST_WORD and any(
                candidate == (form * (len(candidate) // len(form) + 1))[: len(candidate)]
                for candidate in (folded, squeezed)
            ):
                return True
    return False

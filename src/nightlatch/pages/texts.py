"""Every text message that is sent: what it needs to know, and how it is rendered."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from nightlatch.pages.render import render

__all__ = ["PhoneCodeText", "SignInCodeText", "TextView", "render_text"]


class TextView(msgspec.Struct, frozen=True, kw_only=True):
    """What every text with a code says.

    Args:
        service_name: who writes.
        host: the site that the code is for; phones fill it in on no other.
        code: six digits.
    """

    template: ClassVar[str]
    service_name: str
    host: str
    code: str


class SignInCodeText(TextView, frozen=True, kw_only=True):
    """Prove that you have this phone."""

    template = "sign_in_code"


class PhoneCodeText(TextView, frozen=True, kw_only=True):
    """Confirm that this phone is yours."""

    template = "phone_code"


def render_text(view: TextView) -> str:
    """Render a text message; its last line is ``@host #code`` (Origin-bound one-time codes delivered via SMS, WICG)."""
    return render(f"text/{view.template}.txt", text=view).rstrip("\n")

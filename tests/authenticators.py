"""The virtual authenticator of a real browser."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import CDPSession, Page

__all__ = ["Authenticator"]


class Authenticator:
    """The browser's virtual authenticator (Web Authentication Level 3, 11).

    Args:
        page: whose browser.
        sees: whether it can see that it is its owner: a finger, a face.
    """

    def __init__(self, page: Page, *, sees: bool = True) -> None:
        self._session: CDPSession = page.context.new_cdp_session(page)
        self._session.send("WebAuthn.enable", {"enableUI": False})
        options = {
            "protocol": "ctap2",
            "transport": "internal",
            "hasResidentKey": True,
            "hasUserVerification": sees,
            "isUserVerified": sees,
            "automaticPresenceSimulation": True,
        }
        added = self._session.send("WebAuthn.addVirtualAuthenticator", {"options": options})
        self._id = {"authenticatorId": added["authenticatorId"]}

    @property
    def credentials(self) -> list[dict[str, Any]]:
        """What it holds."""
        held: list[dict[str, Any]] = self._session.send("WebAuthn.getCredentials", self._id)["credentials"]
        return held

    def answer(self, *, by_itself: bool) -> None:
        """Let somebody touch it at once, or never."""
        self._session.send("WebAuthn.setAutomaticPresenceSimulation", {**self._id, "enabled": by_itself})

    def lose(self) -> None:
        """Lose what it holds."""
        self._session.send("WebAuthn.clearCredentials", self._id)

    def go(self) -> None:
        """Be unplugged."""
        self._session.send("WebAuthn.removeVirtualAuthenticator", self._id)

    def take(self, credential: dict[str, Any]) -> None:
        """Hold a credential that was made elsewhere."""
        self._session.send("WebAuthn.addCredential", {**self._id, "credential": credential})

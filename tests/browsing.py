"""A browser that stands in front of a house: at its web layer directly, or at a site that was opened for it."""

from __future__ import annotations

from typing import Any

from nightlatch.http.app import HttpApp
from nightlatch.testing import browser as published
from nightlatch.testing.browser import header
from nightlatch.testing.sites import DirectSite, Site

__all__ = ["Browser", "header"]


class Browser(published.Browser):
    """The published browser, with the address that the stories are told from.

    Args:
        site: a site; or a web layer, which is asked directly.
        peer: the client's address.
    """

    def __init__(self, site: Site | HttpApp, *, peer: str | None = "192.0.2.7", **more: Any) -> None:
        super().__init__(site=DirectSite(site) if isinstance(site, HttpApp) else site, peer=peer, **more)

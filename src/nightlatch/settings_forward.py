"""The section ``forward``: which applications stand behind a proxy that asks here, and what each of their paths needs.

Every rule that matches a request is to be met, so that a further rule only ever asks for more. What no rule names is
refused.
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Literal
from urllib.parse import urlsplit

import msgspec

from nightlatch.errors import ConfigurationError
from nightlatch.primitives.origins import origin_of
from nightlatch.primitives.request_paths import AmbiguousPath, plain_path
from nightlatch.section import Section

__all__ = ["Forward", "ForwardRule"]

_LONGEST_SITE = 200
_METHOD = re.compile(r"[A-Z]{1,20}")


class ForwardRule(Section, frozen=True, kw_only=True):
    """What requests to one part of one site need, besides somebody who is signed in.

    Raises:
        ConfigurationError: the site is no origin, the path or a method is none that a request could have.
    """

    site: str
    """Origin of the application as browsers see it: ``https://wiki.example.com``."""
    path: str = "/"
    """With everything below it, in clear: no percent-encoding."""
    methods: tuple[str, ...] = ()
    """None: all of them. ``GET`` stands for ``HEAD`` as well."""
    roles: tuple[str, ...] = ()
    """The user has at least one of them."""
    aal: Literal[1, 2] = 1
    max_age: timedelta | None = None
    """How old the proof may be."""
    phishing_resistant: bool = False

    def __post_init__(self) -> None:
        """Bring the site into its form, and refuse what no request could match."""
        site = origin_of("forward.rules.site", self.site, secure=True)
        if len(site) > _LONGEST_SITE:
            raise ConfigurationError(f"forward.rules.site has at most {_LONGEST_SITE} characters")
        msgspec.structs.force_setattr(self, "site", site)
        if not _in_clear(self.path):
            raise ConfigurationError(f"forward.rules.path: {self.path!r} is no path such as /admin")
        if not all(_METHOD.fullmatch(each) for each in self.methods):
            raise ConfigurationError("forward.rules.methods are words in capitals, such as POST")
        if self.max_age is not None and self.max_age <= timedelta(0):
            raise ConfigurationError("forward.rules.max_age must be longer than nothing")


def _in_clear(path: str) -> bool:
    try:
        return "?" not in path and plain_path(path) == path
    except AmbiguousPath:
        return False


class Forward(Section, frozen=True, kw_only=True):
    """Applications that know nothing of Nightlatch, behind a proxy that asks before it lets a request through."""

    rules: tuple[ForwardRule, ...] = ()
    remote_user: Literal["id", "username", "email"] = "id"
    """What stands in ``Remote-User``. An id never changes and never becomes somebody else's; a name or an address may,
    and with it what the application keeps under it (CVE-2025-65431)."""

    @property
    def sites(self) -> tuple[str, ...]:
        """The origins that rules name."""
        return tuple(dict.fromkeys(rule.site for rule in self.rules))

    def stand_apart(self, host: str, *, secure: bool) -> None:
        """Refuse sites whose cookies would be the installation's own, or would travel unlike them.

        Args:
            host: name of ``base_url``'s.
            secure: whether ``base_url`` is https.

        Raises:
            ConfigurationError: there is one.
        """
        for site in self.sites:
            if urlsplit(site).hostname == host:
                # Cookies know no ports: what is set there, the installation's own pages would be sent.
                raise ConfigurationError(
                    f"forward.rules.site {site} is on the host of base_url: give it a name of its own"
                )
            if site.startswith("https://") != secure:
                raise ConfigurationError(
                    f"forward.rules.site {site} and base_url are both https, or both on this machine"
                )

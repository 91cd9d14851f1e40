"""What a request to an application behind a proxy needs: the rules of ``settings.forward``, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from nightlatch.errors import Forbidden
from nightlatch.primitives.request_paths import AmbiguousPath, folded, plain_path
from nightlatch.settings import Forward, ForwardRule

__all__ = ["Asked", "ForwardRules", "Needed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request that a proxy asks for.

    Args:
        site: origin of the application.
        method: in capitals.
        target: path and query, as the proxy got them.
    """

    site: str
    method: str
    target: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Needed:
    """What rules ask for together.

    Args:
        roles: of each of these sets the user has one.
        aal: the level of assurance.
        max_age: how old proofs may be that reach it.
        phishing_resistant: whether one of them cannot be phished.
    """

    roles: tuple[tuple[str, ...], ...]
    aal: int
    max_age: timedelta | None
    phishing_resistant: bool


class ForwardRules:
    """Tell what is needed.

    Args:
        settings: the rules.
    """

    def __init__(self, settings: Forward) -> None:
        self._by_site: dict[str, list[ForwardRule]] = {site: [] for site in settings.sites}
        for rule in settings.rules:
            self._by_site[rule.site].append(rule)

    def known(self, site: str) -> bool:
        """Tell whether an origin is that of an application which may ask."""
        return site in self._by_site

    def needed(self, asked: Asked) -> Needed:
        """Return what a request needs.

        Raises:
            Forbidden: no rule names it, or its path can be read in two ways.
        """
        try:
            path = plain_path(asked.target)
        except AmbiguousPath as refusal:
            raise Forbidden(f"ambiguous path: {refusal}") from None
        method = "GET" if asked.method == "HEAD" else asked.method
        rules = [rule for rule in self._by_site.get(asked.site, ()) if not rule.methods or method in rule.methods]
        if not any(_is_below(path, rule.path) for rule in rules):
            raise Forbidden("no rule names this request")
        # An application may take /Admin or /admin.json for /admin. Every rule only adds: one too many is no harm.
        met = [rule for rule in rules if folded(path).startswith(folded(rule.path.rstrip("/")))]
        ages = [rule.max_age for rule in met if rule.max_age is not None]
        return Needed(
            roles=tuple(rule.roles for rule in met if rule.roles),
            aal=max(rule.aal for rule in met),
            max_age=min(ages) if ages else None,
            phishing_resistant=any(rule.phishing_resistant for rule in met),
        )


def _is_below(path: str, root: str) -> bool:
    root = root.rstrip("/")
    return path == root or path.startswith(root + "/")

"""Write `docs/assurance.md` by going every way under every policy: `python tests/assurance_table.py`."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import assurance_ways
from assurance_ways import POLICIES, ways_of
from house import House
from nightlatch.http.app import HttpApp
from nightlatch.testing.sites import DirectSite, Site

__all__ = ["PAGE", "page"]

PAGE = Path(__file__).parent.parent / "docs" / "assurance.md"

_HEAD = """\
# Assurance: every way in, under every policy

What each authenticator is worth (NIST SP 800-63B-4 2), and what each way to a session comes to. Two *different* factors
are AAL2; two of one kind are still one. A browser that was never here is assumed, where a stolen password alone must
not bind anything: a mailed code comes first.

This page is written by `python tests/assurance_table.py`, which goes every way under every policy; a test keeps it
current, and fails for an authenticator or a call that has no row.
"""


def page() -> str:
    """Return the page, as it is now."""
    methods = House(sms=assurance_ways.TEXTS).auth.manage_authenticators._core.methods
    proofs = [
        (
            f"`{kind}`",
            " + ".join(method.factors) or "none",
            "yes" if method.phishing_resistant else "no",
            "by the user" if method.enrolment else "",
        )
        for kind, method in methods.items()
    ]
    rows = []
    for way in ways_of(methods):
        cells = []
        for asked in POLICIES.values():
            with assurance_ways.person(asked, way.owned, _direct) as mia:
                cells.append(assurance_ways.outcome_of(way.go(mia), mia))
        rows.append((f"`{way.owned}`" if way.owned else "", way.words, *cells))
    return "\n".join(
        (
            _HEAD,
            "## What is proven",
            "",
            *_table(("authenticator", "factors", "phishing-resistant", "bound"), proofs),
            "",
            "A mailed code proves an address, and counts for no factor.",
            "",
            "## What it comes to",
            "",
            "The first column says what the user has bound besides a password, the second what is done, the others",
            "what comes of it where policy asks for that.",
            "",
            *_table(("has", "does", *POLICIES), rows),
            "",
            "- *AAL1*, *AAL2*: a session of that level. *no session*: it is done, and signing in comes next.",
            "- *asks*: any of these proves what is missing. *to bind*: nothing the user has would help; these would.",
            "- *refused*: like any wrong proof.",
            "",
        )
    )


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> list[str]:
    names = list(head)
    lines = [names, ["---"] * len(names), *map(list, rows)]
    return [f"| {' | '.join(line)} |" for line in lines]


def _direct(house: House) -> Site:
    return DirectSite(HttpApp(house.auth))


if __name__ == "__main__":
    PAGE.write_text(page())

"""The direct call, which every adapter is measured by, keeps to the contract itself."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from nightlatch.http.hosted.routes import PAGES
from nightlatch.http.openapi import openapi_route
from nightlatch.http.routes import API
from nightlatch.testing.adapter_contract import CONVERSATIONS, AdapterContract, Premises
from nightlatch.testing.adapter_contract.contract import direct_site, reference
from nightlatch.testing.sites import Site


class TestDirect(AdapterContract):
    """Twice the same conversation, twice the same answers: nothing random is left in them."""

    @pytest.fixture
    def open_site(self) -> Callable[[Premises], Site]:
        """Open a site."""
        return direct_site


def test_every_route_is_talked_about() -> None:
    """What the route table has and no conversation gets an answer from would be held to nothing."""
    answered: set[tuple[str, str]] = set()
    for told in CONVERSATIONS:
        mount = str(told.settings.get("mount", "/auth"))
        sent = [line for line in reference(told) if re.match(r"> \w+ /|< \d{3}$", line)]
        for request, status in zip(sent[::2], sent[1::2], strict=True):
            method, target = request.removeprefix("> ").split(" ", 1)
            if int(status.removeprefix("< ")) < 400:
                answered.add((method, target.partition("?")[0].removeprefix(mount)))
    for route in (*API, openapi_route(API), *PAGES):
        path = re.compile(re.escape(route.path).replace(r"\{id\}", "[^/]+"))
        assert any(method == route.method and path.fullmatch(each) for method, each in answered), route.path

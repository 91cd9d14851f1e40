"""The suite: subclass `AdapterContract` and give it an ``open_site`` fixture."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from functools import cache
from typing import ClassVar

import pytest

from nightlatch.auth import Nightlatch
from nightlatch.http.app import HttpApp
from nightlatch.settings import settings_from
from nightlatch.storage.memory import MemoryStore
from nightlatch.testing.adapter_contract import (
    account,
    addresses,
    api_keys,
    assets,
    bodies,
    busy,
    cookies,
    forms,
    forward,
    grace,
    headers,
    invitations,
    leaving,
    links,
    methods,
    origins,
    pages,
    passkeys,
    paths,
    phones,
    proxies,
    recovery,
    remembered,
    second_factor,
    session,
    sign_in,
    sign_up,
    step_up,
    tokens,
)
from nightlatch.testing.adapter_contract.conversation import Conversation, Premises, Talk
from nightlatch.testing.adapter_contract.transcript import Recorder
from nightlatch.testing.sites import DirectSite, Site

__all__ = ["CONVERSATIONS", "AdapterContract", "direct_site", "reference"]

_SUBJECTS = (
    sign_up,
    sign_in,
    session,
    tokens,
    api_keys,
    account,
    pages,
    forms,
    links,
    invitations,
    assets,
    cookies,
    origins,
    proxies,
    methods,
    paths,
    bodies,
    headers,
    recovery,
    leaving,
    addresses,
    passkeys,
    phones,
    second_factor,
    step_up,
    grace,
    forward,
    remembered,
    busy,
)

CONVERSATIONS: tuple[Conversation, ...] = tuple(each for subject in _SUBJECTS for each in subject.CONVERSATIONS)
"""Every conversation, in the order of the subjects."""


class AdapterContract:
    """The conversations, as tests. A subclass gives the fixture ``open_site``.

    The fixture is a callable that takes `Premises` and returns a `Site` with nothing in its store. What is slow to
    build belongs into a fixture of wider scope.
    """

    cannot: ClassVar[Mapping[str, str]] = {}
    """What the transport cannot do (`Conversation.needs`), and why."""

    def ours(self, name: str, value: str) -> str | None:
        """Return what of a header is the adapter's; None where it belongs to what stands around it."""
        del name
        return value

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Make a test of every conversation that the transport can hold."""
        if "told" in metafunc.fixturenames:
            able = [each for each in CONVERSATIONS if not each.needs & self.cannot.keys()]
            metafunc.parametrize("told", able, ids=[each.name for each in able])

    def test_conversation(self, open_site: Callable[[Premises], Site], told: Conversation) -> None:
        """The same answers as the direct call's, byte for byte."""
        expected = reference(told)
        actual = _lines(told, open_site, self.ours)
        difference = "\n".join(difflib.unified_diff(expected, actual, "the direct call", "this site", lineterm=""))
        if difference:
            pytest.fail(f"{told.name} differs:\n{difference}", pytrace=False)


def direct_site(premises: Premises) -> DirectSite:
    """Open the site that others are measured by: the direct call, on a store in memory."""
    core = Nightlatch(
        settings_from(premises.settings),
        MemoryStore(),
        mailer=premises.mailbox,
        clock=premises.clock,
        background=False,
    )
    premises.run_by(core)
    return DirectSite(HttpApp(core))


@cache
def reference(told: Conversation) -> list[str]:
    """Return what the direct call answers; once for each conversation."""
    return _lines(told, direct_site, lambda _, value: value)


def _lines(
    told: Conversation, open_site: Callable[[Premises], Site], ours: Callable[[str, str], str | None]
) -> list[str]:
    premises = told.premises()
    site = open_site(premises)
    try:
        recorder = Recorder(site, ours)
        told.tell(Talk(recorder, premises))
    finally:
        site.close()
    return recorder.transcript.lines

"""The stand-alone server keeps to the adapters' contract, over a real socket."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

import pytest

from contract_server import ServedElsewhere
from nightlatch.testing.adapter_contract import AdapterContract, Premises
from nightlatch.testing.sites import Site

pytestmark = pytest.mark.slow


class TestServer(AdapterContract):
    """One process serves every conversation, each with a store of its own."""

    cannot: ClassVar = {
        "root": "it has no dispatcher in front: a proxy strips the prefix",
        "peer": "a socket on this machine has this machine's address",
        "bytes": "Granian hands an empty text to WSGI in place of a header that is not ASCII",
        "repeated_type": "Granian hands one of several Content-Type headers to WSGI",
        "core": "it runs in another process",
    }

    @pytest.fixture
    def open_site(self, served_elsewhere: ServedElsewhere) -> Callable[[Premises], Site]:
        """Open a site in the one process."""
        return served_elsewhere.open_site

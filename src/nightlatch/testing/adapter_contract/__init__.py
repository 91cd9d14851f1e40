"""What every adapter is held to: the same conversations, with the same answers, byte for byte.

class TestMine(AdapterContract):
    @pytest.fixture
    def open_site(self):
        def open_site(settings, clock, mailbox):
            ...
            return WsgiSite(application)
        return open_site

The law of this folder: a conversation is a function, told once, in the file of its subject, and put into that file's
``CONVERSATIONS``; it runs against every adapter, and a new file joins the list below. It says in assertions what
matters most; that all the rest is the same, down to the last byte, `transcript` sees to by comparing with the direct
call.
"""

from __future__ import annotations

from nightlatch.testing.adapter_contract.contract import CONVERSATIONS, AdapterContract
from nightlatch.testing.adapter_contract.conversation import Conversation, Premises

__all__ = ["CONVERSATIONS", "AdapterContract", "Conversation", "Premises"]

"""A phone in memory: what was texted, and the codes in it."""

from __future__ import annotations

import re
from collections.abc import Callable

from nightlatch.ports import Text
from nightlatch.primitives.secret import Secret

__all__ = ["TextInbox"]

_LAST_LINE = re.compile(r"^@(?P<host>[^ ]+) #(?P<code>\d+)$")


class TextInbox:
    """Be a text sender, and look at what was sent: for every number at once."""

    def __init__(self) -> None:
        self.messages: list[Text] = []
        self.deliver: Callable[[], object] = lambda: None
        """Delivers what waits in the outbox, before a look."""

    def send(self, text: Text) -> None:
        """Keep a text."""
        self.messages.append(text)

    def newest(self, to: str) -> Text:
        """Return the newest text to a number.

        Raises:
            LookupError: there is none.
        """
        self.deliver()
        for text in reversed(self.messages):
            if text.to == to:
                return text
        raise LookupError(f"no text to {to}")

    def code_for(self, to: str, *, host: str = "localhost") -> Secret:
        """Return the code in the newest text to a number, as a phone would fill it in on that site and no other.

        Raises:
            LookupError: there is none, or it is for another site.
        """
        found = _LAST_LINE.match(self.newest(to).text.rpartition("\n")[2])
        if found is None or found["host"] != host:
            raise LookupError(f"no code for {host} in the newest text to {to}")
        return Secret(found["code"])

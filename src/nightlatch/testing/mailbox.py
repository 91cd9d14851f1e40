"""A mailbox in memory: what was mailed, and the codes and links in it."""

from __future__ import annotations

import re
from collections.abc import Callable

from nightlatch.ports import Mail
from nightlatch.primitives.secret import Secret

__all__ = ["Mailbox"]

_CODE = re.compile(r"\b\d{4} \d{4}\b")
_LINK = re.compile(r"link=(nll_\w+)")


class Mailbox:
    """Be a mailer, and look at what was sent."""

    def __init__(self) -> None:
        self.messages: list[Mail] = []
        self.deliver: Callable[[], object] = lambda: None
        """Delivers what waits in the outbox, before a look."""

    def send(self, mail: Mail) -> None:
        """Keep a mail."""
        self.messages.append(mail)

    def newest(self, to: str) -> Mail:
        """Return the newest mail to an address.

        Raises:
            LookupError: there is none.
        """
        self.deliver()
        for mail in reversed(self.messages):
            if mail.to == to:
                return mail
        raise LookupError(f"no mail to {to}")

    def code_for(self, to: str) -> Secret:
        """Return the code in the newest mail to an address.

        Raises:
            LookupError: there is none.
        """
        return self._find(_CODE, to, 0)

    def link_for(self, to: str) -> Secret:
        """Return the link's secret in the newest mail to an address.

        Raises:
            LookupError: there is none.
        """
        return self._find(_LINK, to, 1)

    def _find(self, pattern: re.Pattern[str], to: str, group: int) -> Secret:
        found = pattern.search(self.newest(to).text)
        if found is None:
            raise LookupError(f"nothing of the kind in the newest mail to {to}")
        return Secret(found.group(group))

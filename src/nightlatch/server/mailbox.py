"""The dev mailbox: what would have been mailed. Routed in development only, and only for this machine itself."""

from __future__ import annotations

import email
import email.policy
import logging
import re
from pathlib import Path
from urllib.parse import urlsplit

from nightlatch.http.messages import Request
from nightlatch.settings import is_loopback

__all__ = ["MAILBOX_SIZE", "admitted", "pieces", "read_mailbox"]

log = logging.getLogger("nightlatch.server")

MAILBOX_SIZE = 200
_LINK = re.compile(r"https?://\S+")


def admitted(request: Request) -> bool:
    """Tell whether a request may see the mailbox: from this machine, to this machine, through nobody.

    A tunnel or container that forwards a port changes one of these; which one did is logged.
    """
    peer = request.peer or ""
    if not is_loopback(peer):
        return _no(f"the peer {peer[:64]!r} is not this machine")
    try:
        host = urlsplit(f"//{request.header('host') or ''}").hostname or ""
    except ValueError:
        host = ""
    if not is_loopback(host):
        return _no("the Host header does not name this machine")
    names = (name for name, _ in request.headers)
    forwarded = [name for name in names if name in {"forwarded", "via"} or name.startswith("x-forwarded")]
    if forwarded:
        return _no(f"the request was forwarded ({forwarded[0]})")
    return True


def _no(condition: str) -> bool:
    log.warning("dev mailbox refused: %s", condition)
    return False


def read_mailbox(directory: Path) -> list[dict[str, str]]:
    """Return the mails, newest first: to, subject, text, at."""
    mails = []
    for path in sorted(directory.glob("*.eml"), reverse=True)[:MAILBOX_SIZE]:
        try:
            message = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
        except OSError:
            continue  # it made room for a newer one just now
        body = message.get_body(("plain",))
        mails.append(
            {
                "to": str(message["To"]),
                "subject": str(message["Subject"]),
                "text": body.get_content() if body else "",
                "at": message["Date"].datetime.isoformat(),
            }
        )
    return mails


def pieces(text: str) -> list[dict[str, str | None]]:
    """Cut a text into links and what is between them."""
    parts: list[dict[str, str | None]] = []
    end = 0
    for match in _LINK.finditer(text):
        parts += [{"text": text[end : match.start()], "href": None}, {"text": match.group(), "href": match.group()}]
        end = match.end()
    parts.append({"text": text[end:], "href": None})
    return parts

"""Page: recovery codes, shown once."""

from __future__ import annotations

from urllib.parse import quote

from nightlatch.http.exchange import Exchange
from nightlatch.http.hosted.chrome import page
from nightlatch.http.messages import Response
from nightlatch.primitives.secret import Secret

__all__ = ["codes_page"]


def codes_page(exchange: Exchange, codes: tuple[Secret, ...], onward: str) -> Response:
    """Show codes, a file of them, and the way on."""
    lines = [each.reveal() for each in codes]
    text = f"Recovery codes for {exchange.auth.settings.service_name}\n\n" + "\n".join(lines) + "\n"
    download = "data:text/plain;charset=utf-8," + quote(text)
    return page(exchange, "recovery_codes.html", codes=lines, download=download, onward=onward)

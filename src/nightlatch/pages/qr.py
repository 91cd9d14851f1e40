"""QR codes as SVG: black on white whatever the page's colours are, since cameras want it so."""

from __future__ import annotations

import segno

__all__ = ["qr_svg"]


def qr_svg(text: str) -> str:
    """Return an SVG element that shows a text as a QR code, with the quiet zone that readers need."""
    code = segno.make(text, error="m", micro=False)
    return code.svg_inline(border=4, omitsize=True, dark="#000", light="#fff", svgclass="qr", lineclass=None)

"""Security headers, on every answer (ASVS 3.4, 14.3.2)."""

from __future__ import annotations

from nightlatch.settings import Settings

__all__ = ["Headers"]

_PERMISSIONS = (
    "publickey-credentials-get=(self), publickey-credentials-create=(self), camera=(), microphone=(), geolocation=(),"
    " payment=(), usb=(), browsing-topics=()"
)


class Headers:
    """The headers that each kind of answer carries.

    Args:
        settings: for whether ``base_url`` is https, and where forms may lead.
    """

    def __init__(self, settings: Settings) -> None:
        common = [
            ("X-Content-Type-Options", "nosniff"),
            ("Cross-Origin-Opener-Policy", "same-origin"),
            ("Cross-Origin-Resource-Policy", "same-origin"),
            ("X-Frame-Options", "DENY"),
        ]
        if settings.secure:
            common.append(("Strict-Transport-Security", "max-age=63072000; includeSubDomains"))
        fresh = [("Cache-Control", "no-store"), ("Vary", "Cookie, Origin, Sec-Fetch-Site")]
        # Chromium holds the redirect that follows a form to form-action as well.
        targets = " ".join(("'self'", *settings.allowed_redirects, *settings.forward.sites))
        logo = settings.pages.logo_url or ""
        images = "'self'" if not logo.startswith("https://") else f"'self' {'/'.join(logo.split('/')[:3])}"
        page_policy = (
            f"default-src 'none'; script-src 'self'; style-src 'self'; img-src {images}; connect-src 'self';"
            f" form-action {targets}; frame-ancestors 'none'; base-uri 'none'"
        )
        self.api = [
            *common,
            *fresh,
            ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"),
            ("Referrer-Policy", "no-referrer"),
        ]
        self.script = self.api
        self.page = [
            *common,
            *fresh,
            ("Content-Security-Policy", page_policy),
            # Not no-referrer: under it Chromium sends `Origin: null` with our own forms. A link in a page's address
            # never leaves this origin either way.
            ("Referrer-Policy", "same-origin"),
            ("Permissions-Policy", _PERMISSIONS),
        ]
        self.asset = [*common, ("Content-Security-Policy", "default-src 'none'"), ("Referrer-Policy", "no-referrer")]

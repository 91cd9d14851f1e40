"""Places to send requests to, all of one shape: the web layer itself, a WSGI or ASGI application, a real socket.

The law of this folder: what is sent arrives as it was written, and what is answered is handed on as it came. Nothing is
followed, kept, joined or tidied here; `nightlatch.testing.Browser` keeps cookies.
"""

from __future__ import annotations

from nightlatch.testing.sites.asgi import AsgiSite
from nightlatch.testing.sites.direct import DirectSite
from nightlatch.testing.sites.site import Sent, Site
from nightlatch.testing.sites.wire import WireSite
from nightlatch.testing.sites.wsgi import WsgiSite

__all__ = ["AsgiSite", "DirectSite", "Sent", "Site", "WireSite", "WsgiSite"]

"""Debian's nginx in front of a plain application; it asks the stand-alone server before it lets a request through."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

__all__ = ["Nginx", "PlainApplication", "nginx_binary"]

GUIDE = Path(__file__).parent.parent / "docs" / "forward-authentication.md"
"""Its configuration for nginx, to the letter but for names and ports, is what runs."""


def nginx_binary() -> str:
    """Return where nginx is, or skip the test where it need not be."""
    path = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if path is None:
        if os.environ.get("CI") == "true":
            pytest.fail("nginx is missing")
        pytest.skip("nginx is not installed")
    return path


class PlainApplication:
    """An application that knows nothing of Nightlatch: it answers with what it was sent, as a page."""

    def __init__(self) -> None:
        seen: list[dict[str, Any]] = []

        class Answer(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                seen.append({"path": self.path, "method": self.command, "headers": dict(self.headers.items())})
                body = f"<title>wiki</title><pre>{json.dumps(seen[-1])}</pre>".encode()
                self.send_response(200)
                self.send_header("Content-Type", "text/html")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_POST = do_GET  # noqa: N815 - the standard library's names

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as above
                del format, args

        self.seen = seen
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self) -> None:
        """Stop."""
        self.server.shutdown()
        self.server.server_close()


class Nginx:
    """An nginx of its own, with the guide's configuration.

    Args:
        folder: where it writes.
        port: where it listens, for ``wiki.localhost``.
        nightlatch: port of the stand-alone server.
        application: port of the application.
    """

    def __init__(self, folder: Path, *, port: int, nightlatch: int, application: int) -> None:
        self.port = port
        folder.mkdir()
        site = GUIDE.read_text().partition("```nginx\n")[2].partition("```")[0]
        for told, ours in (
            ("listen 443 ssl;", f"listen 127.0.0.1:{port};"),
            ("wiki.example.com", f"wiki.localhost:{port}"),
            ("server_name wiki.localhost:", "server_name wiki.localhost; # "),
            ("X-Forwarded-Proto https", "X-Forwarded-Proto http"),
            ("127.0.0.1:8000", f"127.0.0.1:{nightlatch}"),
            ("127.0.0.1:3000", f"127.0.0.1:{application}"),
        ):
            assert told in site, told
            site = site.replace(told, ours)
        site = "\n".join(line for line in site.splitlines() if "ssl_certificate" not in line)
        temporary = "\n".join(
            f"{name}_temp_path {folder}/{name};" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        (folder / "nginx.conf").write_text(
            f"daemon off; worker_processes 1; pid {folder}/pid; error_log {folder}/error.log;\n"
            f"events {{}}\nhttp {{ access_log off;\n{temporary}\n{site}\n}}\n"
        )
        self.log = folder / "error.log"
        self.process = subprocess.Popen([nginx_binary(), "-c", str(folder / "nginx.conf"), "-p", str(folder)])
        for _ in range(100):
            try:
                socket.create_connection(("127.0.0.1", port), timeout=2).close()
            except OSError:
                time.sleep(0.05)
            else:
                return
        self.close()
        raise AssertionError(f"nginx was not ready in time: {self.log.read_text()}")

    def close(self) -> None:
        """Stop."""
        self.process.terminate()
        self.process.wait(timeout=10)

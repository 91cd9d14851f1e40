"""The stand-alone server, as a process: first run, health, crash, stop, and what it refuses."""

from __future__ import annotations

import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
import urllib.request
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from servers import Server

pytestmark = pytest.mark.slow

MIA = "mia@example.org"
SECRET = "correct horse battery staple"
BIN = str(Path(sys.executable).parent / "nightlatch")


def refused(tmp_path: Path, *arguments: str, **environment: str) -> str:
    """Run a command that must refuse, and return what it says."""
    ran = subprocess.run(
        [BIN, "--data", str(tmp_path / "data"), *arguments],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert ran.returncode == 2, ran.stdout + ran.stderr
    assert "Traceback" not in ran.stderr
    return ran.stderr


def test_a_conversation(server: Server) -> None:
    """Sign up by JSON, read the dev mailbox, prove, be recognised, sign out."""
    status, begun, _ = server.call("POST", "/auth/api/sign-up", {"email": MIA, "password": SECRET})
    assert status == 202
    answer = {"attempt": begun["attempt"], "authenticator": "email_code", "code": server.code(MIA)}
    status, done, headers = server.call("POST", "/auth/api/attempt/answer", answer)
    assert (status, done["status"]) == (200, "complete")
    cookie = headers["set-cookie"].partition(";")[0]
    assert server.call("GET", "/auth/api/session", cookie=cookie)[1]["user"]["email"] == MIA
    assert server.call("DELETE", "/auth/api/session", cookie=cookie)[0] == 204
    assert server.call("GET", "/auth/api/session", cookie=cookie)[0] == 401


def test_what_is_acknowledged_survives_a_kill(tmp_path: Path) -> None:
    """Kill -9 between an acknowledged sign-up and its mail: neither is lost."""
    # A short lease: the kill may come while the mail is being handed over, and then it is tried again after the lease.
    server = Server(tmp_path / "data", NIGHTLATCH_OUTBOX__POLL="600", NIGHTLATCH_OUTBOX__LEASE="1")
    server.start()
    status, begun, _ = server.call("POST", "/auth/api/sign-up", {"email": MIA, "password": SECRET})
    assert status == 202
    server.stop(signal.SIGKILL)
    server.environment["NIGHTLATCH_OUTBOX__POLL"] = "0.2"
    server.start()
    answer = {"attempt": begun["attempt"], "authenticator": "email_code", "code": server.code(MIA)}
    assert server.call("POST", "/auth/api/attempt/answer", answer)[0] == 200
    server.stop()


def test_files_are_their_owners_alone(server: Server) -> None:
    """Keys, database, the administrator's link and the mailbox: 0600 and 0700, and the link in no log."""
    for path in server.data.rglob("*"):
        assert path.stat().st_mode & 0o077 == 0, path
    link = (server.data / "first-administrator").read_text()
    secret = link.strip().partition("link=")[2]
    assert secret.startswith("nll_")
    assert secret not in server.stop()


def test_a_spent_link_does_not_lie_about(server: Server) -> None:
    """Once there is an administrator, a start takes the file with the link away."""
    from nightlatch.primitives.secret import Secret
    from nightlatch.server.app import build
    from nightlatch.server.config import load
    from nightlatch.services.client import Client

    path = server.data / "first-administrator"
    link = Secret(path.read_text().strip().partition("link=")[2])
    config = load(environment=server.environment, given={"data": str(server.data)})
    auth = build(config)
    auth.invitations.redeem(Client(user_agent="curl/8"), link, email="ada@example.org", new_password=Secret(SECRET))
    auth.close()
    server.stop()
    server.start()
    assert not path.exists()
    assert "there is one" in server.stop()


def test_health(server: Server) -> None:
    """Alive and ready, in a word each."""
    assert server.call("GET", "/healthz")[:2] == (200, "ok\n")
    assert server.call("GET", "/readyz")[:2] == (200, "ready\n")
    assert server.call("POST", "/healthz", {})[0] == 405


def test_what_is_looked_for_at_the_root(server: Server) -> None:
    """Browsers and password managers are led to where a password is changed and passkeys are made."""
    with urllib.request.urlopen(f"{server.url}/.well-known/passkey-endpoints") as told:
        endpoints = json.load(told)
    assert endpoints["enroll"] == f"{server.url}/auth/account/passkey"
    with urllib.request.urlopen(f"{server.url}/.well-known/change-password") as led:
        assert "return_to=/auth/account/security" in led.url
    with urllib.request.urlopen(f"{server.url}/.well-known/webauthn") as told:
        assert json.load(told) == {"origins": [server.url]}


def test_every_answer_is_guarded(server: Server) -> None:
    """Whatever is asked, whatever the answer: no sniffing, no frames, no caching but of files (ASVS 3.4)."""
    asked = [
        *(("GET", path) for path in ("/", "/healthz", "/readyz", "/dev/mailbox", "/dev/mailbox.json", "/nothing")),
        *(("GET", path) for path in ("/auth", "/auth/sign-in", "/auth/account", "/auth/nothing", "/auth/api/session")),
        *(("HEAD", path) for path in ("/", "/healthz", "/auth/sign-in", "/nothing")),
        *(("PUT", path) for path in ("/", "/healthz", "/auth/sign-in", "/auth/api/session", "/dev/mailbox")),
    ]
    for method, path in asked:
        _, _, headers = server.call(method, path)
        assert headers["x-content-type-options"] == "nosniff", (method, path)
        assert headers["x-frame-options"] == "DENY", (method, path)
        assert headers["cache-control"] == "no-store", (method, path)
        assert "default-src 'none'" in headers["content-security-policy"], (method, path)


def test_head_tells_the_length_of_what_get_sends(server: Server) -> None:
    """RFC 9110 9.3.2: the same headers, no body; a file that is known already has no length at all."""
    for path in ("/healthz", "/auth/sign-in", "/auth/api/session"):
        assert server.call("HEAD", path)[2]["content-length"] == server.call("GET", path)[2]["content-length"], path
    _, _, file = server.call("GET", "/auth/static/nightlatch.css")
    status, _, known = server.call("GET", "/auth/static/nightlatch.css", headers={"If-None-Match": file["etag"]})
    assert (status, known.get("content-length")) == (304, None)


@pytest.mark.parametrize("path", ["/nothing", "/auth/nothing", "/auth/account/nothing"])
def test_a_person_who_is_lost_sees_a_page(server: Server, path: str) -> None:
    """Who asks for pages is told in one, with a way on; a program gets a problem document."""
    status, page, _ = server.call("GET", path, headers={"Accept": "text/html,*/*;q=0.8"})
    assert (status, "Page not found" in page, 'class="button' in page) == (404, True, True)
    status, document, _ = server.call("GET", path)
    assert (status, document["code"]) == (404, "not_found")


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Host": ""},
        {"X-Forwarded-For": "203.0.113.9"},
        {"X-Forwarded-Host": "localhost"},
        {"Forwarded": "for=203.0.113.9"},
        {"Via": "1.1 proxy"},
    ],
)
def test_085_the_mailbox_is_for_this_machine_alone(server: Server, headers: dict[str, str]) -> None:
    """Another host's name, or a request that was forwarded: not there, and the log says which condition failed."""
    assert server.call("GET", "/dev/mailbox.json")[0] == 200
    for path in ("/dev/mailbox", "/dev/mailbox.json"):
        assert server.call("GET", path, headers=headers)[0] in {400, 404}
    output = server.stop()
    assert "dev mailbox refused" in output or headers == {"Host": ""}


def test_ctrl_c_ends_it_within_two_seconds(server: Server) -> None:
    """And leaves nothing behind."""
    process = server.process
    assert process is not None
    with socket.create_connection(("127.0.0.1", server.port)) as tab:
        tab.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")  # and keeps the connection, as browsers do
        assert b"ok" in tab.recv(4096)
        began = time.monotonic()
        server.stop(signal.SIGINT)
        assert time.monotonic() - began < 2
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", server.port)) != 0


def test_workers_that_are_still_starting_are_told_to_stop_as_well(tmp_path: Path) -> None:
    """One of many workers is ready, the others are not: none of them holds the stop."""
    server = Server(
        tmp_path / "data",
        "--workers",
        "5",
        NIGHTLATCH_DEVELOPMENT="0",  # outside development a request may take ten seconds, which is all this waits
        NIGHTLATCH_BASE_URL="http://localhost",
        NIGHTLATCH_MAIL__TRANSPORT="file",
        NIGHTLATCH_MAIL__DIRECTORY=str(tmp_path / "mail"),
    )
    for _ in range(3):
        server.start()
        server.stop()


def test_a_request_begun_is_finished(tmp_path: Path) -> None:
    """A graceful stop lets a sign-in that is hashing end."""
    server = Server(tmp_path / "data", NIGHTLATCH_HASHING__PROFILE="rfc9106_low_memory")
    server.start()
    body = json.dumps({"identifier": MIA, "password": SECRET}).encode()
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        connection.sendall(
            b"POST /auth/api/sign-in HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            b"Connection: close\r\nContent-Length: %d\r\n\r\n" % len(body) + body
        )
        time.sleep(0.05)
        assert server.process is not None
        server.process.send_signal(signal.SIGTERM)
        answered = connection.recv(200)
    server.stop()
    assert answered.startswith(b"HTTP/1.1 401")


def test_a_slow_client_is_waited_for(tmp_path: Path) -> None:
    """Outside development a request whose body is still on its way is answered, though it takes seconds."""
    server = Server(
        tmp_path / "data",
        NIGHTLATCH_DEVELOPMENT="0",
        NIGHTLATCH_BASE_URL="http://localhost",
        NIGHTLATCH_MAIL__TRANSPORT="file",
        NIGHTLATCH_MAIL__DIRECTORY=str(tmp_path / "mail"),
    )
    server.start()
    body = json.dumps({"identifier": MIA, "password": SECRET}).encode()
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        connection.sendall(
            b"POST /auth/api/sign-in HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            b"Content-Length: %d\r\n\r\n{" % len(body)
        )
        time.sleep(0.2)
        assert server.process is not None
        server.process.send_signal(signal.SIGTERM)
        time.sleep(2.5)
        connection.sendall(body[1:])
        answered = connection.recv(200)
    server.stop()
    assert answered.startswith(b"HTTP/1.1 401")


def test_a_busy_port_names_its_holder(tmp_path: Path) -> None:
    """Who holds it, and what to do."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = str(holder.getsockname()[1])
        said = refused(tmp_path, "serve", "--port", port, NIGHTLATCH_DEVELOPMENT="1")
    assert f"(pid {os.getpid()})" in said
    assert "--port" in said


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({"NIGHTLATCH_DEVELOPMENT": "1", "NIGHTLATCH_SERVICE_NAEM": "x"}, "did you mean service_name"),
        ({"NIGHTLATCH_DEVELOPMENT": "1", "NIGHTLATCH_BIND": "0.0.0.0"}, "this machine alone"),  # noqa: S104
        ({"NIGHTLATCH_BASE_URL": "http://auth.example.com"}, "https://"),
        ({"NIGHTLATCH_BASE_URL": "https://auth.example.com"}, "mail.transport"),
        ({"NIGHTLATCH_BASE_URL": "https://a.example.com", "NIGHTLATCH_MAIL__TRANSPORT": "console"}, "development"),
        ({"NIGHTLATCH_DEVELOPMENT": "1", "NIGHTLATCH_SECRET_KEYS": "changeme"}, "secret_keys"),
        (
            {
                "NIGHTLATCH_DEVELOPMENT": "1",
                "NIGHTLATCH_POLICY__EVERYONE__AAL": "2",
                "NIGHTLATCH_TOTP__ENABLED": "false",
                "NIGHTLATCH_PASSKEYS__ENABLED": "false",
            },
            "second factor",
        ),
        ({}, "base_url is not set"),
    ],
)
def test_what_is_unsafe_does_not_start(tmp_path: Path, environment: dict[str, str], words: str) -> None:
    """One plain sentence, exit code 2."""
    assert words in refused(tmp_path, "serve", "--port", "65431", **environment)


def test_others_may_not_read_the_key(tmp_path: Path) -> None:
    """A key file that others may read is refused."""
    (tmp_path / "data").mkdir()
    key = tmp_path / "data" / "secret_key"
    key.write_text("k" * 10 + "abcdefghijklmnopqrstuvwxyz0123456789")
    key.chmod(0o644)
    assert "chmod 600" in refused(tmp_path, "serve", NIGHTLATCH_DEVELOPMENT="1")


def test_a_schema_that_is_behind_is_refused_without_migrating(tmp_path: Path) -> None:
    """`--no-migrate` says which command to run."""
    said = refused(tmp_path, "serve", "--no-migrate", "--port", "65432", NIGHTLATCH_DEVELOPMENT="1")
    assert "nightlatch migrate" in said


def certificate_in(folder: Path) -> tuple[Path, Path]:
    """Make a certificate for localhost and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    cert_path, key_path = folder / "cert.pem", folder / "key.pem"
    cert_path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    key_path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return cert_path, key_path


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1 is deprecated")
def test_tls(tmp_path: Path) -> None:
    """`--tls-cert` and `--tls-key` serve https, not under TLS 1.2."""
    cert_path, key_path = certificate_in(tmp_path)
    server = Server(
        tmp_path / "data",
        "--tls-cert",
        str(cert_path),
        "--tls-key",
        str(key_path),
        NIGHTLATCH_DEVELOPMENT="0",
        NIGHTLATCH_BASE_URL="https://localhost",
        NIGHTLATCH_MAIL__TRANSPORT="file",
        NIGHTLATCH_MAIL__DIRECTORY=str(tmp_path / "mail"),
    )
    server.url = f"https://localhost:{server.port}"
    context = ssl.create_default_context(cafile=str(cert_path))
    urllib.request.install_opener(urllib.request.build_opener(urllib.request.HTTPSHandler(context=context)))
    try:
        server.start()
        status, _, headers = server.call("GET", "/auth/sign-in")
        assert status == 200
        assert "max-age=63072000" in headers["strict-transport-security"]
        assert "__Host-Http-session_visitor=" in headers["set-cookie"]
        assert server.call("GET", "/dev/mailbox.json")[0] == 404
        old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
        old.set_ciphers("ALL:@SECLEVEL=0")
        old.load_verify_locations(cert_path)
        with socket.create_connection(("localhost", server.port)) as plain, pytest.raises(ssl.SSLError):
            old.wrap_socket(plain, server_hostname="localhost")
    finally:
        urllib.request.install_opener(urllib.request.build_opener())
        server.stop()


def test_a_certificate_that_cannot_be_used_is_told(tmp_path: Path) -> None:
    """Another's key, or no key at all: a sentence, not a traceback."""
    cert, key = certificate_in(tmp_path)
    (tmp_path / "other").mkdir()
    _, other = certificate_in(tmp_path / "other")
    for tls_cert, tls_key, words in (
        (cert, other, "do not belong together"),
        (key, key, "not PEM"),
        (cert, cert, "not PEM"),
    ):
        arguments = ("serve", "--port", "65433", "--tls-cert", str(tls_cert), "--tls-key", str(tls_key))
        assert words in refused(tmp_path, *arguments, NIGHTLATCH_DEVELOPMENT="1")


BROKEN = {
    "huge header": b"GET /auth/api/session HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * 200_000 + b"\r\n\r\n",
    "many headers": b"GET /auth/api/session HTTP/1.1\r\nHost: localhost\r\n" + b"A: b\r\n" * 5000 + b"\r\n",
    "huge path": b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "smuggling": (
        b"POST /auth/api/sign-in HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    ),
    "negative length": b"POST /auth/api/sign-in HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
    "odd path": b"GET /auth/%ff%fe HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
    "odd cookie": (
        b"GET /auth/api/session HTTP/1.1\r\nHost: localhost\r\nCookie: \xff\xfe=\x80\r\nConnection: close\r\n\r\n"
    ),
    "TLS to plain": b"\x16\x03\x01\x00\xa5\x01\x00",
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_requests_never_break_the_server(server: Server, name: str) -> None:
    """Huge headers, smuggling, odd bytes: 4xx or a closed connection, and the next request is served."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        try:
            connection.sendall(BROKEN[name])
            connection.shutdown(socket.SHUT_WR)
            answered = connection.recv(100)
        except OSError:
            answered = b""
    assert answered == b"" or answered.startswith(b"HTTP/1.1 4"), answered
    assert server.call("GET", "/healthz")[0] == 200

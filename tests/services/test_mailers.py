"""Mail, handed to real servers."""

from __future__ import annotations

import dataclasses
import email
import email.policy
import ssl
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from free_ports import free_port
from nightlatch.errors import ConfigurationError
from nightlatch.ports import Mail
from nightlatch.services.mailers import FileMailer, SmtpMailer, message_of
from nightlatch.settings import Mail as MailSettings

MAIL = Mail(
    to="mia@example.org",
    subject="Your code: grüße",
    text="12345678",
    html="<p>12345678</p>",
    message_id="<0192@localhost>",
    sender="no-reply@localhost",
    sender_name="Harbour Books",
    at=datetime(2026, 11, 24, tzinfo=UTC),
)


class Inbox:
    """Keep what a server receives."""

    def __init__(self) -> None:
        self.received: list[Any] = []
        self.recipients: list[list[str]] = []

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        """Take a message."""
        self.recipients.append(envelope.rcpt_tos)
        self.received.append(email.message_from_bytes(envelope.content, policy=email.policy.default))
        return "250 OK"


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a throw-away certificate for localhost."""
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
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "both.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
    return path


@pytest.fixture
def smtp(certificate: Path) -> Iterator[Callable[..., tuple[Inbox, int]]]:
    """Start SMTP servers on free ports."""
    running: list[Controller] = []

    def start(*, tls: str) -> tuple[Inbox, int]:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(certificate)
        inbox = Inbox()
        options: dict[str, Any] = {"starttls": {"tls_context": context, "require_starttls": True}, "plain": {}}.get(
            tls, {"ssl_context": context}
        )
        controller = Controller(inbox, hostname="127.0.0.1", port=free_port(), **options)
        controller.start()
        running.append(controller)
        return inbox, controller.port

    yield start
    for each in running:
        each.stop()


@pytest.mark.parametrize(("server", "security"), [("starttls", "starttls"), ("implicit", "tls")])
def test_mail_goes_over_tls(
    smtp: Callable[..., tuple[Inbox, int]],
    certificate: Path,
    monkeypatch: pytest.MonkeyPatch,
    server: str,
    security: Any,
) -> None:
    """STARTTLS and implicit TLS, the certificate verified; both parts and the stable id arrive."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    inbox, port = smtp(tls=server)
    SmtpMailer(MailSettings(smtp_host="localhost", smtp_port=port, smtp_security=security)).send(MAIL)
    (message,) = inbox.received
    assert (message["Subject"], message["Message-ID"], message["To"]) == (MAIL.subject, "<0192@localhost>", MAIL.to)
    assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]


def test_an_unknown_certificate_is_refused(smtp: Callable[..., tuple[Inbox, int]]) -> None:
    """Nothing is sent to a server that cannot prove its name (ASVS 12.3.2)."""
    inbox, port = smtp(tls="starttls")
    mailer = SmtpMailer(MailSettings(smtp_host="localhost", smtp_port=port))
    with pytest.raises(ssl.SSLError):
        mailer.send(MAIL)
    assert inbox.received == []


def test_a_server_without_tls_gets_nothing(smtp: Callable[..., tuple[Inbox, int]]) -> None:
    """STARTTLS that is not offered is a failure, not a reason to go on in clear."""
    inbox, port = smtp(tls="plain")
    with pytest.raises(Exception, match="STARTTLS"):
        SmtpMailer(MailSettings(smtp_host="localhost", smtp_port=port)).send(MAIL)
    assert inbox.received == []


def test_plain_text_is_for_this_machine_only(smtp: Callable[..., tuple[Inbox, int]]) -> None:
    """The option says so in its name, and works on loopback."""
    with pytest.raises(ConfigurationError):
        SmtpMailer(MailSettings(smtp_host="mail.example.com", smtp_security="allow_plaintext_to_loopback"))
    inbox, port = smtp(tls="plain")
    SmtpMailer(MailSettings(smtp_host="localhost", smtp_port=port, smtp_security="allow_plaintext_to_loopback")).send(
        MAIL
    )
    assert len(inbox.received) == 1


def test_an_address_in_any_script_is_mailed(smtp: Callable[..., tuple[Inbox, int]], tmp_path: Path) -> None:
    """Who may sign up with mïa@ or 用户@ gets the mail (RFC 6531); who writes ASCII gets one that any server reads."""
    inbox, port = smtp(tls="plain")
    mailer = SmtpMailer(
        MailSettings(smtp_host="localhost", smtp_port=port, smtp_security="allow_plaintext_to_loopback")
    )
    files = FileMailer(tmp_path)
    for number, to in enumerate(("mïa@example.org", "用户@xn--bcher-kva.example", "o'neil+books@example.org")):
        mail = dataclasses.replace(MAIL, to=to, message_id=f"<{number}@localhost>")
        mailer.send(mail)
        files.send(mail)
        assert inbox.recipients[-1] == [to]
        assert (to.isascii()) == (tmp_path / f"{number}.eml").read_bytes().isascii()


def test_a_line_end_in_a_header_is_refused() -> None:
    """A subject or address cannot begin a header of its own (ASVS 1.3.11)."""
    for field in ("subject", "to", "sender_name"):
        with pytest.raises(ValueError, match=r".+"):
            message_of(dataclasses.replace(MAIL, **{field: "x@example.org\r\nBcc: all@example.org"}))


def test_files_appear_whole_and_private(tmp_path: Path) -> None:
    """One file a mail, readable by its owner alone, the oldest making room."""
    mailer = FileMailer(tmp_path / "mail", most=2)
    for number in range(3):
        mailer.send(dataclasses.replace(MAIL, message_id=f"<{number}@localhost>"))
    files = sorted((tmp_path / "mail").iterdir())
    assert [each.name for each in files] == ["1.eml", "2.eml"]
    assert files[0].stat().st_mode & 0o777 == 0o600

"""Handing mail over: SMTP, files, the console, memory."""

from __future__ import annotations

import smtplib
import ssl
import sys
import threading
from contextlib import suppress
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import default
from email.utils import format_datetime
from pathlib import Path

from nightlatch.errors import ConfigurationError
from nightlatch.ports import Mail, Mailer
from nightlatch.services.whole_files import write_whole
from nightlatch.settings import Mail as MailSettings
from nightlatch.settings import Settings, is_loopback

__all__ = ["ConsoleMailer", "FileMailer", "MemoryMailer", "SmtpMailer", "mailer_from", "message_of"]


def message_of(mail: Mail) -> EmailMessage:
    """Return a mail as a message: text and HTML alternatives, the stable Message-ID.

    An address whose local part is not ASCII makes it an RFC 6532 message, which a server must know to take (SMTPUTF8).

    Raises:
        ValueError: a header would hold a line end (ASVS 1.3.11).
    """
    local, _, domain = mail.to.rpartition("@")
    message = EmailMessage(policy=default.clone(utf8=not local.isascii()))
    message["From"] = Address(display_name=mail.sender_name, addr_spec=mail.sender)
    message["To"] = Address(username=local, domain=domain)
    message["Subject"] = mail.subject
    message["Message-ID"] = mail.message_id
    message["Date"] = format_datetime(mail.at)
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no holiday notes in answer
    message.set_content(mail.text)
    message.add_alternative(mail.html, subtype="html")
    return message


class SmtpMailer:
    """Send through an SMTP server, over TLS with its certificate verified (ASVS 12.3.2).

    Args:
        settings: host, port, security, credentials, time-out.

    Raises:
        ConfigurationError: plain text was asked for to a host that is not this machine.
    """

    def __init__(self, settings: MailSettings) -> None:
        if settings.smtp_security == "allow_plaintext_to_loopback" and not is_loopback(settings.smtp_host):
            raise ConfigurationError("mail.smtp_security: plain text is for a server on this machine only")
        self._settings = settings
        self._context = ssl.create_default_context()

    def send(self, mail: Mail) -> None:
        """Hand a mail over; return once the server has accepted it.

        Raises:
            OSError, smtplib.SMTPException: it was not accepted.
        """
        settings = self._settings
        server = self._connect()
        try:
            if settings.smtp_security == "starttls":
                server.starttls(context=self._context)
            if settings.smtp_username and settings.smtp_password:
                server.login(settings.smtp_username, settings.smtp_password.reveal())
            server.send_message(message_of(mail))
            # RFC 5321 4.1.1.4: it is the server's from its 250 on. Whatever becomes of our farewell, a second copy
            # would help nobody.
            with suppress(OSError, smtplib.SMTPException):
                server.quit()
        finally:
            server.close()

    def _connect(self) -> smtplib.SMTP:
        settings = self._settings
        timeout = settings.smtp_timeout.total_seconds()
        if settings.smtp_security == "tls":
            return smtplib.SMTP_SSL(settings.smtp_host, settings.smtp_port, timeout=timeout, context=self._context)
        return smtplib.SMTP(settings.smtp_host, settings.smtp_port, timeout=timeout)


class FileMailer:
    """Write each mail into a folder, as a file of its own: for development and for other programs to pick up.

    Args:
        directory: made if it is not there, for its owner alone.
        most: how many files to keep; None keeps all.
    """

    def __init__(self, directory: Path, *, most: int | None = None) -> None:
        self.directory = directory
        self._most = most

    def send(self, mail: Mail) -> None:
        """Write a mail; it appears under its name only when it is whole."""
        name = mail.message_id.strip("<>").partition("@")[0]
        write_whole(self.directory, name, ".eml", message_of(mail).as_bytes())
        if self._most is not None:
            for old in sorted(self.directory.glob("*.eml"))[: -self._most]:
                old.unlink(missing_ok=True)


class ConsoleMailer:
    """Print each mail: for development."""

    def __init__(self) -> None:
        self._lock = threading.Lock()

    def send(self, mail: Mail) -> None:
        """Print a mail."""
        with self._lock:
            print(f"\n--- mail to {mail.to}: {mail.subject}\n\n{mail.text}\n---", file=sys.stderr, flush=True)  # noqa: T201


class MemoryMailer:
    """Keep mails in a list: for tests."""

    def __init__(self) -> None:
        self.messages: list[Mail] = []

    def send(self, mail: Mail) -> None:
        """Keep a mail."""
        self.messages.append(mail)


def mailer_from(settings: Settings) -> Mailer:
    """Build the mailer that settings name.

    Raises:
        ConfigurationError: none is named, or one that is for development only.
    """
    mail = settings.mail
    match mail.transport:
        case "smtp":
            return SmtpMailer(mail)
        case "file":
            if mail.directory is None:
                raise ConfigurationError("mail.transport is 'file': say where in mail.directory")
            return FileMailer(Path(mail.directory))
        case "console" if settings.development:
            return ConsoleMailer()
        case "memory" if settings.development:
            return MemoryMailer()
        case None if not settings.asks_email:
            return MemoryMailer()  # accounts without addresses: nothing is ever mailed
        case _:
            raise ConfigurationError(
                "no mail leaves this service: set mail.transport to 'smtp' (with mail.smtp_host) or 'file'"
                " ('console' and 'memory' are for development)"
            )

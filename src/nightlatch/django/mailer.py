"""Mail through Django's own ``EMAIL_...`` settings, where ours name no transport."""

from __future__ import annotations

from email.utils import format_datetime, formataddr

from django.core.mail import EmailMultiAlternatives

from nightlatch.ports import Mail

__all__ = ["DjangoMailer"]


class DjangoMailer:
    """Hand mail to Django's ``EMAIL_BACKEND``; under its test runner that is ``django.core.mail.outbox``."""

    def send(self, mail: Mail) -> None:
        """Hand the mail over; what the backend raises means *not sent, try again*."""
        message = EmailMultiAlternatives(
            subject=mail.subject,
            body=mail.text,
            from_email=formataddr((mail.sender_name, mail.sender)),
            to=[mail.to],
            headers={
                "Message-ID": mail.message_id,
                "Date": format_datetime(mail.at),
                "Auto-Submitted": "auto-generated",  # RFC 3834: no holiday notes in answer
            },
        )
        message.attach_alternative(mail.html, "text/html")
        message.send()

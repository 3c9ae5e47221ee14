"""E-mail: a message, and the way to a server by SMTP.

RFC 5322 for the message, RFC 3207 for STARTTLS, RFC 3834 for `Auto-Submitted`.
"""

from __future__ import annotations

import smtplib
import ssl
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, make_msgid
from typing import TYPE_CHECKING

from keelway.notify.texts import fitting, one_line

if TYPE_CHECKING:
    from datetime import datetime

    from keelway.notify.spec import Mail
    from keelway.notify.wording import Message

_SUBJECT = 200
_AGAIN = range(400, 500)
"""Replies that say: later, perhaps (RFC 5321, section 4.2.1)."""


class MailError(Exception):
    """A server did not take a message."""

    def __init__(self, text: str, *, again: bool) -> None:
        """Keep what it said, and whether it may take it later."""
        super().__init__(text)
        self.again = again


def mail(where: Mail, message: Message, *, at: datetime) -> EmailMessage:
    """Return the e-mail: text, for every reader shows that.

    Args:
        where: Who writes to whom.
        message: What is said.
        at: When.
    """
    domain = where.sender.rpartition("@")[2]
    letter = EmailMessage(policy=SMTP)
    letter["From"] = Address("keelway", addr_spec=where.sender)
    letter["To"] = tuple(Address(addr_spec=one) for one in where.to)
    letter["Subject"] = fitting(one_line(message.headline), _SUBJECT)
    letter["Date"] = format_datetime(at)
    letter["Message-ID"] = make_msgid("keelway", domain)
    letter["Auto-Submitted"] = "auto-generated"
    letter.set_content(f"{message.headline}\n\n{message.plain()}\n")
    return letter


def send_mail(where: Mail, letter: EmailMessage, password: str | None, timeout_s: float) -> None:
    """Hand the message to the server; blocks.

    Raises:
        MailError: It was not taken.
    """
    try:
        with _connected(where, timeout_s) as server:
            if where.username is not None and password is not None:
                server.login(where.username, password)
            refused = server.send_message(letter)
    except smtplib.SMTPResponseException as error:
        raise MailError(_said(error.smtp_code, error.smtp_error),
                        again=error.smtp_code in _AGAIN) from None  # fmt: skip
    except smtplib.SMTPRecipientsRefused as error:
        raise _refused(error.recipients) from None
    except smtplib.SMTPNotSupportedError as error:
        raise MailError(f"the server cannot do what is asked: {error}", again=False) from None
    except ssl.SSLError as error:
        raise MailError(f"its certificate or its TLS is not right: {error}", again=False) from None
    except (smtplib.SMTPException, OSError) as error:
        raise MailError(str(error) or type(error).__name__, again=True) from None
    if refused:
        raise _refused(refused, left=len(where.to) - len(refused))


def _connected(where: Mail, timeout_s: float) -> smtplib.SMTP:
    if where.tls == "implicit":
        trust = ssl.create_default_context()
        return smtplib.SMTP_SSL(where.host, where.port, timeout=timeout_s, context=trust)
    server = smtplib.SMTP(where.host, where.port, timeout=timeout_s)
    if where.tls == "starttls":
        try:
            server.starttls(context=ssl.create_default_context())
        except BaseException:
            server.close()
            raise
    return server


def _refused(recipients: dict[str, tuple[int, bytes]], left: int = 0) -> MailError:
    code, said = next(iter(recipients.values()))
    who = ", ".join(recipients)
    others = f"; {left} others have it" if left else ""
    # Those who have it must not get it twice.
    again = code in _AGAIN and not left
    return MailError(f"{who} was refused: {_said(code, said)}{others}", again=again)


def _said(code: int, said: bytes | str) -> str:
    text = said.decode(errors="replace") if isinstance(said, bytes) else said
    return f"{code} {' '.join(text.split())}"

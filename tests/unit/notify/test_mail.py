"""E-mail by a real server: STARTTLS, TLS from the start, logins, refusals."""

from __future__ import annotations

import email
import ssl
from contextlib import contextmanager
from email.policy import default
from typing import TYPE_CHECKING, Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword

from keelway.announcing import Herald
from keelway.notify.spec import Mail, NotifySpec
from keelway.stages.notify import tell
from tests.support.certificate import write_certificate
from tests.support.told import a_channel, an_entry

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from keelway.model.told import Delivery

PASSWORD = "correct horse"  # noqa: S105 - of a server that lives for one test


class AnyPort(Controller):
    """A server at a port that the system chooses."""

    def _trigger_server(self) -> None:
        server: Any = self.server
        self.port = server.sockets[0].getsockname()[1]
        super()._trigger_server()  # type: ignore[no-untyped-call]  # aiosmtpd does not say


class Office:
    """Takes letters; refuses what a test wants refused."""

    def __init__(self) -> None:
        self.letters: list[Any] = []
        self.replies: list[str] = []

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 - its name there
        del server
        if self.replies and not (reply := self.replies.pop(0)).startswith("250"):
            return reply
        letter: Any = email.message_from_bytes(envelope.content, policy=default)
        self.letters.append((session.ssl is not None, session.authenticated, letter))
        return "250 taken"


def check(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
    del server, session, envelope, mechanism
    good = isinstance(data, LoginPassword) and data.password == PASSWORD.encode()
    return AuthResult(success=good, handled=False)


@contextmanager
def office(folder: Path, *, implicit: bool = False) -> Iterator[tuple[Office, int]]:
    certificate, key = write_certificate(folder)
    trust = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    trust.load_cert_chain(certificate, key)
    handler = Office()
    kind: dict[str, Any] = {"ssl_context": trust} if implicit else {
        "tls_context": trust, "require_starttls": True}  # fmt: skip
    controller = AnyPort(
        handler,
        hostname="127.0.0.1",
        port=0,
        auth_require_tls=not implicit,
        authenticator=check,
        **kind,
    )
    controller.start()
    try:
        yield handler, controller.port
    finally:
        controller.stop()


@pytest.fixture(autouse=True)
def trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "certificate.pem"))
    monkeypatch.setenv("MAIL_PASSWORD", PASSWORD)


async def sent(port: int, **changes: Any) -> Delivery:
    known: dict[str, Any] = {
        "host": "localhost",
        "port": port,
        "tls": "starttls",
        "sender": "ci@example.com",
        "to": ("ops@example.com", "ann@example.com"),
        "username": "ci",
        "password": "env://MAIL_PASSWORD",
    }
    where = Mail(**{**known, **changes})
    spec = NotifySpec(channels=(a_channel(where),))
    [delivery] = (await tell(Herald(), spec, an_entry())).deliveries
    return delivery


@pytest.mark.parametrize("tls", ["starttls", "implicit"])
async def test_a_letter_arrives_encrypted_and_logged_in(tls: str, tmp_path: Path) -> None:
    with office(tmp_path, implicit=tls == "implicit") as (taken, port):
        delivery = await sent(port, tls=tls)
    assert delivery.sent, delivery.error
    [(encrypted, authenticated, letter)] = taken.letters
    assert encrypted or tls == "implicit"
    assert authenticated
    assert letter["Subject"].startswith("shop 1.2.3: deployment to production failed")
    assert letter["To"] == "ops@example.com, ann@example.com"
    assert "orders is unhealthy" in letter.get_content()


async def test_a_server_that_is_busy_is_asked_again(tmp_path: Path) -> None:
    with office(tmp_path) as (taken, port):
        taken.replies = ["451 greylisted"]
        delivery = await sent(port)
    assert (delivery.sent, delivery.attempts, len(taken.letters)) == (True, 2, 1)


async def test_a_letter_that_is_refused_is_not_sent_again(tmp_path: Path) -> None:
    with office(tmp_path) as (taken, port):
        taken.replies = ["550 no such mailbox"]
        delivery = await sent(port)
    assert (delivery.sent, delivery.attempts) == (False, 1)
    assert "550 no such mailbox" in (delivery.error or "")


async def test_a_wrong_password_is_told_and_not_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MAIL_PASSWORD", "wrong-horse")
    with office(tmp_path) as (taken, port):
        delivery = await sent(port)
    assert not taken.letters
    assert "535" in (delivery.error or "")
    assert "wrong-horse" not in (delivery.error or "")


async def test_a_certificate_that_nobody_vouches_for_gets_no_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    with office(tmp_path) as (taken, port):
        delivery = await sent(port)
    assert not taken.letters
    assert "certificate" in (delivery.error or "")
    assert delivery.attempts == 1


async def test_a_server_without_tls_gets_no_letter() -> None:
    controller = AnyPort(Office(), hostname="127.0.0.1", port=0)
    controller.start()
    try:
        delivery = await sent(controller.port)
    finally:
        controller.stop()
    assert "STARTTLS" in (delivery.error or "")

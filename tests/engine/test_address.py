"""`Address`: what the texts of a command line name."""

from __future__ import annotations

import http.server
import threading
from typing import TYPE_CHECKING

import pytest

from tests.support.shell import output

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import dagger

    from tests.engine.conftest import NewSession
    from tests.support.engines import Engine
    from tests.support.raw_session import RawSession


class _Quiet(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"from the host")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
        del format, args


@pytest.fixture
def port() -> Iterator[int]:
    """A port of the host that answers by HTTP."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Quiet) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


@pytest.mark.usefixtures("local_only")
async def test_service_is_what_the_host_reaches(
    dag: dagger.Client, base: dagger.Container, port: int, nonce: str
) -> None:
    service = dag.address(f"tcp://localhost:{port}").service()
    bound = base.with_service_binding("web", service).with_env_variable("NONCE", nonce)
    assert await output(bound, f"wget -qO- http://web:{port}/") == "from the host"


@pytest.mark.usefixtures("local_only")
async def test_secret_is_a_variable_when_nothing_else_is_said(
    new_session: NewSession, engine: Engine, tmp_path: Path
) -> None:
    client = await new_session(engine.with_environment(ADDRESS_TEST="the value"))
    (tmp_path / "token").write_text("in a file")
    for text, value in (
        ("ADDRESS_TEST", "the value"),
        ("env:ADDRESS_TEST", "the value"),
        ("env://ADDRESS_TEST", "the value"),
        (f"file:{tmp_path}/token", "in a file"),
        (f"file://{tmp_path}/token", "in a file"),
    ):
        assert await client.address(text).secret().plaintext() == value


@pytest.mark.parametrize(
    ("address", "field", "message"),
    [
        ("", "value", "resource cannot have empty address"),
        ("http://localhost:80", "service { hostname }", "unsupported service address"),
        ("tcp://localhost", "service { hostname }", "missing port in address"),
        ("https://example.com/a#v1", "gitRepository { url }", "cannot contain ref"),
        ("https://example.com/a#v1:b", "gitRef { ref }", "cannot contain subdir"),
        ("https://example.com/a#v1", "file { name }", "no file path specified within git"),
    ],
)
def test_what_names_nothing_of_the_kind(
    raw: RawSession, address: str, field: str, message: str
) -> None:
    error = raw.error(f'{{ address(value: "{address}") {{ {field} }} }}')
    assert message in error["message"]

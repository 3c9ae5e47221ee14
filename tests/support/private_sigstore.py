"""A private Sigstore on this machine, out of real parts: OIDC issuer, Fulcio, timestamp authority.

    with running_sigstore(tmp_path) as sigstore:
        token = sigstore.token(job_workflow_ref="acme/shop/.github/workflows/release.yml@main")

There is no transparency log and no certificate log, as in a house that publishes nothing of itself:
the timestamp authority is the trusted time. Containers reach it, so it is not on the loopback.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import socket
import subprocess
import threading
import time
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import httpx
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256

from tests.support.missing import missing, need

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# Of a job of GitHub, as its documentation lists them ("OpenID Connect reference").
CLAIMS = {
    "aud": "sigstore",
    "sub": "repo:acme/shop:ref:refs/heads/main",
    "repository": "acme/shop",
    "workflow_ref": "acme/shop/.github/workflows/ci.yml@refs/heads/main",
    "job_workflow_ref": "acme/shop/.github/workflows/ci.yml@refs/heads/main",
    "run_id": "77",
    "run_attempt": "2",
}
_READY_TIMEOUT_S = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Sigstore:
    """Where it is, and what signers and verifiers need of it."""

    issuer: str
    """The OIDC issuer's address."""
    key: rsa.RSAPrivateKey
    """The issuer's own."""
    signing_config: Path
    trusted_root: Path

    def token(self, *, lasts_s: int = 600, **claims: Any) -> str:
        """Return the identity token of a CI's job, whose claims may be others."""
        now = int(time.time())
        said = {**CLAIMS, "iss": self.issuer, "iat": now - 60, "nbf": now - 60, **claims}
        said["exp"] = now + lasts_s
        head = {"alg": "RS256", "typ": "JWT", "kid": "1"}
        text = ".".join(_encoded(json.dumps(part).encode()) for part in (head, said))
        return f"{text}.{_encoded(self.key.sign(text.encode(), padding.PKCS1v15(), SHA256()))}"


@contextlib.contextmanager
def running_sigstore(folder: Path) -> Iterator[Sigstore]:
    """Run it until the end of the block, with its files in a folder."""
    fulcio = need("fulcio", package="fulcio, by scripts/go-tools")
    authority = need("timestamp-authority", package="timestamp-authority, by scripts/go-tools")
    folder.mkdir(parents=True, exist_ok=True)
    host = _own_address()
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    with contextlib.ExitStack() as stack:
        issuer = stack.enter_context(_issuer(host, key))
        config = folder / "fulcio.json"
        config.write_text(json.dumps(_fulcio_config(issuer)))
        port, grpc, metrics, stamps = (_free_port() for _ in range(4))
        stack.enter_context(
            _running(
                [
                    fulcio, "serve", "--ca", "ephemeralca", "--ct-log-url", "",
                    "--config-path", str(config), "--metrics-port", str(metrics),
                    "--host", host, "--port", str(port), "--grpc-host", "localhost",
                    "--grpc-port", str(grpc),
                    "--legacy-unix-domain-socket", str(folder / "fulcio.sock"),
                ],
                folder / "fulcio.log",
            )
        )  # fmt: skip
        stack.enter_context(_running([authority, host, str(stamps)], folder / "authority.log"))
        ca, clock = f"http://{host}:{port}", f"http://{host}:{stamps}"
        bundle = json.loads(_fetched(f"{ca}/api/v2/trustBundle", folder / "fulcio.log"))
        chain = "".join(bundle["chains"][0]["certificates"])
        (folder / "ca.pem").write_text(chain)
        stamped_by = _fetched(f"{clock}/api/v1/timestamp/certchain", folder / "authority.log")
        (folder / "stamps.pem").write_text(stamped_by)
        yield Sigstore(
            issuer=issuer,
            key=key,
            signing_config=_signing_config(folder, ca, clock),
            trusted_root=_trusted_root(folder, ca, clock),
        )


def _fulcio_config(issuer: str) -> dict[str, Any]:
    """Certificates name the workflow that runs the job, as those of the public Fulcio do."""
    workflow = "{{ .url }}/{{ .job_workflow_ref }}"
    return {
        "OIDCIssuers": {
            issuer: {
                "IssuerURL": issuer,
                "ClientID": "sigstore",
                "Type": "ci-provider",
                "CIProvider": "forge",
            }
        },
        "CIIssuerMetadata": {
            "forge": {
                "DefaultTemplateValues": {"url": issuer},
                "ExtensionTemplates": {"BuildSignerURI": workflow},
                "SubjectAlternativeNameTemplate": workflow,
            }
        },
    }


def _signing_config(folder: Path, ca: str, clock: str) -> Path:
    file = folder / "signing_config.json"
    about = "api-version=1,operator=acme,start-time=2020-01-01T00:00:00Z"
    _cosign(
        "signing-config", "create", "--fulcio", f"url={ca},{about}",
        "--tsa", f"url={clock}/api/v1/timestamp,{about}", "--tsa-config", "ANY",
        "--out", str(file),
    )  # fmt: skip
    return file


def _trusted_root(folder: Path, ca: str, clock: str) -> Path:
    file = folder / "trusted_root.json"
    _cosign(
        "trusted-root", "create", "--fulcio", f"url={ca},certificate-chain={folder / 'ca.pem'}",
        "--tsa", f"url={clock},certificate-chain={folder / 'stamps.pem'}", "--out", str(file),
    )  # fmt: skip
    return file


def _cosign(*words: str) -> None:
    cosign = need("cosign", package="cosign, by scripts/go-tools")
    done = subprocess.run([cosign, *words], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@contextlib.contextmanager
def _issuer(host: str, key: rsa.RSAPrivateKey) -> Iterator[str]:
    """Serve what OpenID Connect Discovery asks of an issuer."""
    numbers = key.public_key().public_numbers()
    public = {
        "kty": "RSA", "alg": "RS256", "use": "sig", "kid": "1",
        "n": _encoded(numbers.n.to_bytes(256, "big")),
        "e": _encoded(numbers.e.to_bytes(3, "big")),
    }  # fmt: skip

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            known = {
                "/.well-known/openid-configuration": {
                    "issuer": address, "jwks_uri": f"{address}/keys",
                    "authorization_endpoint": f"{address}/auth",
                    "response_types_supported": ["id_token"],
                    "subject_types_supported": ["public"],
                    "id_token_signing_alg_values_supported": ["RS256"],
                },
                "/keys": {"keys": [public]},
            }.get(self.path)  # fmt: skip
            if known is None:
                self.send_error(404)
                return
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(json.dumps(known).encode())

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer((host, 0), Handler)
    server.daemon_threads = True
    address = f"http://{host}:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield address
    finally:
        server.shutdown()
        server.server_close()


@contextlib.contextmanager
def _running(words: list[str], log: Path) -> Iterator[None]:
    with log.open("wb") as out:
        process = subprocess.Popen(words, stdout=out, stderr=out, env=_plain_environment())
    try:
        yield
    finally:
        process.kill()
        process.wait(timeout=30)


def _plain_environment() -> dict[str, str]:
    """Neither program may take a setting from variables of this machine."""
    return {name: os.environ[name] for name in ("HOME", "PATH") if name in os.environ}


def _fetched(url: str, log: Path) -> str:
    """Return what a server says as soon as it is ready."""
    deadline = time.monotonic() + _READY_TIMEOUT_S
    while time.monotonic() < deadline:
        with contextlib.suppress(httpx.TransportError):
            answer = httpx.get(url, trust_env=False)
            if answer.is_success:
                return answer.text
        time.sleep(0.1)
    raise RuntimeError(f"nothing answers at {url}:\n{log.read_text()}")


def _own_address() -> str:
    """Return an address of this machine that containers reach too."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("198.51.100.1", 9))  # sends nothing: it only looks for a way
        except OSError:
            missing("a network other than the loopback (an address with a route)")
        address: str = probe.getsockname()[0]
    return address


def _free_port() -> int:
    """Return a port that is free on every address of this machine."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind(("", 0))
        port: int = probe.getsockname()[1]
    return port


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()

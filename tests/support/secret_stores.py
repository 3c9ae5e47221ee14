"""Vault and Amazon's stores on the loopback, as their published interfaces say.

Vault: the key/value store of version 2 and the login of AppRole, as its API documentation has them.
Amazon: GetSecretValue and GetParameter, with requests signed by Signature Version 4; the signature
is computed here once more, from what arrived.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.support.web_handler import Asked, Reply, answering

if TYPE_CHECKING:
    from collections.abc import Iterator

VAULT_TOKEN = "hvs.of-the-tests"  # noqa: S105 - of a store that is gone with the test
ROLE, ROLE_SECRET, LENT = "role-of-the-tests", "its-secret", "hvs.lent"
AWS_KEY, AWS_SECRET, REGION = "AKIDOFTHETESTS", "secret-key-of-the-tests", "eu-west-1"
MOUNT = "secret"


@dataclass(slots=True, kw_only=True)
class SecretStores:
    """What they keep, and how they are reached."""

    vault: dict[str, dict[str, object]] = field(default_factory=dict[str, dict[str, object]])
    """Secrets by path."""
    secrets: dict[str, str | bytes] = field(default_factory=dict[str, "str | bytes"])
    """Of Secrets Manager, by name."""
    parameters: dict[str, str] = field(default_factory=dict[str, str])
    """Of Parameter Store, by name."""
    asked: list[Asked] = field(default_factory=list[Asked])
    busy: int = 0
    """So many requests are answered 503 first."""
    address: str = ""

    @property
    def environment(self) -> dict[str, str]:
        """The variables that lead there."""
        return {
            "VAULT_ADDR": f"http://{self.address}/",
            "VAULT_TOKEN": VAULT_TOKEN,
            "AWS_ENDPOINT_URL": f"http://{self.address}",
            "AWS_REGION": REGION,
            "AWS_ACCESS_KEY_ID": AWS_KEY,
            "AWS_SECRET_ACCESS_KEY": AWS_SECRET,
        }

    def answer(self, asked: Asked) -> Reply:
        """Answer a request as the stores do."""
        self.asked.append(asked)
        if self.busy:
            self.busy -= 1
            return Reply(status=503)
        if asked.path.startswith("/v1/"):
            return self._vault(asked)
        return self._amazon(asked)

    def _vault(self, asked: Asked) -> Reply:
        if asked.path == "/v1/auth/approle/login":
            if json.loads(asked.body) != {"role_id": ROLE, "secret_id": ROLE_SECRET}:
                return _json(400, {"errors": ["invalid role or secret ID"]})
            return _json(200, {"auth": {"client_token": LENT}})
        if asked.headers.get("x-vault-token") not in {VAULT_TOKEN, LENT}:
            return _json(403, {"errors": ["permission denied"]})
        found = self.vault.get(asked.path.removeprefix(f"/v1/{MOUNT}/data/"))
        if found is None:
            return _json(404, {"errors": []})
        return _json(200, {"data": {"data": found, "metadata": {"version": 1}}})

    def _amazon(self, asked: Asked) -> Reply:
        target = asked.headers["x-amz-target"]
        service = "ssm" if target.startswith("AmazonSSM.") else "secretsmanager"
        if asked.headers["authorization"] != _authorization(asked, service):
            return _json(400, {"__type": "InvalidSignatureException"})
        body: dict[str, Any] = json.loads(asked.body)
        if target == "AmazonSSM.GetParameter":
            value = self.parameters.get(body["Name"])
            if value is None or not body["WithDecryption"]:
                return _json(400, {"__type": "ParameterNotFound"})
            return _json(200, {"Parameter": {"Name": body["Name"], "Value": value}})
        assert target == "secretsmanager.GetSecretValue"
        kept = self.secrets.get(body["SecretId"])
        if kept is None or body.get("VersionStage", "AWSCURRENT") != "AWSCURRENT":
            return _json(400, {"__type": "com.amazonaws#ResourceNotFoundException"})
        if isinstance(kept, bytes):
            return _json(200, {"SecretBinary": base64.b64encode(kept).decode()})
        return _json(200, {"SecretString": kept})


@contextlib.contextmanager
def secret_stores() -> Iterator[SecretStores]:
    """Serve them until the end of the block."""
    stores = SecretStores()
    with answering(stores.answer) as stores.address:
        yield stores


def _json(status: int, document: object) -> Reply:
    return Reply(status=status, body=json.dumps(document).encode())


def _authorization(asked: Asked, service: str) -> str:
    """Return the header that a request with the right key has."""
    moment = asked.headers["x-amz-date"]
    names = ("content-type", "host", "x-amz-date", "x-amz-target")
    canonical = [
        asked.method,
        asked.path,
        "",
        *(f"{name}:{asked.headers[name]}" for name in names),
        "",
        ";".join(names),
        hashlib.sha256(asked.body).hexdigest(),
    ]
    scope = f"{moment[:8]}/{REGION}/{service}/aws4_request"
    digest = hashlib.sha256("\n".join(canonical).encode()).hexdigest()
    key = f"AWS4{AWS_SECRET}".encode()
    for part in scope.split("/"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    text = f"AWS4-HMAC-SHA256\n{moment}\n{scope}\n{digest}"
    signature = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
    return (
        f"AWS4-HMAC-SHA256 Credential={AWS_KEY}/{scope}, SignedHeaders={';'.join(names)}, "
        f"Signature={signature}"
    )

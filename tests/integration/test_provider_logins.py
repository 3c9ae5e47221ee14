"""Logins as each provider gives them; its own side is a server here that checks what it is asked.

Nothing leaves the loopback: the addresses of the providers are set by their own variables.
"""

from __future__ import annotations

import base64
import json
import time
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from keelway._registries import own_keyring, plan_registries
from keelway.config import Config, ImageConfig, ProjectConfig, RegistryConfig
from keelway.errors import PlanError, RegistryError
from keelway.facts import Facts
from keelway.facts.ci.job import CiJob
from tests.support.web_handler import Asked, Reply, answering

if TYPE_CHECKING:
    from keelway.registry.logins import Login

ECR = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
ROBOT = "env://ROBOT_TOKEN"
ZEROS = "00000000-0000-0000-0000-000000000000"


def _config(url: str, **more: str) -> Config:
    return Config(
        project=ProjectConfig(name="shop"),
        images={"orders": ImageConfig()},
        registries=(RegistryConfig.model_validate({"url": url, **more}),),
    )


async def _found(
    url: str, environ: dict[str, str], folder: Path | None = None, **more: str
) -> Login | None:
    keyring = own_keyring(_config(url, **more), folder or Path("/nonexistent"), environ)
    return await keyring.find(f"{url}/orders")


@pytest.fixture(autouse=True)
def no_programs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """No provider's program is found but those that a test puts here; no variable counts."""
    programs = tmp_path / "bin"
    programs.mkdir()
    monkeypatch.setenv("PATH", str(programs))
    return programs


def _variables(monkeypatch: pytest.MonkeyPatch, **values: str) -> dict[str, str]:
    """Set variables: addresses of secrets are read from the process itself."""
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    return values


def _program(folder: Path, name: str, script: str) -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


@pytest.mark.parametrize(
    ("url", "variables", "account"),
    [
        ("ghcr.io/shop", {"GITHUB_TOKEN": "t", "GITHUB_ACTOR": "ada"}, ("ada", "t")),
        ("docker.io/shop", {"DOCKERHUB_USERNAME": "ada", "DOCKERHUB_TOKEN": "t"}, ("ada", "t")),
        (
            "registry.example.com:5050/shop",
            {
                "CI_REGISTRY": "registry.example.com:5050",
                "CI_REGISTRY_USER": "job",
                "CI_REGISTRY_PASSWORD": "t",
                "CI_JOB_TOKEN": "other",
            },
            ("job", "t"),
        ),
        (
            "registry.gitlab.com/shop",
            {"CI_REGISTRY": "registry.gitlab.com", "CI_JOB_TOKEN": "t"},
            ("gitlab-ci-token", "t"),
        ),
        (
            "shop.azurecr.io/shop",
            {"AZURE_CLIENT_ID": "app", "AZURE_CLIENT_SECRET": "t"},
            ("app", "t"),
        ),
    ],
)
async def test_what_a_job_has_is_enough(
    monkeypatch: pytest.MonkeyPatch, url: str, variables: dict[str, str], account: tuple[str, str]
) -> None:
    login = await _found(url, _variables(monkeypatch, **variables))
    assert login is not None
    assert (login.username, login.password) == account


async def test_a_jobs_token_goes_to_its_own_registry_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    environ = _variables(monkeypatch, CI_REGISTRY="registry.example.com", CI_JOB_TOKEN="t")
    assert await _found("elsewhere.example.com/shop", environ) is None
    with pytest.raises(PlanError, match=r"no login for elsewhere\.example\.com \(gitlab\)"):
        await _found("elsewhere.example.com/shop", environ, login="gitlab")


@pytest.mark.parametrize(
    ("provider", "user", "username"),
    [
        ("harbor", "robot$shop+ci", "robot$shop+ci"),
        ("quay", "shop+ci", "shop+ci"),
        ("quay", None, "$oauthtoken"),
        ("token", "ci", "ci"),
        ("ghcr", None, "github"),
    ],
)
async def test_robots_and_tokens_of_the_configuration(
    monkeypatch: pytest.MonkeyPatch, provider: str, user: str | None, username: str
) -> None:
    environ = _variables(monkeypatch, ROBOT_TOKEN="t")
    more = {} if user is None else {"username": user}
    login = await _found(
        "registry.example.com/x", environ, None, login=provider, password=ROBOT, **more
    )
    assert login is not None
    assert (login.username, login.password) == (username, "t")


async def test_this_machines_logins_go_before_a_guess_and_after_a_word(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    auth = base64.b64encode(b"own:machine").decode()
    (tmp_path / "config.json").write_text(json.dumps({"auths": {"ghcr.io": {"auth": auth}}}))
    environ = _variables(monkeypatch, GITHUB_TOKEN="t", DOCKER_CONFIG=str(tmp_path))
    guessed = await _found("ghcr.io/shop", environ)
    named = await _found("ghcr.io/shop", environ, login="ghcr")
    only = await _found("ghcr.io/shop", environ, login="docker-config")
    assert [one and one.username for one in (guessed, named, only)] == ["own", "github", "own"]


class Ecr:
    """GetAuthorizationToken of Amazon ECR's API reference."""

    def __init__(self, *, lasts_s: float) -> None:
        self.lasts_s = lasts_s
        self.asked: list[Asked] = []
        self.first = 200

    def answer(self, asked: Asked) -> Reply:
        self.asked.append(asked)
        status, self.first = self.first, 200
        if status != 200:
            return Reply(status=status, body=b'{"__type": "UnrecognizedClientException"}')
        token = base64.b64encode(f"AWS:token-{len(self.asked)}".encode()).decode()
        data = {"authorizationToken": token, "expiresAt": time.time() + self.lasts_s}
        return Reply(body=json.dumps({"authorizationData": [data]}).encode())


async def test_ecr_gives_a_token_for_a_signed_request(monkeypatch: pytest.MonkeyPatch) -> None:
    amazon = Ecr(lasts_s=43_200)
    amazon.first = 503  # what can pass is asked again
    with answering(amazon.answer) as address:
        environ = _variables(
            monkeypatch, AWS_ACCESS_KEY_ID="AKID", AWS_SECRET_ACCESS_KEY="hidden",
            AWS_SESSION_TOKEN="lent", AWS_ENDPOINT_URL_ECR=f"http://{address}",
        )  # fmt: skip
        login = await _found(f"{ECR}/shop", environ)
    assert login is not None
    assert (login.username, login.password) == ("AWS", "token-2")
    asked = amazon.asked[-1]
    assert (asked.method, asked.path, asked.body) == ("POST", "/", b"{}")
    wanted = "AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken"
    assert asked.headers["x-amz-target"] == wanted
    assert asked.headers["content-type"] == "application/x-amz-json-1.1"
    assert asked.headers["x-amz-security-token"] == "lent"
    signed = asked.headers["authorization"]
    day = asked.headers["x-amz-date"][:8]
    assert f"Credential=AKID/{day}/eu-west-1/ecr/aws4_request" in signed
    names = "content-type;host;x-amz-date;x-amz-security-token;x-amz-target"
    assert f"SignedHeaders={names}" in signed
    assert "hidden" not in str(amazon.asked)


async def test_a_login_that_ends_is_fetched_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    amazon = Ecr(lasts_s=1)
    with answering(amazon.answer) as address:
        environ = _variables(
            monkeypatch, AWS_ACCESS_KEY_ID="AKID", AWS_SECRET_ACCESS_KEY="hidden",
            AWS_ENDPOINT_URL=f"http://{address}",
        )  # fmt: skip
        keyring = own_keyring(_config(f"{ECR}/shop"), Path("/nonexistent"), environ)
        first = await keyring.find(f"{ECR}/shop/orders")
        amazon.lasts_s = 43_200
        second = await keyring.find(f"{ECR}/shop/orders")
        third = await keyring.find(f"{ECR}/shop/worker")
    found = [one.password for one in (first, second, third) if one is not None]
    assert found == ["token-1", "token-2", "token-2"], "one that lasts is asked for once"


async def test_amazons_refusal_is_told_without_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    amazon = Ecr(lasts_s=1)
    amazon.first = 400
    with answering(amazon.answer) as address:
        environ = _variables(
            monkeypatch, AWS_ACCESS_KEY_ID="AKID", AWS_SECRET_ACCESS_KEY="hidden",
            AWS_ENDPOINT_URL_ECR=f"http://{address}",
        )  # fmt: skip
        with pytest.raises(RegistryError, match="refused a token for ECR: HTTP 400") as caught:
            await _found(f"{ECR}/shop", environ)
    assert "UnrecognizedClientException" in caught.value.diagnostics()
    assert "hidden" not in caught.value.diagnostics()


async def test_without_keys_aws_itself_is_asked(no_programs: Path) -> None:
    words = "ecr get-login-password --region eu-west-1"
    _program(no_programs, "aws", f'[ "$*" = "{words}" ] && echo by-program')
    login = await _found(f"{ECR}/shop", {})
    assert login is not None
    assert (login.username, login.password) == ("AWS", "by-program")


async def test_a_program_that_gives_nothing_is_named(no_programs: Path) -> None:
    _program(no_programs, "aws", "echo the session has expired >&2; exit 255")
    with pytest.raises(PlanError, match="aws did not give a token for ECR") as caught:
        await _found(f"{ECR}/shop", {})
    assert "the session has expired" in caught.value.diagnostics()


async def test_a_program_that_gives_nothing_hinders_no_public_registry(no_programs: Path) -> None:
    _program(no_programs, "gcloud", "echo you have no account >&2; exit 1")
    keyring = own_keyring(None, Path("/nonexistent"), {})
    assert await keyring.find("gcr.io/distroless/static") is None


class Google:
    """The token endpoint of "Using OAuth 2.0 for server to server applications"."""

    def __init__(self) -> None:
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.address = ""
        self.claims: dict[str, object] = {}

    def account(self) -> str:
        pem = self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        return json.dumps(
            {
                "type": "service_account",
                "client_email": "ci@shop.iam.gserviceaccount.com",
                "private_key_id": "one",
                "private_key": pem.decode(),
                "token_uri": f"http://{self.address}/token",
            }
        )

    def answer(self, asked: Asked) -> Reply:
        if asked.path.startswith("/computeMetadata/"):
            good = asked.headers.get("metadata-flavor") == "Google"
            document = {"access_token": "of-the-machine", "expires_in": 3599}
            return Reply(body=json.dumps(document).encode()) if good else Reply(status=403)
        form = parse_qs(asked.body.decode())
        assert form["grant_type"] == ["urn:ietf:params:oauth:grant-type:jwt-bearer"]
        signed, _, signature = form["assertion"][0].rpartition(".")
        self.key.public_key().verify(
            _decoded(signature), signed.encode(), padding.PKCS1v15(), SHA256()
        )
        self.claims = json.loads(_decoded(signed.partition(".")[2]))
        return Reply(body=b'{"access_token": "granted", "expires_in": 3599}')


def _decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


@pytest.mark.parametrize("by", ["password", "variable"])
async def test_google_grants_a_token_for_a_service_accounts_key(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, by: str
) -> None:
    google = Google()
    with answering(google.answer) as address:
        google.address = address
        file = tmp_path / "key.json"
        file.write_text(google.account())
        host = "europe-west3-docker.pkg.dev/shop/images"
        if by == "variable":
            environ = _variables(monkeypatch, GOOGLE_APPLICATION_CREDENTIALS=str(file))
            login = await _found(host, environ)
        else:
            login = await _found(host, {}, tmp_path, login="gar", password="file://key.json")
    assert login is not None
    assert (login.username, login.password) == ("oauth2accesstoken", "granted")
    assert login.expires_at is not None
    assert google.claims["iss"] == "ci@shop.iam.gserviceaccount.com"
    assert google.claims["aud"] == f"http://{address}/token"
    assert google.claims["scope"] == "https://www.googleapis.com/auth/cloud-platform"


async def test_googles_machines_and_gcloud_give_tokens_too(
    monkeypatch: pytest.MonkeyPatch, no_programs: Path
) -> None:
    google = Google()
    with answering(google.answer) as address:
        environ = _variables(monkeypatch, GCE_METADATA_HOST=address)
        machine = await _found("eu.gcr.io/shop", environ)
    _program(no_programs, "gcloud", '[ "$*" = "auth print-access-token" ] && echo of-gcloud')
    program = await _found("eu.gcr.io/shop", environ)
    assert [one and one.password for one in (machine, program)] == ["of-the-machine", "of-gcloud"]


class Azure:
    """Entra's token endpoint, the metadata service, and the exchange of a registry."""

    def __init__(self) -> None:
        self.forms: dict[str, dict[str, list[str]]] = {}

    def answer(self, asked: Asked) -> Reply:
        parts = urlsplit(asked.path)
        self.forms[parts.path] = parse_qs(asked.body.decode() or parts.query)
        if parts.path == "/oauth2/exchange":
            return Reply(body=b'{"refresh_token": "refreshed"}')
        if parts.path.startswith("/metadata/") and asked.headers.get("metadata") != "true":
            return Reply(status=400)
        return Reply(body=b'{"access_token": "of-entra"}')


async def test_azure_trusts_a_federated_identity(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    azure = Azure()
    (tmp_path / "federated").write_text("a token of the CI\n")
    with answering(azure.answer) as address:
        environ = _variables(
            monkeypatch, AZURE_CLIENT_ID="app", AZURE_TENANT_ID="house",
            AZURE_FEDERATED_TOKEN_FILE=str(tmp_path / "federated"),
            AZURE_AUTHORITY_HOST=f"http://{address}/",
        )  # fmt: skip
        login = await _found(f"{address}/shop", environ, login="acr")
    assert login is not None
    assert (login.username, login.password) == (ZEROS, "refreshed")
    form = azure.forms["/house/oauth2/v2.0/token"]
    assert form["client_assertion"] == ["a token of the CI"]
    assert form["scope"] == ["https://management.azure.com/.default"]
    assert azure.forms["/oauth2/exchange"] == {
        "grant_type": ["access_token"],
        "service": [address],
        "access_token": ["of-entra"],
        "tenant": ["house"],
    }


@pytest.mark.parametrize("by", ["machine", "program"])
async def test_azures_machines_and_az_have_an_identity(
    monkeypatch: pytest.MonkeyPatch, no_programs: Path, by: str
) -> None:
    azure = Azure()
    if by == "program":
        words = "account get-access-token --query accessToken --output tsv"
        _program(no_programs, "az", f'[ "$*" = "{words}" ] && echo of-az')
    with answering(azure.answer) as address:
        environ = _variables(monkeypatch, AZURE_POD_IDENTITY_AUTHORITY_HOST=f"http://{address}")
        login = await _found(f"{address}/shop", environ, login="acr")
    assert login is not None
    assert (login.username, login.password) == (ZEROS, "refreshed")
    token = "of-az" if by == "program" else "of-entra"
    assert azure.forms["/oauth2/exchange"]["access_token"] == [token]


@pytest.mark.parametrize("provider", ["ghcr", "docker-hub", "ecr", "gitlab", "acr", "quay"])
async def test_a_login_that_is_asked_for_and_missing_is_told_with_a_remedy(
    monkeypatch: pytest.MonkeyPatch, provider: str
) -> None:
    environ = _variables(monkeypatch, AZURE_POD_IDENTITY_AUTHORITY_HOST="http://127.0.0.1:1")
    url = f"{ECR}/shop" if provider == "ecr" else "registry.example.com/shop"
    with pytest.raises(PlanError, match=rf"there is no login for .* \({provider}\)") as caught:
        await _found(url, environ, login=provider)
    assert "next: " in caught.value.diagnostics()


def test_untrusted_runs_get_no_login() -> None:
    job = CiJob(provider="github", title="GitHub", event="pull_request", fork=True)
    facts = Facts(job=job, variables=frozenset({"GITHUB_TOKEN"}))
    with pytest.raises(PlanError, match=r"nobody logs in to ghcr\.io/shop"):
        plan_registries(_config("ghcr.io/shop", login="ghcr"), facts)
    (spec,) = plan_registries(_config("ghcr.io/shop"), facts)
    assert spec.login is not None
    assert spec.login.variables == ()


def test_a_plan_names_the_variables_and_never_reads_them() -> None:
    facts = Facts(variables=frozenset({"GITHUB_TOKEN", "HOME"}))
    (spec,) = plan_registries(_config("ghcr.io/shop"), facts)
    assert spec.login is not None
    assert spec.login.variables == ("GITHUB_TOKEN",)

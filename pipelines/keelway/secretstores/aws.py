"""Amazon's Secrets Manager and Parameter Store.

Keys in the environment (`AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN`) sign the
request here. Profiles, single sign-on and the roles of machines are the business of `aws`, which
lends the same keys by `aws configure export-credentials`.
"""

from __future__ import annotations

import base64
import binascii
import json
import shutil
import subprocess  # noqa: TID251 - the engine asks here too, and waits
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import parse_qsl, urlsplit
from urllib.request import Request

from keelway.secretstores.aws_signature import AwsKeys, signed_headers
from keelway.secretstores.exchange import RefusedError, StoreError, ask, within

if TYPE_CHECKING:
    from collections.abc import Mapping

_JSON = "application/x-amz-json-1.1"
_PROGRAM_S = 60
_SAID = {
    "ResourceNotFoundException": "{what} is not there",
    "ParameterNotFound": "{what} is not there",
    "AccessDeniedException": "these keys may not read {what}",
    "DecryptionFailure": "{what} cannot be decrypted: its key of KMS is not for these keys",
    "ExpiredTokenException": "the keys have expired",
    "UnrecognizedClientException": "Amazon does not know these keys",
    "InvalidSignatureException": "Amazon does not accept the signature: is the secret key right?",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Service:
    name: str
    """In endpoints and signatures."""
    variable: str
    """What else than `AWS_ENDPOINT_URL` says where it is."""
    title: str


_SECRETS = _Service(
    name="secretsmanager", variable="AWS_ENDPOINT_URL_SECRETS_MANAGER", title="Secrets Manager"
)
_PARAMETERS = _Service(name="ssm", variable="AWS_ENDPOINT_URL_SSM", title="Parameter Store")


def read_secret(place: str, environment: Mapping[str, str]) -> bytes:
    """Return a secret of Secrets Manager.

    Args:
        place: Its name or ARN; a query may have `region`, `version` or `stage` (`AWSCURRENT`), and
            `field`, a key where the secret is a JSON object.
        environment: Whose keys, and the region.

    Raises:
        StoreError: It is not there, or may not be read.
    """
    name, options = _parts(place, {"region", "version", "stage", "field"})
    if "version" in options and "stage" in options:
        raise StoreError("an address in Secrets Manager has a version or a stage, not both")
    asked = {"SecretId": name}
    if "version" in options:
        asked["VersionId"] = options["version"]
    else:
        asked["VersionStage"] = options.get("stage", "AWSCURRENT")
    answer = _ask(
        _SECRETS, "secretsmanager.GetSecretValue", asked, f"secret {name}", options, environment
    )
    value = _value(answer, name)
    return _field(value, options["field"], name) if "field" in options else value


def read_parameter(place: str, environment: Mapping[str, str]) -> bytes:
    """Return a parameter of Parameter Store, decrypted.

    Args:
        place: Its name without the slash at its beginning; a query may have `region`.
        environment: Whose keys, and the region.

    Raises:
        StoreError: It is not there, or may not be read.
    """
    name, options = _parts(place, {"region"})
    name = f"/{name.removeprefix('/')}"
    asked = {"Name": name, "WithDecryption": True}
    answer = _ask(
        _PARAMETERS, "AmazonSSM.GetParameter", asked, f"parameter {name}", options, environment
    )
    value = within(answer, "Parameter", "Value")
    if not isinstance(value, str):
        raise StoreError(f"the parameter {name} has no value")
    return value.encode()


def _parts(place: str, known: set[str]) -> tuple[str, dict[str, str]]:
    name, _, query = place.partition("?")
    options = dict(parse_qsl(query))
    if not name or not options.keys() <= known:
        raise StoreError(f"an address in Amazon's stores is NAME, or NAME?{min(known)}=...")
    return name, options


def _ask(
    service: _Service,
    target: str,
    asked: Mapping[str, object],
    what: str,
    options: Mapping[str, str],
    environment: Mapping[str, str],
) -> dict[str, Any]:
    region = (
        options.get("region")
        or environment.get("AWS_REGION")
        or environment.get("AWS_DEFAULT_REGION")
    )
    if not region:
        raise StoreError("no region is named: set AWS_REGION, or write NAME?region=eu-west-1")
    keys = _keys(environment)
    url = f"{_endpoint(service, region, environment)}/"
    body = json.dumps(asked).encode()
    headers = {"content-type": _JSON, "host": urlsplit(url).netloc, "x-amz-target": target}
    # A signature counts for minutes around the real time, which nothing else may say.
    moment = datetime.now(UTC)  # noqa: TID251
    scope = (region, service.name)
    signed = signed_headers("POST", url, headers, body, keys=keys, scope=scope, at=moment)
    request = Request(url, data=body, headers={**headers, **signed}, method="POST")  # noqa: S310 - see _endpoint
    try:
        return ask(request, store=service.title, certificates=environment.get("AWS_CA_BUNDLE"))
    except RefusedError as error:
        kind = str(error.answer.get("__type", "")).rpartition("#")[2]
        said = _SAID.get(kind, f"{kind or 'an error'} (HTTP {error.status}) for {{what}}")
        raise StoreError(f"{service.title}: {said.format(what=f'the {what}')}") from error


def _endpoint(service: _Service, region: str, environment: Mapping[str, str]) -> str:
    domain = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
    found = (
        environment.get(service.variable)
        or environment.get("AWS_ENDPOINT_URL")
        or f"https://{service.name}.{region}.{domain}"
    )
    if urlsplit(found).scheme not in {"http", "https"}:
        raise StoreError(f"the endpoint of {service.title} is no address of http or https")
    return found.rstrip("/")


def _keys(environment: Mapping[str, str]) -> AwsKeys:
    key, secret = environment.get("AWS_ACCESS_KEY_ID"), environment.get("AWS_SECRET_ACCESS_KEY")
    if key and secret:
        return AwsKeys(key=key, secret=secret, session=environment.get("AWS_SESSION_TOKEN"))
    program = shutil.which("aws", path=environment.get("PATH"))
    if program is None:
        raise StoreError(
            "nobody is logged in to Amazon: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or"
            " install `aws`, which knows profiles and roles"
        )
    try:
        lent = subprocess.run(  # noqa: S603 - the program that the user logs in with
            [program, "configure", "export-credentials", "--format", "process"],
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_PROGRAM_S,
            check=True,
        )
        found = json.loads(lent.stdout)
        return AwsKeys(
            key=found["AccessKeyId"],
            secret=found["SecretAccessKey"],
            session=found.get("SessionToken"),
        )
    except (OSError, subprocess.SubprocessError, ValueError, KeyError, TypeError) as error:
        raise StoreError("`aws configure export-credentials` gives no keys: log in") from error


def _value(answer: Mapping[str, Any], name: str) -> bytes:
    if isinstance(answer.get("SecretString"), str):
        return str(answer["SecretString"]).encode()
    try:
        return base64.b64decode(answer["SecretBinary"], validate=True)
    except (KeyError, TypeError, binascii.Error) as error:
        raise StoreError(f"the secret {name} has no value") from error


def _field(value: bytes, field: str, name: str) -> bytes:
    """Return one value of a secret that is a JSON object; what is no text is written as JSON."""
    try:
        found: Any = json.loads(value)
    except ValueError as error:
        raise StoreError(f"the secret {name} is no JSON, and has no fields") from error
    if not isinstance(found, dict) or field not in found:
        raise StoreError(f"the secret {name} has no field {field}")
    one = within(cast("object", found), field)
    if one is None:
        return b""
    return (one if isinstance(one, str) else json.dumps(one)).encode()

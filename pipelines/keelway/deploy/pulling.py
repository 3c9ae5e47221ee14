"""Images, brought to a host: those of registries that ask for a login too.

A login reaches the host on standard input, is kept in a folder that only its account can open, for
as long as the one command runs, and is removed whatever becomes of that command.
"""

from __future__ import annotations

import base64
import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import anyio

from keelway.deploy.host import STAGE
from keelway.errors import ToolError, redact
from keelway.tags.reference import DOCKER_HUB, BadReferenceError, parse_reference

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keelway.deploy.host import Host, Ran

PULL_TIMEOUT_S = 1800
_TRIES = 3
_FIRST_PAUSE_S = 1.0
# Trying again does not change these; all else may be the network, or a registry that is restarted.
_LOGIN_WANTED = re.compile(
    r"denied|unauthorized|authentication required|no basic auth credentials", re.IGNORECASE
)
_FINAL = re.compile(
    r"not found|manifest unknown|no space left|invalid reference|no matching manifest"
    r"|cannot connect to the docker daemon",
    re.IGNORECASE,
)
_LOOPBACK = re.compile(r"(localhost|127(\.\d+){3}|\[::1\])(:\d+)?")
_DOCKER_HUB_KEY = "https://index.docker.io/v1/"
_WITH_LOGIN = """\
umask 077
folder=$(mktemp -d "${TMPDIR:-/tmp}/keelway-login.XXXXXXXXXX") || exit 1
trap 'rm -rf "$folder"' EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM
cat >"$folder/config.json" || exit 1
DOCKER_CONFIG=$folder REGISTRY_AUTH_FILE=$folder/config.json "$@"
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryLogin:
    """Whom a host logs in as to pull from a registry."""

    registry: str
    """`host[:port]`; `docker.io` for Docker Hub."""
    username: str
    password: str = field(repr=False)


async def pull_image(
    host: Host, engine: str, reference: str, logins: Sequence[RegistryLogin] = ()
) -> None:
    """Bring an image to a host; what is there already is not fetched again.

    Raises:
        HostError: The host is lost.
        ToolError: The image cannot be had; says what the engine said.
    """
    words = pull_argv(engine, reference)
    environment = await _environment(host, engine) if logins else ()
    for attempt in range(1, _TRIES + 1):
        if logins:
            command = (*environment, "sh", "-c", _WITH_LOGIN, "keelway-pull", *words)
            ran = await host.run(command, given=login_file(logins), timeout_s=PULL_TIMEOUT_S)
        else:
            ran = await host.run(words, timeout_s=PULL_TIMEOUT_S)
        if ran.code == 0:
            return
        if attempt == _TRIES or _is_final(ran.complaint):
            raise _refused(host, words, ran, logins)
        await anyio.sleep(_FIRST_PAUSE_S * 2 ** (attempt - 1))


def pull_argv(engine: str, reference: str) -> tuple[str, ...]:
    """Return what brings an image; a registry on the host's own loopback needs no TLS.

    >>> pull_argv("podman", "localhost:5000/orders@sha256:" + "0" * 64)[3]
    '--tls-verify=false'
    """
    try:
        is_loopback = _LOOPBACK.fullmatch(parse_reference(reference).host) is not None
    except BadReferenceError:
        is_loopback = False
    # Docker does so by itself.
    plain = ("--tls-verify=false",) if is_loopback and engine == "podman" else ()
    return (engine, "pull", "--quiet", *plain, reference)


def login_file(logins: Sequence[RegistryLogin]) -> bytes:
    """Return a Docker config with logins, which Podman reads as well."""
    auths = {
        _DOCKER_HUB_KEY if one.registry == DOCKER_HUB else one.registry: {
            "auth": base64.b64encode(f"{one.username}:{one.password}".encode()).decode()
        }
        for one in logins
    }
    return json.dumps({"auths": auths}).encode()


async def _environment(host: Host, engine: str) -> tuple[str, ...]:
    """Return what names the daemon, which Docker would look up in the account's own config."""
    if engine != "docker":
        return ()
    ran = await host.run(("docker", "context", "inspect", "--format", "{{.Endpoints.docker.Host}}"))
    return ("env", f"DOCKER_HOST={ran.text}") if ran.code == 0 and ran.text else ()


def _is_final(said: str) -> bool:
    return _FINAL.search(said) is not None or _LOGIN_WANTED.search(said) is not None


def _refused(
    host: Host, words: Sequence[str], ran: Ran, logins: Sequence[RegistryLogin]
) -> ToolError:
    next_step = None
    if "no space left" in ran.complaint.lower():
        next_step = f"make room on {host.name}"
    elif _LOGIN_WANTED.search(ran.complaint):
        next_step = f"give {host.name} a login for the registry that may pull it"
    return ToolError(
        f"{host.name} cannot pull {words[-1]}",
        stage=STAGE,
        command=words,
        code=ran.code,
        output=redact(ran.complaint, (one.password for one in logins)),
        next_step=next_step,
    )

"""Logins of registries for `skopeo`: the user's own, and those of the session.

They are handed over in memory only: a file without a name, open in both processes.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, cast

from keelway.engine.store.reference import registry_host

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping


@contextlib.contextmanager
def login_file(logins: Mapping[str, tuple[str, str]]) -> Generator[int | None]:
    """Give a descriptor of a file with these logins added to the user's own.

    None when there are none to add: `skopeo` finds the user's own by itself then.
    """
    if not logins:
        yield None
        return
    descriptor = os.memfd_create("logins")
    try:
        os.write(descriptor, json.dumps(_merged(logins)).encode())
        yield descriptor
    finally:
        os.close(descriptor)


def _merged(logins: Mapping[str, tuple[str, str]]) -> dict[str, object]:
    auths: dict[str, object] = {}
    helpers: dict[str, object] = {}
    for path in _own_files():
        content = _read(path)
        auths.update(_mapping(content.get("auths")))
        helpers.update(_mapping(content.get("credHelpers")))
    for address, (user, secret) in logins.items():
        host = registry_host(address)
        helpers.pop(host, None)
        for known in [key for key in auths if registry_host(key) == host]:
            del auths[known]
        login = base64.b64encode(f"{user}:{secret}".encode()).decode()
        auths[host] = {"auth": login}
    return {"auths": auths, "credHelpers": helpers}


def outer_user() -> int:
    """Return the id of the user outside of this user namespace."""
    user = os.geteuid()
    with contextlib.suppress(OSError, ValueError):
        for line in Path("/proc/self/uid_map").read_text(encoding="ascii").splitlines():
            inside, outside, count = map(int, line.split())
            if inside <= user < inside + count:
                return outside + user - inside
    return user


def _own_files() -> list[Path]:
    """Return where the user's logins may be; later ones win."""
    environment = os.environ
    files: list[Path] = []
    docker = environment.get("DOCKER_CONFIG")
    home = environment.get("HOME")
    if docker:
        files.append(Path(docker) / "config.json")
    elif home:
        files.append(Path(home) / ".docker/config.json")
    runtime = environment.get("XDG_RUNTIME_DIR")
    if runtime:
        files.append(Path(runtime) / "containers/auth.json")
    else:
        files.append(Path(f"/run/containers/{outer_user()}/auth.json"))
    chosen = environment.get("REGISTRY_AUTH_FILE")
    if chosen:
        files.append(Path(chosen))
    return files


def _read(path: Path) -> dict[str, object]:
    try:
        return _mapping(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return {}


def _mapping(value: object) -> dict[str, object]:
    return cast("dict[str, object]", value) if isinstance(value, dict) else {}

"""A unit, put on a host: its file, its configs, its images, and its secrets. Nothing is started.

Example:
    unit = Unit(project="orders", folder="/srv/orders/releases/7")
    changed = await place(runtime, unit, rendered, secrets={"db_password": b"..."})
    await runtime.up(unit)
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import anyio

from keelway.deploy.host import STAGE
from keelway.deploy.mounted_files import CONFIGS_FOLDER, SECRETS_FOLDER
from keelway.deploy.owners import Owner, as_owner
from keelway.errors import PlanError, StageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from keelway.deploy.choice import ConfigFile, RenderedUnit
    from keelway.deploy.host import Host
    from keelway.deploy.runtime import RegistryLogin, Runtime
    from keelway.deploy.unit import Unit
    from keelway.deploy.unit_file import SecretPlace, UnitFile

_UNIT_MODE = 0o600
_SHORTEST_TELLING = 6
"""A shorter secret may be in a text by chance."""


async def place(
    runtime: Runtime,
    unit: Unit,
    rendered: RenderedUnit,
    *,
    secrets: Mapping[str, bytes],
    logins: Sequence[RegistryLogin] = (),
) -> frozenset[str]:
    """Put all that a unit needs on its host, and return the services whose files are others now.

    What is there already is left as it is: containers go on seeing it. Those services that are
    returned see what they were given only once they are made anew.

    Args:
        runtime: The host's.
        unit: Where it goes.
        rendered: What it is.
        secrets: The values, by the names of the configuration.
        logins: For the registries that its images come from.

    Raises:
        PlanError: A secret has no value, or its value is in a file that is none of secrets.
        StageError: A service would run as root, or its secrets cannot be given to it alone.
        ToolError: An image cannot be had.
    """
    _check_secrets(rendered, secrets)
    host = runtime.host
    await host.write(unit.file, rendered.compose, mode=_UNIT_MODE)
    changed = {
        _service_of(one.path)
        for one in rendered.configs
        if await _written(host, f"{unit.folder}/{one.path}", await _content(one), one.mode)
    }
    await runtime.pull(unit, logins)
    owners = await _owners(runtime, await runtime.unit_file(unit))
    for one in rendered.secrets:
        if await _give(runtime, unit, one, secrets[one.secret], owners[one.service]):
            changed.add(one.service)
    return frozenset(changed)


async def is_placed(
    runtime: Runtime, unit: Unit, rendered: RenderedUnit, *, secrets: Mapping[str, bytes]
) -> bool:
    """Return whether `place` would change nothing, and the containers are those of the unit.

    Args:
        runtime: The host's.
        unit: Where it is.
        rendered: What it is to be.
        secrets: The values, by the names of the configuration.

    Raises:
        PlanError: A secret has no value, or its value is in a file that is none of secrets.
        StageError: The host does not tell.
    """
    _check_secrets(rendered, secrets)
    host = runtime.host
    if await host.read(unit.file) != rendered.compose:
        return False
    for one in rendered.configs:
        if not await _is_same(host, f"{unit.folder}/{one.path}", await _content(one)):
            return False
    before = await as_owner(runtime.engine) if rendered.secrets else ()
    for place in rendered.secrets:
        path = f"{unit.folder}/{place.path}"
        if not await _is_same(host, path, secrets[place.secret], before):
            return False
    services = (await runtime.unit_file(unit)).services
    states = await runtime.states(unit)
    often = Counter({name: one.scale for name, one in services.items()})
    return Counter(one.service for one in states) == often and all(
        services[one.service].image.partition("@")[2]
        in {digest.partition("@")[2] for digest in one.digests}
        for one in states
    )


async def missing_files(host: Host, unit: Unit, note: UnitFile) -> tuple[str, ...]:
    """Return the secrets whose files are no longer there: a unit without them must not start."""
    return tuple(
        [
            f"{one.service}: {one.secret}"
            for one in note.note.secrets
            if (await host.run(("test", "-f", f"{unit.folder}/{one.path}"))).code
        ]
    )


async def forget(host: Host, unit: Unit) -> None:
    """Remove a unit's secrets and configs from its host.

    Raises:
        StageError: They are still there.
    """
    folders = [f"{unit.folder}/{name}" for name in (SECRETS_FOLDER, CONFIGS_FOLDER)]
    ran = await host.run(("rm", "-rf", "--", *folders))
    if ran.code:
        raise StageError(
            f"{host.name} still has secrets of {unit.project} in {folders[0]}",
            stage=STAGE,
            why=ran.complaint,
        )


def _check_secrets(rendered: RenderedUnit, secrets: Mapping[str, bytes]) -> None:
    missing = sorted({one.secret for one in rendered.secrets} - secrets.keys())
    if missing:
        raise PlanError(
            f"secrets without a value: {', '.join(missing)}",
            next_step="set what their sources name",
        )
    for name, value in secrets.items():
        known = value.strip()
        if len(known) < _SHORTEST_TELLING:
            continue
        texts = [rendered.compose, *((one.content or "").encode() for one in rendered.configs)]
        if any(known in text for text in texts):
            raise PlanError(
                f"the value of the secret {name} is in the compose files too",
                why="what is deployed with them can be read by more than the service",
                next_step="take it out, and let the service read /run/secrets",
            )


async def _content(one: ConfigFile) -> bytes:
    if one.source is None:
        return (one.content or "").encode()
    try:
        return await anyio.Path(one.source).read_bytes()
    except OSError as error:
        raise PlanError(f"the config {one.source} cannot be read", why=str(error)) from error


async def _written(host: Host, path: str, data: bytes, mode: int) -> bool:
    """Write a file unless it is the same already, and return whether it was written."""
    if await _is_same(host, path, data):
        return False
    await host.write(path, data, mode=mode)
    return True


async def _is_same(host: Host, path: str, data: bytes, before: tuple[str, ...] = ()) -> bool:
    return (await host.run((*before, "cmp", "--silent", "--", path, "-"), given=data)).code == 0


async def _owners(runtime: Runtime, file: UnitFile) -> dict[str, Owner]:
    """Return whom each service runs as.

    Raises:
        StageError: One is root and must not be, or is nobody whom its image knows.
    """
    found: dict[str, Owner] = {}
    for name, service in file.services.items():
        user = service.user
        if user is None:
            user = await runtime.engine.image_user(service.image)
        owner = await runtime.owner(service.image, user)
        if owner is None:
            raise StageError(
                f"{name} runs as '{user}', whom its image does not know",
                stage=STAGE,
                next_step=f'write the user\'s number: user: "1000" of the service {name}',
            )
        if owner.uid == 0 and name not in file.note.root:
            raise StageError(
                f"{name} would run as root: its image names no other user",
                stage=STAGE,
                next_step=f"write user: of the service {name}, or allow it: "
                'allow = [{ what = "root", reason = "..." }]',
            )
        found[name] = owner
    return found


async def _give(
    runtime: Runtime, unit: Unit, place: SecretPlace, value: bytes, owner: Owner
) -> bool:
    """Give a service a secret as a file that is its own, and return whether it is another now.

    Raises:
        StageError: The file cannot be given to the service's user.
    """
    host = runtime.host
    path = f"{unit.folder}/{place.path}"
    uid = owner.uid if place.uid is None else place.uid
    gid = owner.gid if place.gid is None else place.gid
    is_new = await _written(host, path, value, place.mode)
    own = (await host.run(("id", "-u"))).text
    before = await as_owner(runtime.engine)
    ran = await host.run((*before, "chown", f"{uid}:{gid}", "--", path))
    if ran.code and own != str(uid):
        await host.run(("rm", "-f", "--", path))
        raise StageError(
            f"{host.name} cannot give {place.service} its secret {place.secret}: it runs as "
            f"user {uid}, and the deploying account is user {own}",
            stage=STAGE,
            why=ran.complaint,
            next_step="deploy as root, allow the account `sudo chown`, or let the service run as "
            f'it: user: "{own}"',
        )
    return is_new


def _service_of(path: str) -> str:
    return path.split("/")[1]

"""Files of services that are not of the release, in a place that stays from release to release.

Each release has its own copies. Those that are mounted are the copies of the release that was
brought up last: a service is made anew only where they differ, forwards as well as back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from keelway.deploy.host import STAGE
from keelway.deploy.owners import as_owner
from keelway.deploy.unit_file import read_unit_file
from keelway.errors import StageError

if TYPE_CHECKING:
    from collections.abc import Collection

    from keelway.deploy.container_engine import ContainerEngine
    from keelway.deploy.host import Host
    from keelway.deploy.unit import Unit
    from keelway.deploy.unit_file import KeptFile, UnitNote

_GRACE_S = 30
_SAME = """\
cmp -s -- "$1" "$2" && [ "$(stat -c %u:%g:%a -- "$1")" = "$(stat -c %u:%g:%a -- "$2")" ]
"""
_COPY = """\
set -e
umask 077
mkdir -p -- "${2%/*}"
cp -p -- "$1" "$2.new"
mv -f -- "$2.new" "$2"
"""


async def keep(
    engine: ContainerEngine, unit: Unit, note: UnitNote, services: Collection[str] = ()
) -> None:
    """Bring the files that stay to what a unit's release has; what sees others is removed first.

    A service whose files are others now is made anew when the unit is brought up: it would go on
    seeing the old ones. What is cut off in between is done by the next call.

    Args:
        engine: The host's.
        unit: What is about to be brought up.
        note: What its file says beside the services.
        services: Those that are brought up; all when empty.

    Raises:
        StageError: A file is not there, or cannot be copied.
    """
    before = await as_owner(engine) if note.kept else ()
    for one in note.kept:
        if not services or one.service in services:
            await _keep(engine, unit, one, before)


async def files_differ(host: Host, unit: Unit, other: Unit) -> bool:
    """Return whether another unit has other files that stay; those that cannot be read count so.

    Raises:
        StageError: The unit's own file is not there, or damaged.
    """
    data = await host.read(unit.file)
    if data is None:
        raise StageError(f"{host.name} has no {unit.file}", stage=STAGE)
    for one in read_unit_file(data, shown=unit.file).note.kept:
        paths = (f"{unit.folder}/{one.path}", f"{other.folder}/{one.path}")
        if (await host.run(("cmp", "-s", "--", *paths))).code:
            return True
    return False


async def _keep(
    engine: ContainerEngine, unit: Unit, one: KeptFile, before: tuple[str, ...]
) -> None:
    host = engine.host
    own = f"{unit.folder}/{one.path}"
    if (await host.run((*before, "sh", "-c", _SAME, "keelway-keep", own, one.at))).code == 0:
        return
    states = [state for state in await engine.states(unit.project) if state.service == one.service]
    await engine.stop([state.container for state in states if state.is_running], _GRACE_S)
    await engine.discard([state.container for state in states])
    ran = await host.run((*before, "sh", "-c", _COPY, "keelway-keep", own, one.at))
    if ran.code:
        raise StageError(
            f"{host.name} cannot give {one.service} its file {own}",
            stage=STAGE,
            why=ran.complaint,
            next_step="deploy again",
        )

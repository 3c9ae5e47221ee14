"""What is on one host: which releases it keeps, which one runs, and the files that say so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from pydantic import BaseModel, ValidationError

from keelway.deploy.host import Host, HostError
from keelway.deploy.release import Live, Release
from keelway.deploy.site import Placed

if TYPE_CHECKING:
    from keelway.deploy.layout import Layout
    from keelway.deploy.site import Runtime

ModelT = TypeVar("ModelT", bound=BaseModel)

_LINK = 'ln -s -- "$2" "$1.new" && mv -Tf -- "$1.new" "$1"'


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One host of a target, as it was found."""

    host: Host
    layout: Layout
    runtime: Runtime
    current: Placed | None
    """What runs."""
    kept: tuple[Release, ...]
    """What it can go back to, and what runs: oldest first."""

    @property
    def name(self) -> str:
        """Return what people call it: with the folder, where this machine is meant."""
        return self.host.name

    @property
    def version(self) -> str | None:
        """Return the version that runs."""
        return None if self.current is None else self.current.release.version


async def look_at(host: Host, layout: Layout, runtime: Runtime) -> Side:
    """Return what is on a host.

    Raises:
        HostError: The host is lost, or what it keeps was damaged.
    """
    live = await _read(host, layout.live, Live)
    kept = await kept_releases(host, layout)
    current = None
    if live is not None:
        release = next((one for one in kept if one.id == live.release), None)
        if release is None:
            raise HostError(
                f"{host.name} runs the release {live.release}, whose folder is gone",
                host=host.name,
                why=f"{layout.live} names it, and {layout.record(live.release)} is not there",
                next_step="put the folder back from a backup; or stop what runs there, and remove "
                f"{layout.live}",
            )
        current = Placed(release=release, live=live)
    return Side(host=host, layout=layout, runtime=runtime, current=current, kept=kept)


async def kept_releases(host: Host, layout: Layout) -> tuple[Release, ...]:
    """Return the releases that a host keeps, oldest first; unfinished ones are none.

    Raises:
        HostError: The host is lost, or a record was damaged.
    """
    script = 'cd -- "$1" 2>/dev/null || exit 0; ls -1'
    ran = await host.run(("sh", "-c", script, "list", layout.releases))
    found = [
        await _read(host, layout.record(name), Release)
        for name in sorted(ran.text.splitlines())
        if not name.startswith(".")
    ]
    return tuple(one for one in found if one is not None)


async def placed(host: Host, layout: Layout, live: Live) -> Placed:
    """Return a release that the host keeps, as it runs or is to run.

    Raises:
        HostError: The host is lost, or does not keep it.
    """
    release = await _read(host, layout.record(live.release), Release)
    if release is None:
        raise HostError(
            f"{host.name} does not keep the release {live.release} any more",
            host=host.name,
            next_step="put its folder back from a backup, or deploy anew",
        )
    return Placed(release=release, live=live)


async def record(host: Host, layout: Layout, release: Release) -> None:
    """Write down what a release is: the last of its files, so that what has one is whole.

    Raises:
        HostError: The host is lost.
    """
    await host.write(layout.record(release.id), _text(release), mode=0o600)


async def make_live(host: Host, layout: Layout, live: Live) -> None:
    """Write down that a release runs.

    Raises:
        HostError: The host is lost.
    """
    await host.write(layout.live, _text(live), mode=0o600)
    relative = f"releases/{live.release}"
    await _done(host, "sh", "-c", f'rm -f -- "$1.new"; {_LINK}', "link", layout.current, relative)


async def forget_live(host: Host, layout: Layout) -> None:
    """Write down that nothing runs.

    Raises:
        HostError: The host is lost.
    """
    await _done(host, "rm", "-f", layout.live, layout.current)


async def drop(host: Host, layout: Layout, release_id: str) -> None:
    """Remove a release's folder.

    Raises:
        HostError: The host is lost.
    """
    await _done(host, "rm", "-rf", layout.release(release_id))


async def _done(host: Host, *words: str) -> None:
    ran = await host.run(words)
    if ran.code:
        raise HostError(
            f"{words[-1]} on {host.name} cannot be changed", host=host.name, why=ran.complaint
        )


async def _read(host: Host, path: str, model: type[ModelT]) -> ModelT | None:
    data = await host.read(path)
    if data is None:
        return None
    try:
        return model.model_validate_json(data)
    except ValidationError as error:
        raise HostError(
            f"{path} on {host.name} is not what keelway wrote",
            host=host.name,
            why=str(error.errors()[0]["msg"]),
            next_step="put it back from a backup",
        ) from error


def _text(model: BaseModel) -> bytes:
    return (model.model_dump_json(indent=2) + "\n").encode()

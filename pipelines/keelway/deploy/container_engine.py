"""What is asked of Docker or Podman on a host, beyond what their compose programs do."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import anyio

from keelway._tools.container_engine import (
    PROJECT_LABEL,
    list_argv,
    merge_logs,
    parse_containers,
    parse_copied,
    parse_free_bytes,
    parse_ids,
    parse_image_digests,
    parse_image_user,
)
from keelway.deploy.host import STAGE
from keelway.errors import ToolError

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from keelway._tools.container_engine import EngineName
    from keelway.deploy.host import Host, Ran
    from keelway.model.service_state import ServiceState

_LOOKS = 3
_PAUSE_S = 0.5
_REMOVE_TIMEOUT_S = 300
_CHECK_TIMEOUT_S = 120


class ContainerEngine:
    """An engine on one host. Every method raises `HostError` when the host is lost."""

    def __init__(self, host: Host, name: EngineName) -> None:
        """Keep which it is.

        Args:
            host: The machine.
            name: What the engine's command is called.
        """
        self.host = host
        self.name = name

    async def states(self, project: str) -> tuple[ServiceState, ...]:
        """Return all containers of a compose project, by service.

        Raises:
            ToolError: The engine does not answer.
        """
        look = 1
        while True:
            ids = await self.containers(project)
            if not ids:
                return ()
            words = (self.name, "container", "inspect", *ids)
            ran = await self.host.run(words)
            if ran.code == 0:
                return await self._with_digests(parse_containers(ran.text))
            # One may have been removed in between: then another look finds the rest.
            if look == _LOOKS:
                raise self.failed("tell what runs there", words, ran)
            look += 1
            await anyio.sleep(_PAUSE_S)

    async def containers(self, project: str) -> tuple[str, ...]:
        """Return the ids of all containers of a compose project.

        Raises:
            ToolError: The engine does not answer.
        """
        ran = await self.must(list_argv(self.name, project), "tell what runs there")
        return parse_ids(ran.text)

    async def log(self, container: str, lines: int) -> str:
        """Return the last lines that a container wrote, in the order of time.

        Raises:
            ToolError: The engine does not give them.
        """
        words = (self.name, "logs", "--timestamps", "--tail", str(lines), container)
        ran = await self.must(words, "tell what a container wrote")
        both = (ran.stdout.decode(errors="replace"), ran.stderr.decode(errors="replace"))
        return merge_logs(*both)

    async def stop(self, ids: Sequence[str], grace_s: float) -> None:
        """Stop containers; what does not end in time is killed.

        Raises:
            ToolError: One could not be stopped.
        """
        if ids:
            words = (self.name, "stop", "--time", str(round(grace_s)), *ids)
            # One after the other, in the worst case.
            await self.must(words, "stop services", timeout_s=60 + len(ids) * (grace_s + 10))

    async def remove(self, project: str) -> None:
        """Remove a project's containers and its own networks; volumes stay.

        Raises:
            ToolError: The engine did not do it.
        """
        await self.discard(await self.containers(project))
        owned = f"label={PROJECT_LABEL}={project}"
        listing = (self.name, "network", "ls", "--quiet", "--filter", owned)
        networks = parse_ids((await self.must(listing, "tell which networks there are")).text)
        if networks:
            await self.must((self.name, "network", "rm", *networks), "remove networks")

    async def discard(self, ids: Sequence[str]) -> None:
        """Remove containers, those that run too.

        Raises:
            ToolError: One could not be removed.
        """
        if ids:
            words = (self.name, "rm", "--force", *ids)
            await self.must(words, "remove containers", timeout_s=_REMOVE_TIMEOUT_S)

    async def ensure_network(self, name: str, *, internal: bool) -> None:
        """Make a network where there is none of that name.

        Raises:
            ToolError: The engine did not do it.
        """
        await self._ensure("network", name, ("--internal",) if internal else ())

    async def ensure_volume(self, name: str) -> None:
        """Make a volume where there is none of that name.

        Raises:
            ToolError: The engine did not do it.
        """
        await self._ensure("volume", name, ())

    async def image_user(self, reference: str) -> str:
        """Return whom an image runs as, as the image says it; empty for root.

        Raises:
            ToolError: The image is not on the host.
        """
        words = (self.name, "image", "inspect", reference)
        return parse_image_user((await self.must(words, f"look at {reference}")).text)

    async def image_files(self, reference: str, paths: Sequence[str]) -> dict[str, str]:
        """Return the texts of files in an image that is on the host; those that are there.

        Raises:
            ToolError: The engine did not do it.
        """
        # It is never started: the command only has to be there.
        making = (self.name, "create", "--network", "none", reference, "none")
        made = await self.must(making, f"look into {reference}")
        container = made.text.splitlines()[-1]
        try:
            found = {
                path: await self.host.run((self.name, "cp", f"{container}:{path}", "-"))
                for path in paths
            }
            return {path: parse_copied(ran.stdout) for path, ran in found.items() if ran.code == 0}
        finally:
            with anyio.CancelScope(shield=True):
                await self.must((self.name, "rm", "--force", container), "remove a container")

    async def drop_images(self, references: Collection[str]) -> tuple[str, ...]:
        """Remove images by reference, and return those that went; what is in use stays."""
        gone: list[str] = []
        for reference in sorted(references):
            words = (self.name, "image", "rm", reference)
            if (await self.host.run(words, timeout_s=_REMOVE_TIMEOUT_S)).code == 0:
                gone.append(reference)
        return tuple(gone)

    async def disk_free(self) -> int:
        """Return how many bytes are free where images and volumes are kept.

        Raises:
            ToolError: The host does not tell.
        """
        field = "DockerRootDir" if self.name == "docker" else "Store.GraphRoot"
        asking = (self.name, "info", "--format", f"{{{{.{field}}}}}")
        place = (await self.must(asking, "tell where images are kept")).text
        return parse_free_bytes(
            (await self.must(("df", "-P", "-k", place), "tell how much is free")).text
        )

    async def run_check(self, container: str) -> None:
        """Run a container's health check now; its state tells how it went."""
        words = (self.name, "healthcheck", "run", container)
        _ = await self.host.run(words, timeout_s=_CHECK_TIMEOUT_S)

    async def must(self, words: Sequence[str], what: str, *, timeout_s: float = 60) -> Ran:
        """Run a command that has to succeed.

        Args:
            words: The command.
            what: What the host cannot do when it fails.
            timeout_s: Seconds that it has.

        Raises:
            ToolError: It did not; with all that it said.
        """
        ran = await self.host.run(words, timeout_s=timeout_s)
        if ran.code:
            raise self.failed(what, words, ran)
        return ran

    def failed(self, what: str, words: Sequence[str], ran: Ran) -> ToolError:
        """Return the error about a command that did not succeed."""
        full = "no space left" in ran.complaint.lower()
        return ToolError(
            f"{self.host.name} cannot {what}",
            stage=STAGE,
            command=words,
            code=ran.code,
            output=ran.complaint,
            next_step=f"make room on {self.host.name}" if full else None,
        )

    async def _ensure(self, kind: str, name: str, options: Sequence[str]) -> None:
        look = (self.name, kind, "inspect", name)
        if (await self.host.run(look)).code == 0:
            return
        words = (self.name, kind, "create", *options, name)
        ran = await self.host.run(words)
        # Another one may have been quicker.
        if ran.code and (await self.host.run(look)).code:
            raise self.failed(f"make the {kind} {name}", words, ran)

    async def _with_digests(self, states: Sequence[ServiceState]) -> tuple[ServiceState, ...]:
        ids = sorted({one.image_id for one in states if one.image_id})
        # An image that was removed from under its container is not told of: it has no digest.
        ran = await self.host.run((self.name, "image", "inspect", *ids))
        digests = parse_image_digests(ran.text)
        return tuple(replace(one, digests=digests.get(one.image_id, ())) for one in states)

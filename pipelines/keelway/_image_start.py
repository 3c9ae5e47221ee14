"""A built image, read and started by the engine: what the policy's proofs are made of."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import anyio.to_thread

from keelway._cage import host_binary
from keelway._local_files import local_file
from keelway._stage import failures_of
from keelway._tools.busybox import BUSYBOX, INSIDE_IMAGE
from keelway.errors import PlanError, ToolError
from keelway.model.outcome import Skipped
from keelway.model.tool import ImageTool, ToolSource

if TYPE_CHECKING:
    import dagger

    from keelway._stage import Run
    from keelway.model.image import BuiltImage
    from keelway.policy.content import ImageContent
    from keelway.policy.starting import Started, StartSpec

_NO_PRIVILEGES = "it gives a command no privileges, which it takes to take all others away"


def open_busybox(run: Run, source: ToolSource | Skipped) -> dagger.File | Skipped:
    """Return the BusyBox that starts images, or why there is none."""
    if isinstance(source, Skipped):
        return source
    if isinstance(source, ImageTool):
        return run.dag.container().from_(source.reference).file(INSIDE_IMAGE)
    try:
        return local_file(run, host_binary(BUSYBOX, source))
    except PlanError as error:
        return Skipped(f"{error.message}: {error.next_step}")


async def read_image(image: BuiltImage) -> ImageContent:
    """Return what is in an image.

    A layer that came from a registry keeps its form. Where that is one that is not read here, the
    engine is asked to pack the image by gzip; how large it is compressed stays that of the image.

    Raises:
        UnreadableImageError: Its archive cannot be read.
    """
    import dagger  # noqa: PLC0415 - planning imports this module, and must not pay for the SDK

    content = await _read(image, image.tarball())
    if content.unread is None:
        return content
    gzip = dagger.ImageLayerCompression.Gzip
    packed = image.container.as_tarball(forced_compression=gzip)
    return replace(
        await _read(image, packed),
        compressed_bytes=content.compressed_bytes,
        layers=content.layers,
    )


async def _read(image: BuiltImage, tarball: dagger.File) -> ImageContent:
    from keelway.policy.content import read_content  # noqa: PLC0415 - not for a plan

    with tempfile.TemporaryDirectory(prefix="keelway-policy-") as folder:
        archive = Path(folder, "image.tar")
        with failures_of("policy", f"measuring {image.label}"):
            await tarball.export(str(archive))
        return await anyio.to_thread.run_sync(read_content, archive)


async def start_image(
    image: BuiltImage, start: StartSpec, busybox: dagger.File, script: str
) -> Started:
    """Return what came of starting an image by a script of `keelway.policy.starting`.

    An engine that has no privileges to give, such as the local one in an unprivileged container,
    starts none. A start that went wrong is a failed command, so that no engine remembers it: the
    next run looks again.

    Raises:
        ToolError: The script broke.
    """
    import dagger  # noqa: PLC0415 - planning imports this module, and must not pay for the SDK

    from keelway.policy.starting import (  # noqa: PLC0415 - not for a plan
        BUSYBOX_PATH,
        NOT_ENFORCED,
        NOT_HEALTHY,
        STATE_PATH,
        parse_started,
        unenforced,
    )

    container = image.container.with_user("0:0").with_mounted_file(BUSYBOX_PATH, busybox)
    for path in (STATE_PATH, *start.tmpfs):
        container = container.with_mounted_temp(path)
    for name, value in start.environment.items():
        container = container.with_env_variable(name, value)
    command = [BUSYBOX_PATH, "sh", "-c", script]
    with failures_of("policy", f"starting {image.label}"):
        try:
            text = await container.with_exec(command, insecure_root_capabilities=True).stdout()
        except dagger.ExecError as error:
            if error.exit_code not in {NOT_HEALTHY, NOT_ENFORCED}:
                raise
            text = error.stdout
        except dagger.QueryError as error:
            if not _is_without_privileges(str(error)):
                raise
            return unenforced(_NO_PRIVILEGES)
    try:
        return parse_started(text)
    except ValueError as error:
        raise ToolError(
            f"starting {image.label} failed: {error}", stage="policy", output=text
        ) from error


def _is_without_privileges(said: str) -> bool:
    """Tell whether an engine refused a command because it gives no privileges at all."""
    return "insecureRootCapabilities" in said or "security.insecure is not allowed" in said

"""Third-party tools in a cage: alone in a container, with their inputs and nothing else.

No secret is given to one but a login of its own that is declared. Its exit code must be 0: tools
are told not to fail on findings, so anything else means that the tool itself broke; a tool that
cannot be told so has other codes that are accepted.
"""

from __future__ import annotations

import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from keelway._local_files import local_file
from keelway._stage import failures_of
from keelway._tools.binary import locate_binary
from keelway.errors import PlanError, ToolError
from keelway.model.tool import HostTool, ImageTool, ToolSource, ToolVersion, describe

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import dagger

    from keelway._stage import Run
    from keelway._tools.tool import Tool
    from keelway.config import ToolConfig
    from keelway.facts import Facts

WORK = "/work"
"""The tool's working and temporary directory; what it writes is read from there."""


def plan_tool(tool: Tool, config: ToolConfig, facts: Facts) -> ToolSource:
    """Return where the tool comes from.

    Raises:
        PlanError: When this machine should have it, and has not.
    """
    if config.image is not None:
        return ImageTool(reference=config.image)
    found = facts.programs.get(tool.name)
    if found is None:
        raise PlanError(f"{tool.name} is not installed", next_step=tool.remedy())
    return HostTool(path=str(found))


@dataclass(frozen=True, slots=True, kw_only=True)
class Cage:
    """A tool, ready to run, for one stage."""

    stage: str
    tool: Tool
    container: dagger.Container
    """Its entrypoint is the tool."""
    version: ToolVersion

    async def run(  # noqa: PLR0913 - what a tool may be given
        self,
        arguments: Sequence[str],
        *,
        doing: str,
        files: Mapping[str, dagger.File] | None = None,
        directories: Mapping[str, dagger.Directory] | None = None,
        caches: Mapping[str, dagger.CacheVolume] | None = None,
        environment: Mapping[str, str] | None = None,
        secrets: Mapping[str, dagger.Secret] | None = None,
        accepted: Sequence[int] = (0,),
    ) -> dagger.Container:
        """Return the container after the tool ran in it.

        Args:
            arguments: What comes after the tool's name.
            doing: What this is for, in words, for the error.
            files: Inputs by absolute path.
            directories: Inputs by absolute path; the tool may write there, nobody else sees it.
            caches: Directories that are kept from run to run, by absolute path; a tool has one
                for itself while it runs.
            environment: Variables for this run.
            secrets: Secret variables for this run: a login of the tool's own, and no other.
            accepted: Exit codes that do not mean that the tool broke.

        Raises:
            ToolError: The tool ended with another exit code.
        """
        container = self.container
        for path, file in (files or {}).items():
            container = container.with_mounted_file(path, file)
        for path, directory in (directories or {}).items():
            container = container.with_mounted_directory(path, directory)
        container = _with_caches(container, caches or {})
        for name, value in (environment or {}).items():
            container = container.with_env_variable(name, value)
        for name, secret in (secrets or {}).items():
            container = container.with_secret_variable(name, secret)
        with failures_of(self.stage, doing):
            return await _executed(
                container, arguments, self.stage, self.tool.name, doing, accepted
            )


async def open_cage(run: Run, *, stage: str, tool: Tool, source: ToolSource) -> Cage:
    """Return the tool in its container, its version checked.

    Args:
        run: The run.
        stage: The stage that needs it.
        tool: The tool.
        source: Where it comes from.

    Raises:
        PlanError: The host has no such tool, or none that runs in an empty container.
        ToolError: Its version must not run.
    """
    container = _container(run, tool, source)
    doing = f"asking {tool.name} for its version"
    with failures_of(stage, doing):
        asked = await _executed(container, tool.version_argv, stage, tool.name, doing)
        version = tool.parse_version(await asked.stdout())
    objection = tool.objection(version)
    if objection is not None:
        raise ToolError(objection, stage=stage, next_step=tool.remedy())
    where = ToolVersion(name=tool.name, version=version, source=describe(source))
    return Cage(stage=stage, tool=tool, container=container, version=where)


def _container(run: Run, tool: Tool, source: ToolSource) -> dagger.Container:
    if isinstance(source, ImageTool):
        container = run.dag.container().from_(source.reference)
    else:
        binary = host_binary(tool, source)
        inside = f"/usr/local/bin/{tool.name}"
        container = (
            run.dag.container()
            .with_mounted_file(inside, local_file(run, binary))
            .with_entrypoint([inside])
        )
    return container.with_workdir(WORK).with_env_variable("TMPDIR", WORK)


def _with_caches(
    container: dagger.Container, caches: Mapping[str, dagger.CacheVolume]
) -> dagger.Container:
    import dagger  # noqa: PLC0415 - planning imports this module, and must not pay for the SDK

    private = dagger.CacheSharingMode.PRIVATE
    for path, cache in caches.items():
        container = container.with_mounted_cache(path, cache, sharing=private)
    return container


def host_binary(tool: Tool, source: HostTool) -> Path:
    """Return the tool's static binary on this machine.

    Raises:
        PlanError: There is none.
    """
    return locate_binary(tool, _command(tool, source))


async def _executed(
    container: dagger.Container,
    arguments: Sequence[str],
    stage: str,
    name: str,
    doing: str,
    accepted: Sequence[int] = (0,),
) -> dagger.Container:
    import dagger  # noqa: PLC0415 - planning imports this module, and must not pay for the SDK

    done = container.with_exec(list(arguments), use_entrypoint=True, expect=dagger.ReturnType.ANY)
    code = await done.exit_code()
    if code not in accepted:
        output = f"{await done.stdout()}\n{await done.stderr()}"
        raise ToolError(
            f"{doing} failed: {name} ended with exit code {code}",
            stage=stage,
            command=(name, *arguments),
            code=code,
            output=output,
        )
    return done


def _command(tool: Tool, source: HostTool) -> Path:
    """Return the command: a bare name is looked for beside Python first, then on PATH.

    Raises:
        PlanError: There is none.
    """
    if "/" in source.path:
        return Path(source.path)
    beside = Path(sys.executable).parent / source.path
    found = str(beside) if beside.exists() else shutil.which(source.path)
    if found is None:
        raise PlanError(f"{tool.name} is not installed", next_step=tool.remedy())
    return Path(found)

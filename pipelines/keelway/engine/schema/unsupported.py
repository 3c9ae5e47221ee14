"""What to do instead of a field that this engine does not have."""

from __future__ import annotations

from keelway.engine.errors import Unsupported

_DAGGER = "use Dagger's own engine for it (keelway --engine dagger)"
_INSTEAD = {
    "Query.sshfsVolume": "copy the files by rsync in a command, or mount them on this machine and "
    "use Host.directory",
    "Container.withMountedVolume": "mount a directory with withMountedDirectory, or a cache volume",
    "Container.experimentalWithGPU": "GPUs are not passed on to containers",
    "Container.experimentalWithAllGPUs": "GPUs are not passed on to containers",
    "Container.withGPU": "GPUs are not passed on to containers",
    "Container.exportImage": "export a tarball with asTarball, or publish to a registry",
    "Host.containerImage": "import a tarball with container.import, or pull with container.from",
    "Query.cloud": "there is no Dagger Cloud behind this engine",
    "Query.llm": _DAGGER,
    "Query.env": _DAGGER,
    "Query.currentEnv": _DAGGER,
    "Query.currentWorkspace": _DAGGER,
    "Query.module": "call the module's functions in the process, or " + _DAGGER,
    "Query.moduleSource": "call the module's functions in the process, or " + _DAGGER,
    "Query.currentModule": "only code that Dagger's engine runs as a module has one",
    "Query.currentFunctionCall": "only code that Dagger's engine runs as a module has one",
}


def unsupported(type_name: str, field: str) -> Unsupported:
    """Return the error for a field without a resolver; it names the nearest way that works."""
    name = f"{type_name}.{field}"
    return Unsupported(
        f"{name} is not supported by the local engine: {_INSTEAD.get(name, _DAGGER)}"
    )

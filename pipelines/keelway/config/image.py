"""[images.NAME]: one image and how it is built."""

from collections.abc import Mapping
from pathlib import PurePosixPath

from keelway.config.section import Name, PlatformText, SecretSource, Section, Text, Variable

DEFAULT_PLATFORMS = ("linux/amd64", "linux/arm64")


class BuildSecretConfig(Section):
    """A secret that a build step may read by `RUN --mount=type=secret`."""

    id: Text
    """The id that the Dockerfile uses."""
    source: SecretSource
    """Where the value is read at build time: `env://NAME`, `file://PATH` or `cmd://COMMAND`.

    Dagger's own engine reads `op://`, `vault://`, `aws+sm://`, `aws+ps://`, `gcp://` and
    `libsecret://` too.
    """


class ImageConfig(Section):
    """One image: built from a Dockerfile, for several platforms."""

    context: Text = "."
    """Build context: a directory, relative to the configuration file."""
    dockerfile: Text = "Dockerfile"
    """Path of the Dockerfile, relative to the context."""
    target: Text | None = None
    """Stage of the Dockerfile to build. The last one when absent."""
    platforms: tuple[PlatformText, ...] = DEFAULT_PLATFORMS
    """Platforms to build for, as `os/architecture` or `os/architecture/variant`."""
    build_args: Mapping[Variable, str] = {}
    """Build arguments, by name. The image's history shows them: never put secrets here."""
    bases: Mapping[Variable, Name] = {}
    """Build arguments that receive the pinned reference of a base image.

    `PYTHON_BASE = "python"` passes what `keelway base` pinned in `keelway.lock` for
    `[base.python]`.
    """
    secrets: tuple[BuildSecretConfig, ...] = ()
    """Secrets for build steps."""

    @property
    def dockerfile_path(self) -> str:
        """Return the Dockerfile's path, relative to the configuration file."""
        return str(PurePosixPath(self.context) / self.dockerfile)

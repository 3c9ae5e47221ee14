"""[images.NAME]: one image and how it is built."""

from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Annotated

from pydantic import StringConstraints

from keelway.config.section import Name, PlatformText, SecretSource, Section, Text, Variable

DEFAULT_PLATFORMS = ("linux/amd64", "linux/arm64")

Repository = Annotated[
    str, StringConstraints(pattern=r"^[a-z0-9]+([._/-][a-z0-9]+)*$", max_length=200)
]
TagSuffix = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]*$", max_length=60)]


class BuildSecretConfig(Section):
    """A secret that a build step may read by `RUN --mount=type=secret`."""

    id: Text
    """The id that the Dockerfile uses."""
    source: SecretSource
    """Where the value is read at build time: `env://NAME`, `file://PATH` or `cmd://COMMAND`,
    `vault://PATH.FIELD`, `aws+sm://NAME`, `aws+ps://NAME`.

    Dagger's own engine reads `op://`, `gcp://` and `libsecret://` too.
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
    repository: Repository | None = None
    """Its repository below each registry's `url`; the image's name when absent.

    Several images may share one, told apart by `tag_suffix`.
    """
    tag_suffix: TagSuffix = ""
    """The end of each of its tags: with `"-debug"` it is published as `1.4.0-debug`, and
    `latest-debug`. The release is `1.4.0` all the same: `keelway deploy 1.4.0` finds it.
    """

    @property
    def dockerfile_path(self) -> str:
        """Return the Dockerfile's path, relative to the configuration file."""
        return str(PurePosixPath(self.context) / self.dockerfile)

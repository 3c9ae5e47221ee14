"""[base.NAME]: base images made from Debian's packages."""

from typing import Annotated

from pydantic import AfterValidator, Field

from keelway.config.image import DEFAULT_PLATFORMS
from keelway.config.section import PlatformText, Section, Text
from keelway.tags.reference import parse_repository


def _repository(value: str) -> str:
    parse_repository(value)
    return value


def _path(value: str) -> str:
    if value.startswith("/") or value.endswith("/") or ".." in value.split("/"):
        raise ValueError("must be a path from the top, without a slash at its beginning or end")
    return value


class BaseConfig(Section):
    """A base image that `keelway base` makes, publishes and pins in `keelway.lock`."""

    suite: Text
    """Debian suite, such as `bookworm`."""
    packages: Annotated[tuple[Text, ...], Field(min_length=1)]
    """Packages to install, with what they depend on."""
    repository: Annotated[Text, AfterValidator(_repository)]
    """Repository that the base image is pushed to, with its registry, without a tag."""
    leave_out: tuple[Annotated[Text, AfterValidator(_path)], ...] = ()
    """Files that are not needed though packages bring them: a path without a leading slash and all
    below it; `*` stands for anything but a slash, as in `usr/lib/*/perl`.
    """
    platforms: tuple[PlatformText, ...] = DEFAULT_PLATFORMS
    """Platforms to make it for."""
    mirror: Text | None = None
    """Address of the Debian mirror. The machine's own sources when absent."""
    epoch: Annotated[int, Field(ge=0)] | None = None
    """Time of every file, in seconds since 1970. The newest change of the packages when absent."""

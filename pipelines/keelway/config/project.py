"""[project]: what is being released."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import AfterValidator

from keelway.config.section import Name, Section, Text
from keelway.tags.annotations import check_text


def _checked(texts: Mapping[str, str]) -> Mapping[str, str]:
    for key, text in texts.items():
        check_text(key, text)
    return texts


class ProjectConfig(Section):
    """What is being released. These values become the labels of every image."""

    name: Name
    """Name of the project, in lower case. Reports carry it."""
    description: Text | None = None
    """One line about the project. Label `org.opencontainers.image.description`."""
    url: Text | None = None
    """Where people find out more. Label `org.opencontainers.image.url`."""
    source: Text | None = None
    """Where the source code is. Label `org.opencontainers.image.source`."""
    documentation: Text | None = None
    """Where the documentation is. Label `org.opencontainers.image.documentation`."""
    licenses: Text | None = None
    """SPDX license expression. Label `org.opencontainers.image.licenses`."""
    vendor: Text | None = None
    """Who distributes the images. Label `org.opencontainers.image.vendor`."""
    authors: Text | None = None
    """Who to write to about the images. Label `org.opencontainers.image.authors`."""
    labels: Annotated[Mapping[str, str], AfterValidator(_checked)] = {}
    """More labels of every image, over the standard ones; they may hold the tags' expressions."""
    annotations: Annotated[Mapping[str, str], AfterValidator(_checked)] = {}
    """More annotations of every image. `"index:KEY"` is for another level than the manifest."""
    annotation_levels: tuple[Literal["manifest", "index", "manifest-descriptor"], ...] = (
        "manifest",
    )
    """Where the standard annotations go: beside the manifest, the index and its entries."""

"""[project]: what is being released."""

from keelway.config.section import Name, Section, Text


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

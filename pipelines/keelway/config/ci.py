"""[ci]: what the generated pipelines of a CI look like."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field, StringConstraints

from keelway.config.section import PlatformText, Section

CRON_PATTERN = r"^(off|[0-9*/,-]+ [0-9*/,-]+ [0-9*/,-]+ [0-9*/,-]+ [0-9*/,-]+)$"
CronText = Annotated[str, StringConstraints(pattern=CRON_PATTERN)]
# They end up in the files of every CI, and inside shell words: nothing of these may end one.
RefText = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_./*-]*$")]
PackageText = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z0-9_.][A-Za-z0-9_.,+/=<>!~\[\]-]*$")
]
RunnerText = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.:-]*$")]


class CiConfig(Section):
    """The pipelines that `keelway init ci` writes."""

    branches: tuple[RefText, ...] = ()
    """Branches whose pushes are released; the default branch when empty."""
    tags: tuple[RefText, ...] = ("v*",)
    """Git tags that are released, as patterns with `*`."""
    nightly: CronText = "0 2 * * *"
    """When the default branch is released every night, in UTC; `"off"` for never."""
    weekly: CronText = "30 4 * * 1"
    """When base images are made anew and proposed, in UTC; `"off"` for never."""
    timeout_minutes: Annotated[int, Field(ge=1, le=1440)] = 60
    """After how long a job is stopped."""
    runners: Mapping[PlatformText, RunnerText] = {}
    """The machine that runs a platform's programs itself: a label, tag or queue of the CI."""
    assemble: bool = False
    """Whether each platform is built and judged on a machine of its own, and released from there.

    The release then builds nothing: it puts their proofs together (GitHub, GitLab and Jenkins).
    Otherwise one machine releases all platforms, foreign ones by emulation.
    """
    package: PackageText | None = None
    """What pip installs; keelway of the version that wrote the pipeline when absent."""

"""Where things are in a target's folder on a host. Pure.

Example:
    >>> layout = Layout("/srv/orders")
    >>> layout.unit("20261121-201752-1a2b3c4d", "blue")
    Unit(project='orders-blue', folder='/srv/orders/releases/20261121-201752-1a2b3c4d/blue')
"""

from __future__ import annotations

from dataclasses import dataclass

from keelway.deploy.unit import Unit
from keelway.model.host_address import project_of

SHARED = "shared"
"""The part of a release that both colours use: databases, volumes, the network."""


@dataclass(frozen=True, slots=True)
class Layout:
    """A target's folder on one host."""

    folder: str
    """Absolute."""

    @property
    def project(self) -> str:
        """Return the name of the compose project, which is the folder's own."""
        return project_of(self.folder)

    @property
    def releases(self) -> str:
        """Return the folder that has a folder for each release."""
        return f"{self.folder}/releases"

    @property
    def current(self) -> str:
        """Return the link to the release that runs, for people."""
        return f"{self.folder}/current"

    @property
    def live(self) -> str:
        """Return the file that says what runs."""
        return f"{self.folder}/live.json"

    @property
    def journal(self) -> str:
        """Return the file that says what is being done."""
        return f"{self.folder}/journal.json"

    @property
    def lock(self) -> str:
        """Return the folder that is there as long as somebody works on this one."""
        return f"{self.folder}/lock"

    @property
    def history(self) -> str:
        """Return the file that says what was done."""
        return f"{self.folder}/deployment_history.log"

    def release(self, release_id: str) -> str:
        """Return the folder of a release."""
        return f"{self.releases}/{release_id}"

    def record(self, release_id: str) -> str:
        """Return the file that says what a release is."""
        return f"{self.release(release_id)}/release.json"

    def unit(self, release_id: str, part: str = "") -> Unit:
        """Return the compose project of a part of a release; the whole one has no name.

        The shared part has the project's own name: it is the same one whichever colour serves.
        """
        folder = self.release(release_id)
        if not part:
            return Unit(project=self.project, folder=folder)
        project = self.project if part == SHARED else f"{self.project}-{part}"
        return Unit(project=project, folder=f"{folder}/{part}")

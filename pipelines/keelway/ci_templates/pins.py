"""The actions that workflows use, each by the commit that its release is.

A tag can be moved to other code, a commit can't. Dependabot and Renovate raise both together, by
the version in the comment.

Example:
    >>> print(CHECKOUT.pinned.comment, len(CHECKOUT.commit))
    v7.0.1 40
"""

from __future__ import annotations

from dataclasses import dataclass

from keelway.ci_templates.yaml_text import Told


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """An action of GitHub's at one commit."""

    name: str
    commit: str
    version: str

    @property
    def pinned(self) -> Told:
        """Return what stands after `uses:`."""
        return Told(f"{self.name}@{self.commit}", comment=self.version)


CHECKOUT = Action(
    name="actions/checkout",
    commit="3d3c42e5aac5ba805825da76410c181273ba90b1",
    version="v7.0.1",
)
SETUP_PYTHON = Action(
    name="actions/setup-python",
    commit="5fda3b95a4ea91299a34e894583c3862153e4b97",
    version="v7.0.0",
)
CACHE = Action(
    name="actions/cache",
    commit="55cc8345863c7cc4c66a329aec7e433d2d1c52a9",
    version="v6.1.0",
)
UPLOAD_ARTIFACT = Action(
    name="actions/upload-artifact",
    commit="043fb46d1a93c77aae656e7c1c64a875d1fc6a0a",
    version="v7.0.1",
)
DOWNLOAD_ARTIFACT = Action(
    name="actions/download-artifact",
    commit="3e5f45b2cfb9172054b4087a40e8e0b5a5461e7c",
    version="v8.0.1",
)
UPLOAD_SARIF = Action(
    name="github/codeql-action/upload-sarif",
    commit="5595ccaf912efad79be6eef63a5619ff05969be3",
    version="v4.37.6",
)
COSIGN_INSTALLER = Action(
    name="sigstore/cosign-installer",
    commit="6f9f17788090df1f26f669e9d70d6ae9567deba6",
    version="v4.1.2",
)

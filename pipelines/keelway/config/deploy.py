"""[deploy.NAME]: where releases are deployed; `kind` says what the target is."""

from typing import Annotated

from pydantic import Field

from keelway.config.deploy_compose import ComposeTarget
from keelway.config.deploy_gitops import GitOpsTarget
from keelway.config.deploy_kubernetes import KubernetesTarget

# One file a kind; the others are added with `|`.
DeployTarget = Annotated[
    ComposeTarget | GitOpsTarget | KubernetesTarget, Field(discriminator="kind")
]
"""A target of any kind."""

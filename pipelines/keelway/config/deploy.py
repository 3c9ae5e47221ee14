"""[deploy.NAME]: where releases are deployed; `kind` says what the target is."""

from typing import Annotated

from pydantic import Field

from keelway.config.deploy_compose import ComposeTarget

# One file a kind; the others are added with `|`.
DeployTarget = Annotated[ComposeTarget, Field(discriminator="kind")]
"""A target of any kind."""

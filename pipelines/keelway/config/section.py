"""What every section of the configuration is: strict, frozen, closed to unknown keys."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints

# The providers of Dagger's engine: https://docs.dagger.io/features/secrets.
SECRET_PATTERN = r"^(env|file|cmd|op|vault|libsecret|gcp|aws\+sm|aws\+ps)://.+$"  # noqa: S105 -- the form of an address, not a secret
PLATFORM_PATTERN = r"^[a-zA-Z0-9]+/[a-zA-Z0-9_]+(/[a-zA-Z0-9]+)?$"
# What a Dockerfile accepts as a name after ARG, and a shell as a variable.
VARIABLE_PATTERN = r"^[A-Za-z_][A-Za-z0-9_]*$"
# Names of images and bases become parts of image references and of file names.
NAME_PATTERN = r"^[a-z0-9]+([._-][a-z0-9]+)*$"
# What an experiment asks: plain HTTP, to a service of the compose file.
PROBE_PATTERN = r"^http://[^/\s:@]+(:[0-9]{1,5})?(/\S*)?$"

Text = Annotated[str, StringConstraints(min_length=1)]
Name = Annotated[str, StringConstraints(pattern=NAME_PATTERN, max_length=100)]
Variable = Annotated[str, StringConstraints(pattern=VARIABLE_PATTERN)]
PlatformText = Annotated[str, StringConstraints(pattern=PLATFORM_PATTERN)]
SecretSource = Annotated[str, StringConstraints(pattern=SECRET_PATTERN)]


class Section(BaseModel):
    """One table of the configuration file."""

    model_config = ConfigDict(
        strict=True,
        frozen=True,
        extra="forbid",
        defer_build=True,
    )

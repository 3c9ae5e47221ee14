"""[cache]: what the local engine made, taken from one machine to another."""

from typing import Annotated

from pydantic import StringConstraints

from keelway.config.section import SecretSource, Section, Text

AgeText = Annotated[str, StringConstraints(pattern=r"^[0-9]+[mhd]$")]


class CacheConfig(Section):
    """Where the local engine's cache comes from and goes to, on machines that live for one job.

    A place is a folder, for the cache step of a CI, or an artifact in a registry:
    `".cache/keelway-engine"`, `"registry.example.com/shop/cache:main"`, or as buildx has them,
    `"type=registry,ref=..."`, `"type=local,src=..."` and `"type=local,dest=..."`.
    """

    take_from: tuple[Text, ...] = ()
    """Where it is taken from before the work, in this order; `--cache-from` stands in for it."""
    put_to: tuple[Text, ...] = ()
    """Where it is put after the work; `--cache-to` stands in for it. Never for pull requests of
    forks.
    """
    key: SecretSource | None = None
    """A secret of at least 32 characters that signs it. Where it is set, only what it has signed is
    believed.
    """
    used_within: AgeText = "14d"
    """How long ago this project may have used what is put there: `12h`, `14d`."""
    volumes: tuple[Text, ...] = ()
    """Cache volumes that go along, by name. They replace none that is there."""

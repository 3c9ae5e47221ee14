"""[[hooks]]: the user's own commands before and after what keelway does."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from keelway.config.section import Name, Section, Text, Variable

When = Literal[
    "before-release", "after-release", "before-promote", "after-promote",
    "before-deploy", "after-deploy", "before-rollback", "after-rollback",
]  # fmt: skip


class HookConfig(Section):
    """A command, and when it is run."""

    name: Name | None = None
    """What it is called in messages; when it is run, when absent."""
    when: When
    """Before or after what."""
    command: Annotated[tuple[Text, ...], Field(min_length=1)]
    """The program and its arguments, without a shell, started in the configuration's folder."""
    environments: tuple[Text, ...] = ()
    """Only for these environments; for all, and for releases, when empty."""
    timeout_s: Annotated[int, Field(ge=1, le=3600)] = 60
    """After so many seconds it is ended, and has failed."""
    fails: Literal["stop", "tell"] | None = None
    """What its failure does: `"stop"` stops what it stands before, `"tell"` only says so.

    Before, it stops when nothing is said; after, there is nothing left to stop.
    """
    variables: tuple[Variable, ...] = ()
    """Environment variables that it gets beside `PATH`, `HOME` and keelway's own."""

    @model_validator(mode="after")
    def _only_before_stops(self) -> Self:
        if self.fails == "stop" and self.when.startswith("after-"):
            msg = 'what is done already cannot be stopped: set fails = "tell", or leave it out'
            raise ValueError(msg)
        return self

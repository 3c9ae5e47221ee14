"""[retention]: which published images a registry keeps, and for how long."""

from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from keelway.config.section import Name, Section, Text
from keelway.tags.selecting import compile_selector


def _selector(value: str) -> str:
    compile_selector(value)
    return value


class RetentionRule(Section):
    """What is kept of some tags. A tag that several rules are about is kept if one keeps it."""

    tags: tuple[Annotated[Text, AfterValidator(_selector)], ...] = ()
    """The tags that it is about: shell patterns, as `"develop-*"`, or regular expressions between
    slashes, as `"/^(.+)-[0-9a-f]{7}$/"`. What groups of an expression match tells sets apart that
    are counted each for itself: there, one for each branch.
    """
    environment: Name | None = None
    """An environment whose tags it is about, in place of `tags`."""
    images: tuple[Name, ...] = ()
    """The images that it is about; all when empty."""
    keep: bool = False
    """Whether all of them are kept, whatever other rules say."""
    keep_last: Annotated[int, Field(ge=0)] | None = None
    """How many are kept, the newest first; of each set for itself."""
    keep_days: Annotated[int, Field(ge=1)] | None = None
    """How many days they are kept, counted from when they were pushed where the registry tells
    that, else from when they were made.
    """

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if bool(self.tags) == (self.environment is not None):
            msg = "a rule is about tags, or about an environment: give one of them"
            raise ValueError(msg)
        limited = self.keep_last is not None or self.keep_days is not None
        if self.keep == limited:
            msg = "say what is kept: keep = true, or keep_last, keep_days or both"
            raise ValueError(msg)
        return self


class RetentionConfig(Section):
    """What `keelway retention plan` lets go; tags that no rule is about are kept."""

    rules: tuple[RetentionRule, ...] = ()
    """The rules."""
    keep_rollbacks: Annotated[int, Field(ge=0)] = 3
    """How many versions of each environment are kept to go back to, beside what runs."""
    grace_hours: Annotated[int, Field(ge=1)] = 2
    """How old what has no tag must be before it goes: somebody may be about to give it one."""

"""[tags]: the rules that name a release."""

from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    Field,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)

from keelway.config.section import Section
from keelway.tags.flavor import parse_flavor
from keelway.tags.rules import parse_rule

DEFAULT_RULES = ("type=ref,event=branch", "type=ref,event=tag", "type=sha")


def _checked(rule: str) -> str:
    parse_rule(rule)
    return rule


def _flavored(entry: str) -> str:
    parse_flavor([entry])
    return entry


def _latest(value: object, known: ValidatorFunctionWrapHandler) -> object:
    try:
        return known(value)
    except ValidationError:
        msg = f'{value!r} is neither "auto", true nor false'
        raise ValueError(msg) from None


class TagsConfig(Section):
    """The tags that a release gets, by rules in docker/metadata-action's written form."""

    rules: tuple[Annotated[str, AfterValidator(_checked)], ...] = DEFAULT_RULES
    """Rules, one tag each where they apply. The first tag by priority becomes the version."""
    latest: Annotated[Literal["auto"] | bool, WrapValidator(_latest)] = "auto"
    """Whether the tag `latest` is added: `"auto"`, `true` or `false`.

    With `"auto"` the rule of the highest priority that applies decides: `type=ref,event=tag` and
    `type=semver` bring it, a semver pre-release does not.
    """
    flavor: tuple[Annotated[str, AfterValidator(_flavored)], ...] = ()
    """What all tags have in common: `latest=...`, `prefix=...` and `suffix=...`.

    As docker/metadata-action writes it: `"suffix=-alpine,onlatest=true"`. A rule with a prefix or
    suffix of its own does not take this one. Its `latest` goes before the key of that name.
    """
    default_branch: str | None = None
    """The default branch, for `type=edge` and `{{is_default_branch}}`.

    Only needed where neither the CI nor the clone knows it.
    """
    sha_length: Annotated[int, Field(ge=4, le=64)] = 7
    """How many digits of the commit a short one has."""
    pr_head_sha: bool = False
    """Whether the commit of a pull request is its newest one, and not its merge into the target."""
    moving: Literal["forward", "free"] = "forward"
    """Whether `latest`, `1` and `1.2` only ever move to a newer release.

    With `"forward"` the registry's tags are looked at: a tag that already names a newer release
    stays where it is, and none of these moves to a pre-release; the tag of a whole commit stays at
    the first image of that commit. `"free"` lets rules decide alone.
    """

"""[tags]: the rules that name a release."""

from typing import Annotated, Literal

from pydantic import AfterValidator, ValidationError, ValidatorFunctionWrapHandler, WrapValidator

from keelway.config.section import Section
from keelway.tags.rules import parse_rule

DEFAULT_RULES = ("type=ref,event=branch", "type=ref,event=tag", "type=sha")


def _checked(rule: str) -> str:
    parse_rule(rule)
    return rule


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

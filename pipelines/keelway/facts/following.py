"""Images that are built on other images of the same configuration: they follow these."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from keelway.dockerfile.bases import external_images
from keelway.dockerfile.errors import DockerfileError, SyntaxProblem
from keelway.facts.inputs import dockerfile_text, parsed_dockerfile
from keelway.tags.reference import BadReferenceError, parse_reference

_FROM = re.compile(r"^\s*FROM\s+(?:--\S+\s+)*(\S+)", re.IGNORECASE | re.MULTILINE)
_FROM_OPTION = re.compile(r"\bfrom=([^\s,]+)", re.IGNORECASE)
_VARIABLE = re.compile(r"\$\{?(\w+)\}?")
_ESCAPE = re.compile(r"^#\s*escape\s*=", re.IGNORECASE | re.MULTILINE)
_UNCLEAR = frozenset("$`\\\"'")

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from keelway.model.changes import ImageInputs


def followers(
    inputs: Sequence[ImageInputs], changed: Collection[str]
) -> Mapping[str, tuple[str, ...]]:
    """Return the images that have to be built because others are, each with those others.

    An image follows another that it takes in `FROM`, `COPY --from` or a mount, by a tag. One that
    it names by a digest it does not follow: that stays what it is until the digest is changed.

    Args:
        inputs: All images.
        changed: Those that are built anyway.
    """
    owners = {name: one.image for one in inputs for name in one.repositories}
    if not owners or not changed:
        return {}
    uses = {one.image: {*_used(one, owners)} - {one.image} for one in inputs}
    known, found = set(changed), dict[str, tuple[str, ...]]()
    while new := {
        image: tuple(sorted(used & known))
        for image, used in uses.items()
        if image not in known and used & known
    }:
        found |= new
        known |= new.keys()
    return found


def _used(inputs: ImageInputs, owners: Mapping[str, str]) -> Iterator[str]:
    """Yield the other images that an image is built on or copies from."""
    try:
        if not _may_use(dockerfile_text(inputs), inputs.build_args, owners):
            return
        dockerfile = parsed_dockerfile(inputs)
        uses = [
            use
            for target in inputs.targets
            for use in external_images(dockerfile, build_args=inputs.build_args, target=target)
        ]
    except (OSError, DockerfileError, SyntaxProblem):
        return  # the build tells what is wrong with it
    for use in uses:
        owner = _owner(use.reference, owners)
        if owner is not None:
            yield owner


def _may_use(text: str, build_args: Mapping[str, str], owners: Mapping[str, str]) -> bool:
    """Return whether it takes reading the file to know which images it uses; quick."""
    for image in (*_FROM.findall(text), *_FROM_OPTION.findall(text)):
        variable = _VARIABLE.fullmatch(image)
        known = image if variable is None else build_args.get(variable[1], image)
        if _UNCLEAR & set(known) or _owner(known, owners) is not None:
            return True
    return _ESCAPE.search(text) is not None


def _owner(text: str, owners: Mapping[str, str]) -> str | None:
    if "@" in text:
        return None
    try:
        return owners.get(parse_reference(text).repository)
    except BadReferenceError:
        return None

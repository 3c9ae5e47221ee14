r"""Rules that a Dockerfile shows by itself.

Example:
    >>> from keelway.dockerfile import parse
    >>> hits = broken(parse("FROM debian:latest\nENV API_TOKEN=x\n"))
    >>> sorted((hit.rule, hit.line) for hit in hits)
    [('healthcheck', 1), ('no-latest', 1), ('no-secret-arguments', 2), ('user-not-root', 1)]
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from keelway.dockerfile.bases import external_images
from keelway.dockerfile.instructions import Add, Arg, Copy, Env, Healthcheck, User
from keelway.tags.reference import BadReferenceError, parse_reference

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from keelway.dockerfile.instructions import Instruction
    from keelway.dockerfile.stages import Dockerfile, Stage

_SECRET = re.compile(
    r"(^|_)(pass(word|wd|phrase)?|pwd|secrets?|tokens?|api_?key|access_?key|private_?key"
    r"|credentials?|auth)($|_)",
    re.IGNORECASE,
)
# Names that only talk about secrets: where they are, not what they are.
_HARMLESS = re.compile(r"_(file|path|dir|url|uri|name|id|ttl|expiry)$", re.IGNORECASE)
_SECRET_FILES = (
    ".env", ".env.*", "*.pem", "*.key", "id_rsa", "id_dsa", "id_ecdsa", "id_ed25519", ".npmrc",
    ".pypirc", ".netrc", ".git-credentials", "*.p12", "*.pfx", "*.jks", "*.kdbx", ".htpasswd",
    "credentials.json", "service-account*.json", ".dockerconfigjson",
)  # fmt: skip
_HARMLESS_FILES = (".env.example", ".env.sample", ".env.template", "*.pub")
_ROOT = frozenset({"root", "0"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """One place that breaks a rule."""

    rule: str
    line: int
    """Counted from 1."""
    message: str


def broken(
    dockerfile: Dockerfile,
    *,
    build_args: Mapping[str, str] | None = None,
    target: str = "",
    inherits: bool = False,
) -> tuple[Hit, ...]:
    """Return every place that breaks a rule, in the order of the file.

    Args:
        dockerfile: The Dockerfile.
        build_args: Values of arguments, over the defaults in the file.
        target: The stage that is built; the last when empty.
        inherits: Whether user and health check may come from the base image, which only the built
            image shows; then they are not asked of the file.

    Raises:
        DockerfileError: No stage is called as the target, or stages need each other in a circle.
        SyntaxProblem: A variable in a `FROM` cannot be read.
    """
    hits = [*_bases(dockerfile, build_args, target), *_secrets(dockerfile, target)]
    if not inherits:
        hits += _final(dockerfile, target)
    return tuple(sorted(set(hits), key=lambda hit: (hit.line, hit.rule, hit.message)))


def _bases(
    dockerfile: Dockerfile, build_args: Mapping[str, str] | None, target: str
) -> Iterator[Hit]:
    for use in external_images(dockerfile, build_args=build_args, target=target):
        line = use.location.line
        try:
            parsed = parse_reference(use.reference)
        except BadReferenceError as error:
            yield Hit(rule="base-pinned", line=line, message=str(error))
            continue
        if parsed.digest is not None:
            continue
        if parsed.tag == "latest":
            text = f"{use.reference} is whatever was pushed last"
            yield Hit(rule="no-latest", line=line, message=text)
        elif parsed.tag is None:
            text = f"{use.reference} names neither a version nor a digest"
            yield Hit(rule="base-pinned", line=line, message=text)


def _secrets(dockerfile: Dockerfile, target: str) -> Iterator[Hit]:
    yield from _arguments(dockerfile.arguments)
    for stage in dockerfile.needed(dockerfile.target(target)):
        yield from _arguments(stage.instructions)
        for instruction in stage.instructions:
            if isinstance(instruction, Copy | Add) and not getattr(instruction, "from_", ""):
                yield from _files(instruction)


def _arguments(instructions: tuple[Instruction, ...] | tuple[Arg, ...]) -> Iterator[Hit]:
    for instruction in instructions:
        names: list[tuple[str, str]] = []
        if isinstance(instruction, Arg):
            names = [("ARG", argument.name) for argument in instruction.arguments]
        elif isinstance(instruction, Env):
            names = [("ENV", pair.name) for pair in instruction.pairs]
        for word, name in names:
            if looks_secret(name):
                text = f"{word} {name}: what it holds stays in the image's configuration or history"
                yield Hit(rule="no-secret-arguments", line=instruction.location.line, message=text)


def looks_secret(name: str) -> bool:
    """Return whether a variable's name says that it holds a secret.

    >>> [looks_secret(name) for name in ("DB_PASSWORD", "TOKEN_FILE", "PASSENGERS")]
    [True, False, False]
    """
    return _SECRET.search(name) is not None and _HARMLESS.search(name) is None


def _files(instruction: Copy | Add) -> Iterator[Hit]:
    for source in instruction.sources:
        name = PurePosixPath(source).name
        harmless = any(fnmatchcase(name, pattern) for pattern in _HARMLESS_FILES)
        if not harmless and any(fnmatchcase(name, pattern) for pattern in _SECRET_FILES):
            text = f"{source} usually holds a secret, and would be in the image"
            yield Hit(rule="no-secret-files", line=instruction.location.line, message=text)


def _final(dockerfile: Dockerfile, target: str) -> Iterator[Hit]:
    """Look at what the final stage says of user and health, through the stages it is built on."""
    stage: Stage | None = dockerfile.target(target)
    line = dockerfile.target(target).base.location.line
    chain: list[Instruction] = []
    while stage is not None:
        chain = [*stage.instructions, *chain]
        stage = dockerfile.base_stage(stage, stage.base.image)
    users = [one for one in chain if isinstance(one, User)]
    if not users:
        yield Hit(rule="user-not-root", line=line, message="no USER: the image runs as root")
    elif is_root(users[-1].user):
        place = users[-1].location.line
        text = f"USER {users[-1].user} is root"
        yield Hit(rule="user-not-root", line=place, message=text)
    checks = [one for one in chain if isinstance(one, Healthcheck)]
    if not checks or checks[-1].command is None:
        text = "no HEALTHCHECK: nobody can tell whether it works"
        yield Hit(rule="healthcheck", line=line, message=text)


def is_root(user: str) -> bool:
    """Return whether a user, as an image's configuration names it, is root.

    >>> [is_root(user) for user in ("", "0:1000", "root", "1000", "app:app")]
    [True, True, True, False, False]
    """
    return user.partition(":")[0] in _ROOT | {""}

"""What compose files say of the images that they build."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from posixpath import normpath
from typing import TYPE_CHECKING, Any

from keelway.compose.locate import FILES, OVERRIDES
from keelway.survey.findings import FoundBuild, FoundRepository
from keelway.survey.loose import UnreadableError, as_table, read_yaml, table, text, texts

if TYPE_CHECKING:
    from collections.abc import Mapping

_TEST_PROFILES = frozenset({"test", "tests", "testing", "integration", "e2e"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Composed:
    """What was found."""

    builds: tuple[FoundBuild, ...] = ()
    suites: tuple[tuple[str, str], ...] = ()
    repositories: tuple[FoundRepository, ...] = ()
    notes: tuple[str, ...] = ()

    def __add__(self, other: Composed) -> Composed:
        """Return both."""
        return Composed(
            builds=(*self.builds, *other.builds),
            suites=(*self.suites, *other.suites),
            repositories=(*self.repositories, *other.repositories),
            notes=(*self.notes, *other.notes),
        )


def read_composed(root: Path) -> Composed:
    """Return what the compose files of a folder build; an override's word is the last."""
    found = Composed()
    for name in (*FILES, *OVERRIDES):
        if not (root / name).is_file():
            continue
        try:
            services = table(read_yaml(root / name), "services")
        except UnreadableError as error:
            found += Composed(notes=(f"{name}: {error}",))
            continue
        for service, value in services.items():
            found += _service(root, name, service, as_table(value))
    return replace(found, builds=_merged(found.builds))


def _merged(builds: tuple[FoundBuild, ...]) -> tuple[FoundBuild, ...]:
    """Return each service once, as the last file says it."""
    return tuple({build.where.partition(", ")[2]: build for build in builds}.values())


def _service(root: Path, file: str, service: str, value: Mapping[str, Any]) -> Composed:
    where = f"{file}, service {service}"
    suites = ((service, file),) if _TEST_PROFILES & set(texts(value.get("profiles"))) else ()
    build = value.get("build")
    if build is None:
        return Composed(suites=suites)
    section = {"context": build} if isinstance(build, str) else as_table(build)
    context = text(section, "context") or "."
    dockerfile = text(section, "dockerfile") or "Dockerfile"
    reason = _not_here(root, context, dockerfile, section)
    if reason is not None:
        return Composed(suites=suites, notes=(f"{where}: {reason}",))
    if suites:
        # The image with the tests is no image that is released.
        return Composed(suites=suites)
    image = text(value, "image")
    repository = repository_of(image)
    return Composed(
        builds=(
            FoundBuild(
                where=where,
                name=repository.rpartition("/")[2] or service,
                context=normpath(context),
                dockerfile=normpath(PurePosixPath(context) / dockerfile),
                target=text(section, "target"),
                args=_arguments(section.get("args")),
                platforms=texts(section.get("platforms")) or texts(value.get("platform")),
            ),
        ),
        repositories=(FoundRepository(repository=repository, where=where),) if repository else (),
    )


def _not_here(root: Path, context: str, dockerfile: str, section: Mapping[str, Any]) -> str | None:
    """Return why a build is none of a Dockerfile of this repository."""
    if "dockerfile_inline" in section:
        return "its Dockerfile stands in the compose file: put it into a file of its own"
    if "$" in context + dockerfile:
        return f"where it is built depends on a variable ({context}, {dockerfile})"
    if "://" in context or context.startswith("git@"):
        return f"it is built from elsewhere ({context})"
    path = normpath(PurePosixPath(context) / dockerfile)
    if path.startswith(("..", "/")):
        return f"its Dockerfile lies outside of the repository ({path})"
    return None if (root / path).is_file() else f"its Dockerfile is not there ({path})"


def _arguments(value: object) -> dict[str, str]:
    """Return the build arguments that have a value of their own."""
    pairs = [
        (one.partition("=")[0], one.partition("=")[2]) for one in texts(value) if "=" in one
    ] + [(name, str(one)) for name, one in as_table(value).items() if one is not None]
    return {name: one for name, one in pairs if "$" not in one}


def repository_of(image: str) -> str:
    """Return the repository that an image's name gives, with its host; nothing for a bare name.

    >>> [repository_of(one) for one in ("ghcr.io/acme/shop:1.2", "acme/shop", "shop", "r/$A:1")]
    ['ghcr.io/acme/shop', 'docker.io/acme/shop', '', '']
    """
    bare = image.partition("@")[0]
    head, _, last = bare.rpartition("/")
    # The default of `${TAG:-latest}` is in the tag, and of no matter.
    path = f"{head}/{last.partition(':')[0]}"
    if not head or "$" in path:
        return ""
    host = path.partition("/")[0]
    is_host = "." in host or ":" in host or host == "localhost"
    return path if is_host else f"docker.io/{path}"

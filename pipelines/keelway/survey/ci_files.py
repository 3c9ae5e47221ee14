"""What the files of CIs say of images: what they build, for which platforms, where they push."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from posixpath import normpath
from typing import TYPE_CHECKING, Any

from keelway.survey.composed import repository_of
from keelway.survey.findings import FoundBuild, FoundPlatforms, FoundRepository
from keelway.survey.loose import UnreadableError, read_text, read_yaml, table, tables_in, text
from keelway.survey.loose import texts as listed

if TYPE_CHECKING:
    from collections.abc import Mapping

_FILES = (
    ".gitlab-ci.yml", "Jenkinsfile", ".circleci/config.yml", "azure-pipelines.yml",
    "bitbucket-pipelines.yml", ".drone.yml", ".woodpecker.yml", ".travis.yml", "cloudbuild.yaml",
    "cloudbuild.yml", "buildspec.yml", ".buildkite/pipeline.yml", "appveyor.yml", ".appveyor.yml",
    ".semaphore/semaphore.yml", "codefresh.yml",
)  # fmt: skip
_FOLDERS = (".github/workflows", ".gitea/workflows", ".forgejo/workflows", ".woodpecker")
_ACTIONS = frozenset({".github/workflows", ".gitea/workflows", ".forgejo/workflows"})
_BUILD, _METADATA = "docker/build-push-action", "docker/metadata-action"

_PLATFORM = re.compile(r"--platform[= ]+[\"']?([a-z0-9]+/[a-z0-9/]+(?:,[a-z0-9]+/[a-z0-9/]+)*)")
_PUSH = re.compile(r"\bdocker(?:x)?\s+push\s+[\"']?([^\s\"';|&]+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class FromCi:
    """What was found."""

    files: tuple[str, ...] = ()
    builds: tuple[FoundBuild, ...] = ()
    platforms: tuple[FoundPlatforms, ...] = ()
    repositories: tuple[FoundRepository, ...] = ()
    rules: tuple[str, ...] = ()
    rules_from: str = ""
    notes: tuple[str, ...] = ()

    def __add__(self, other: FromCi) -> FromCi:
        """Return both; of tag rules those that came first."""
        return FromCi(
            files=(*self.files, *other.files),
            builds=(*self.builds, *other.builds),
            platforms=(*self.platforms, *other.platforms),
            repositories=(*self.repositories, *other.repositories),
            rules=self.rules or other.rules,
            rules_from=self.rules_from or other.rules_from,
            notes=(*self.notes, *other.notes),
        )


def read_ci(root: Path, project: str) -> FromCi:
    """Return what the files of CIs say.

    Args:
        root: The repository.
        project: `owner/name` of its remote, which some CIs put in place of variables.
    """
    found = FromCi()
    for name in _names(root):
        try:
            content = read_text(root / name)
        except UnreadableError as error:
            found += FromCi(files=(name,), notes=(f"{name}: {error}",))
            continue
        found += replace(_any(name, content, project), files=(name,))
        if str(PurePosixPath(name).parent) in _ACTIONS:
            found += _workflow(root, name, project)
    return found


def _names(root: Path) -> list[str]:
    names = [name for name in _FILES if (root / name).is_file()]
    for folder in _FOLDERS:
        if (root / folder).is_dir():
            names += sorted(
                f"{folder}/{one.name}"
                for one in (root / folder).iterdir()
                if one.suffix in {".yml", ".yaml"} and one.is_file()
            )
    return names


def _any(name: str, content: str, project: str) -> FromCi:
    """Return what the commands in any CI's file show."""
    platforms = tuple(
        FoundPlatforms(platforms=tuple(found.split(",")), where=name)
        for found in dict.fromkeys(_PLATFORM.findall(content))
    )
    pushed = [
        repository_of(_filled(image, name, project))
        for image in dict.fromkeys(_PUSH.findall(content))
    ]
    return FromCi(
        platforms=platforms,
        repositories=tuple(
            FoundRepository(repository=one, where=f"{name}, docker push") for one in pushed if one
        ),
    )


def _filled(image: str, name: str, project: str) -> str:
    """Return an image's name with what a CI puts in place of its best-known variables."""
    owner = project.partition("/")[0]
    values = {
        r"\$\{\{\s*github\.repository\s*\}\}": project,
        r"\$\{\{\s*github\.repository_owner\s*\}\}": owner,
        r"\$\{?GITHUB_REPOSITORY\}?\b": project,
    }
    if name == ".gitlab-ci.yml":
        values[r"\$\{?CI_REGISTRY_IMAGE\}?"] = f"registry.gitlab.com/{project}" if project else ""
    for pattern, value in values.items():
        if value:
            image = re.sub(pattern, value.lower(), image)
    return image


def _workflow(root: Path, name: str, project: str) -> FromCi:
    """Return what the steps of a workflow in GitHub's form show."""
    try:
        document = read_yaml(root / name)
    except UnreadableError as error:
        return FromCi(notes=(f"{name}: {error}",))
    found = FromCi()
    for step in tables_in(document):
        action = text(step, "uses").partition("@")[0]
        if action == _BUILD:
            found += _build(root, name, step)
        elif action == _METADATA:
            found += _metadata(name, step, project)
    return found


def _build(root: Path, name: str, step: Mapping[str, Any]) -> FromCi:
    given = table(step, "with")
    where = f"{name}, {_BUILD}"
    # Without a context the action takes the commit, and so the folder of the repository.
    context = normpath(text(given, "context") or ".")
    file = text(given, "file")
    dockerfile = normpath(file or PurePosixPath(context) / "Dockerfile")
    platforms = _platforms(given.get("platforms"))
    if "$" in context + dockerfile or not (root / dockerfile).is_file():
        note = f"{where}: which Dockerfile it builds is not to be seen ({dockerfile})"
        return FromCi(notes=(note,), platforms=_said(platforms, where))
    build = FoundBuild(
        where=where,
        name="",
        context=context,
        dockerfile=dockerfile,
        target=_plain(text(given, "target")),
        platforms=platforms,
    )
    return FromCi(builds=(build,))


def _said(platforms: tuple[str, ...], where: str) -> tuple[FoundPlatforms, ...]:
    return (FoundPlatforms(platforms=platforms, where=where),) if platforms else ()


def _platforms(value: object) -> tuple[str, ...]:
    words = [word.strip() for line in listed(value) for word in line.split(",")]
    return tuple(word for word in words if word and "$" not in word)


def _plain(value: str) -> str:
    return "" if "$" in value else value


def _metadata(name: str, step: Mapping[str, Any], project: str) -> FromCi:
    given = table(step, "with")
    where = f"{name}, {_METADATA}"
    repositories: list[FoundRepository] = []
    notes: list[str] = []
    for image in listed(given.get("images")):
        plain = image.removeprefix("name=").partition(",")[0]
        repository = repository_of(_filled(plain, name, project))
        if repository:
            repositories.append(FoundRepository(repository=repository, where=where))
        else:
            notes.append(f"{where}: which registry {plain} is in is not to be seen")
    rules = tuple(rule for rule in listed(given.get("tags")) if not rule.startswith("#"))
    return FromCi(
        repositories=tuple(repositories),
        rules=rules,
        rules_from=where if rules else "",
        notes=tuple(notes),
    )

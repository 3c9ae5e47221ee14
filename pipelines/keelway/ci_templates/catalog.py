"""Every CI that pipelines are written for, and which of them a repository has.

Example:
    >>> [template.name for template in TEMPLATES][:3]
    ['github', 'gitlab', 'jenkins']
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from keelway.ci_templates import (
    azure,
    bitbucket,
    buildkite,
    circleci,
    github,
    gitlab,
    jenkins,
    updates,
    woodpecker,
)
from keelway.ci_templates.seal import seal
from keelway.errors import ConfigError, ConfigProblem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from keelway.ci_templates.description import Pipeline

COMMAND = "keelway init ci"


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """A CI and the files that it reads."""

    name: str
    title: str
    marks: tuple[str, ...]
    """Paths by which a repository shows that it uses this CI."""
    render: Callable[[Pipeline], Mapping[str, str]]


TEMPLATES: tuple[Template, ...] = (
    Template(
        name="github", title="GitHub Actions", marks=(".github/workflows",), render=github.render
    ),
    Template(name="gitlab", title="GitLab CI/CD", marks=(gitlab.PIPELINE,), render=gitlab.render),
    Template(name="jenkins", title="Jenkins", marks=(jenkins.PIPELINE,), render=jenkins.render),
    Template(name="circleci", title="CircleCI", marks=(".circleci",), render=circleci.render),
    Template(name="azure", title="Azure Pipelines", marks=(azure.PIPELINE,), render=azure.render),
    Template(
        name="bitbucket",
        title="Bitbucket Pipelines",
        marks=(bitbucket.PIPELINE,),
        render=bitbucket.render,
    ),
    Template(name="buildkite", title="Buildkite", marks=(".buildkite",), render=buildkite.render),
    Template(
        name="woodpecker",
        title="Woodpecker",
        marks=(".woodpecker", ".woodpecker.yml", ".woodpecker.yaml"),
        render=woodpecker.render_woodpecker,
    ),
    Template(
        name="drone", title="Drone", marks=(woodpecker.DRONE,), render=woodpecker.render_drone
    ),
)
UPDATES: tuple[Template, ...] = (
    Template(name="dependabot", title="Dependabot", marks=(), render=updates.render_dependabot),
    Template(name="renovate", title="Renovate", marks=(), render=updates.render_renovate),
)
"""What proposes newer versions; one of them comes with every CI."""

_BY_NAME = {template.name: template for template in (*TEMPLATES, *UPDATES)}


def choose(names: Iterable[str], present: Iterable[str]) -> tuple[Template, ...]:
    """Return the templates to write: those that were named, else that of the CI in use.

    Args:
        names: What the user named.
        present: The marks that the repository has.

    Raises:
        ConfigError: When there is no CI of a name, or none is named and not exactly one in use.
    """
    chosen = [_named(name) for name in dict.fromkeys(name.lower() for name in names)] or [
        _in_use(frozenset(present))
    ]
    if not any(template in UPDATES for template in chosen):
        has_github = any(template.name == "github" for template in chosen)
        chosen.append(_BY_NAME["dependabot" if has_github else "renovate"])
    return tuple(chosen)


def render(templates: Iterable[Template], pipeline: Pipeline) -> dict[str, str]:
    """Return the files by their paths, each with the mark by which changes are seen."""
    return {
        path: seal(path, text, version=pipeline.version, folder=pipeline.folder)
        for template in templates
        for path, text in template.render(pipeline).items()
    }


def _named(name: str) -> Template:
    found = _BY_NAME.get(name)
    if found is None:
        near = difflib.get_close_matches(name, _BY_NAME, n=1)
        raise _problem(
            f"{name!r} is no CI that pipelines are written for", near[0] if near else None
        )
    return found


def _in_use(present: frozenset[str]) -> Template:
    used = [template for template in TEMPLATES if present & set(template.marks)]
    if len(used) == 1:
        return used[0]
    if not used:
        raise _problem("no CI is named, and this repository shows none")
    shown = " and ".join(
        f"{mark} ({template.title})"
        for template in used
        for mark in template.marks
        if mark in present
    )
    raise _problem(f"this repository has files of more than one CI: {shown}")


def _problem(text: str, suggestion: str | None = None) -> ConfigError:
    problem = ConfigProblem(file=COMMAND, line=None, key="", text=text, suggestion=suggestion)
    return ConfigError([problem], next_step=f"name one or more of {', '.join(_BY_NAME)}")

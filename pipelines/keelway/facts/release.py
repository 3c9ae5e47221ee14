"""What a release is called here: the configuration's rules, and what git and the CI say.

Example:
    >>> from keelway.config import Config, ImageConfig, ProjectConfig, TagsConfig
    >>> from keelway.facts import Facts, find_job
    >>> config = Config(
    ...     project=ProjectConfig(name="shop"),
    ...     images={"orders": ImageConfig()},
    ...     tags=TagsConfig(rules=("type=ref,event=tag",)),
    ... )
    >>> job = find_job({"GITLAB_CI": "true", "CI_COMMIT_TAG": "v1.2.3", "CI_COMMIT_SHA": "ab" * 20})
    >>> release_names(config, Facts(job=job)).tags
    ('v1.2.3', 'latest')
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from keelway.errors import PlanError
from keelway.tags.annotations import filled, split_levels
from keelway.tags.flavor import parse_flavor
from keelway.tags.labels import standard_labels
from keelway.tags.moving import floating
from keelway.tags.naming import Names, name_release
from keelway.tags.occasion import GitRef, Occasion, occasion_of
from keelway.tags.rules import RuleError

if TYPE_CHECKING:
    from collections.abc import Generator

    from keelway.config import Config, ProjectConfig, TagsConfig
    from keelway.facts.here import Facts
    from keelway.tags.annotations import Annotations
    from keelway.tags.moving import Floating


def release_names(config: Config, facts: Facts) -> Names:
    """Return the tags of the release, and why rules gave none.

    Raises:
        PlanError: When a rule comes to something impossible here.
    """
    tags = config.tags
    try:
        return name_release(
            tags.rules,
            release_occasion(tags, facts),
            latest=tags.latest,
            flavor=parse_flavor(tags.flavor),
        )
    except RuleError as error:
        raise PlanError(
            f"tags.rules: {error}",
            next_step="correct the rule; `keelway tags` explains each of them",
        ) from error


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseTexts:
    """What is said of the images of a release: found out once for all of them."""

    project: ProjectConfig
    occasion: Occasion
    version: str | None
    epoch: int | None

    def standard_labels(self, image: str) -> dict[str, str]:
        """Return the standard labels of an image, by what is released."""
        project = self.project
        return standard_labels(
            {
                "title": image,
                "description": project.description,
                "url": project.url,
                "source": project.source,
                "documentation": project.documentation,
                "licenses": project.licenses,
                "vendor": project.vendor,
                "authors": project.authors,
            },
            version=self.version,
            revision=self.occasion.sha,
            epoch=self.epoch,
        )

    def labels(self) -> dict[str, str]:
        """Return the labels of every image that the project adds to the standard ones.

        Raises:
            PlanError: When a text asks for what is not known here.
        """
        with _told("project.labels"):
            return {
                key: filled(key, text, self.occasion) for key, text in self.project.labels.items()
            }

    def annotations(self, image: str) -> Annotations:
        """Return what is said of an image, by level.

        Raises:
            PlanError: When a text asks for what is not known here.
        """
        with _told("project.annotations"):
            return split_levels(
                self.project.annotations,
                self.occasion,
                self.standard_labels(image),
                self.project.annotation_levels,
            )


def release_texts(config: Config, facts: Facts) -> ReleaseTexts:
    """Return what is said of the images of a release.

    Raises:
        PlanError: When a tag rule comes to something impossible here.
    """
    return ReleaseTexts(
        project=config.project,
        occasion=release_occasion(config.tags, facts),
        version=release_names(config, facts).version,
        epoch=facts.epoch,
    )


@contextmanager
def _told(where: str) -> Generator[None]:
    """Name the place of what a text asks for in vain."""
    try:
        yield
    except RuleError as error:
        next_step = "write the text itself, or run where what it asks for is known"
        raise PlanError(f"{where}: {error}", next_step=next_step) from error


def release_floating(config: Config, facts: Facts, names: Names) -> tuple[Floating, ...]:
    """Return the tags that only move forward; none where the configuration lets them go free."""
    if config.tags.moving == "free":
        return ()
    ref = release_occasion(config.tags, facts).ref
    return floating(names, ref.name if ref is not None and ref.kind == "tag" else None)


def release_occasion(tags: TagsConfig, facts: Facts) -> Occasion:
    """Return the occasion of the release: git's, with what the CI knows better."""
    local = occasion_of(facts.commit, epoch=facts.epoch, sha_length=tags.sha_length)
    remembered = None if facts.commit is None else facts.commit.default_branch
    job = facts.job
    if job is None:
        return replace(local, default_branch=tags.default_branch or remembered)
    head = job.head_sha if tags.pr_head_sha and job.event == "pull_request" else None
    here = replace(
        local,
        event=job.event,
        sha=head or local.sha or job.sha,
        base_ref=job.base_ref,
        default_branch=tags.default_branch or job.default_branch or remembered,
        on_default_branch=job.on_default_branch,
    )
    if job.ref is None:
        return here
    git_tag = None if facts.commit is None else facts.commit.tag
    over = GitRef(kind="tag", name=git_tag) if git_tag and job.ref.kind == "branch" else None
    return replace(here, ref=job.ref, passed_over=over)

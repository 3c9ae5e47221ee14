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

from dataclasses import replace
from typing import TYPE_CHECKING

from keelway.errors import PlanError
from keelway.tags.flavor import parse_flavor
from keelway.tags.moving import floating
from keelway.tags.naming import Names, name_release
from keelway.tags.occasion import GitRef, Occasion, occasion_of
from keelway.tags.rules import RuleError

if TYPE_CHECKING:
    from keelway.config import Config, TagsConfig
    from keelway.facts.here import Facts
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

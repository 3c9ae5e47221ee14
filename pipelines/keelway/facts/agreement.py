"""Whether git and the CI say the same, and which of them counts where they do not.

Example:
    >>> from keelway.facts.ci import find_job
    >>> agree(None, find_job({"GITLAB_CI": "true", "CI_COMMIT_SHA": "ab" * 20}))
    ('git knows no commit here: GitLab CI/CD says it is abababa (CI_COMMIT_SHA)',)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from keelway.errors import PlanError
from keelway.facts.ci.detect import CHOICE
from keelway.tags.commit import SHORT_SHA

if TYPE_CHECKING:
    from collections.abc import Iterator

    from keelway.facts.ci.job import CiJob
    from keelway.tags.commit import Commit


def agree(commit: Commit | None, job: CiJob | None) -> tuple[str, ...]:
    """Return what they say differently without harm, in words that tell which one counts.

    What is built is what is checked out, so git's commit counts. The CI knows better what the run
    is for, so its branch or tag counts. A pull request is checked out as one of several commits:
    its own, or its merge into the target. Of all other runs the commit must be the CI's:
    otherwise a tag would name an image of something else.

    Raises:
        PlanError: When what is checked out is not what the run is for.
    """
    if job is None:
        return ()
    if commit is None:
        if job.sha is None:
            return ()
        told = f"{job.sha[:SHORT_SHA]} ({job.sha_variable})"
        return (f"git knows no commit here: {job.title} says it is {told}",)
    if job.sha is not None and job.sha != commit.sha and job.event != "pull_request":
        raise PlanError(
            f"{job.title} runs for the commit {job.sha} ({job.sha_variable}), and what is checked"
            f" out is {commit.sha}",
            why="tags by the CI's branch or git tag would name another commit's image",
            next_step=f"check out the commit that the run is for, or set {CHOICE}=none to go by git"
            " alone",
        )
    return tuple(_differences(commit, job))


def _differences(commit: Commit, job: CiJob) -> Iterator[str]:
    if job.sha is not None and job.sha not in {commit.sha, job.head_sha}:
        yield (
            f"{job.sha_variable} is {job.sha[:SHORT_SHA]}, and {commit.short_sha} is checked out:"
            " what is checked out counts"
        )
    ref = job.ref
    if ref is None:
        yield f"{job.title} does not tell what the run is for: the branch or tag of git counts"
    elif ref.kind == "branch" and commit.branch not in {None, ref.name}:
        yield (
            f"{job.ref_variable} is {ref.name}, and the branch {commit.branch} is checked out:"
            f" {ref.name} counts"
        )
    elif ref.kind == "tag" and ref.name not in {commit.tag, *commit.tags}:
        yield f"{job.ref_variable} is {ref.name}, which this clone does not have: it counts"

"""A release brought to a repository that a cluster follows, and what was brought there before.

Going back is the same with the images of an earlier entry: a commit that names its digests.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from keelway._secrets import read_own_secret
from keelway.gitops.access import open_access
from keelway.gitops.message import fill, message_of, title_of, words_of
from keelway.gitops.problem import STAGE
from keelway.gitops.pull_requests import Proposal, open_pull_request
from keelway.gitops.writing import read_entries, write_release
from keelway.model.history import DeliveryOutcome, HistoryEntry
from keelway.model.target_release import TargetOutcome

if TYPE_CHECKING:
    from keelway._stage import Run
    from keelway.gitops.spec import GitOpsSpec
    from keelway.gitops.writing import Written
    from keelway.model.target_release import TargetRelease

HISTORY_LIMIT = 200


async def deploy_gitops(run: Run, spec: GitOpsSpec, release: TargetRelease) -> TargetOutcome:
    """Return what became of a release in a repository: a commit, or nothing to change.

    Args:
        run: The run.
        spec: The repository, and where in it the images stand.
        release: The images by digest, verified before.

    Raises:
        PlanError: A secret cannot be read.
        GitOpsError: Nothing was pushed, and why.
    """
    began = run.clock.now()
    async with open_access(run, spec) as access:
        written = await write_release(access, spec, release)
    proposed = await _propose(run, spec, release, written)
    ended = run.clock.now()
    details = _details(spec, written, proposed)
    for line in details:
        run.say(STAGE, line)
    entry = HistoryEntry(
        at=ended,
        event=release.event,
        outcome=DeliveryOutcome.SUCCEEDED,
        project=spec.project,
        environment=spec.environment,
        target=spec.target,
        version=release.version,
        images=release.images,
        evidence=release.evidence,
        actor=release.actor,
        duration_s=(ended - began).total_seconds(),
        replaced=written.replaced,
        reason=release.reason,
    )
    return TargetOutcome(entry=entry, changed=written.changed, details=details, url=proposed)


async def read_gitops_history(
    run: Run, spec: GitOpsSpec, limit: int = HISTORY_LIMIT
) -> tuple[HistoryEntry, ...]:
    """Return what the followed branch tells of a target, oldest first: its commits' trailers.

    Raises:
        PlanError: A secret cannot be read.
        GitOpsError: The repository could not be read.
    """
    async with open_access(run, spec, writes=False) as access:
        return await read_entries(access, spec, limit)


async def _propose(
    run: Run, spec: GitOpsSpec, release: TargetRelease, written: Written
) -> str | None:
    wanted = spec.pull_request
    if wanted is None or not written.changed:
        return None
    what = f"the token of {spec.target}'s pull request"
    token = (await read_own_secret(wanted.token, what=what, run=run)).strip()
    title = title_of(spec, release, written.replaced).splitlines()[0]
    if wanted.title is not None:
        title = fill(wanted.title, words_of(spec, release, written.replaced))
    body = message_of(spec, release, written.replaced)
    proposal = Proposal(title=title, body=body, branch=written.branch, onto=spec.branch)
    return await open_pull_request(wanted, token, proposal)


def _details(spec: GitOpsSpec, written: Written, proposed: str | None) -> tuple[str, ...]:
    if not written.changed:
        return (f"{spec.branch} of {spec.url} has these images already: nothing to commit",)
    tries = f", at try {written.tries}" if written.tries > 1 else ""
    said = f"commit {written.commit[:12]} on {written.branch}{tries}: {', '.join(written.files)}"
    return (said, f"pull request: {proposed}") if proposed else (said,)

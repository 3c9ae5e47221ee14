"""Who does it, and from where: the account of a CI's job, or of this machine.

Example:
    >>> find_actor(None, {"USER": "ann"}, "laptop")
    Actor(who='ann', where='laptop', run_url=None)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from keelway.model.history import Actor

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keelway.facts.ci.job import CiJob


def find_actor(job: CiJob | None, environ: Mapping[str, str], machine: str) -> Actor:
    """Return who it is, as far as anybody says.

    Args:
        job: What the CI says of the job.
        environ: The environment.
        machine: The name of this machine.
    """
    own = environ.get("USER") or environ.get("LOGNAME") or ""
    if job is None:
        return Actor(who=own or "unknown", where=machine or "this machine")
    return Actor(who=job.actor or own or job.title, where=job.title, run_url=job.run_url)

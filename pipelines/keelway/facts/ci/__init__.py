"""What the CI that runs this says of itself: one file a provider, one interface.

Example:
    >>> job = find_job({"GITLAB_CI": "true", "CI_PIPELINE_SOURCE": "push", "CI_COMMIT_TAG": "v1"})
    >>> job.provider, job.event, str(job.ref)
    ('gitlab', 'tag', 'the git tag v1')
"""

from keelway.facts.ci.detect import PROVIDERS, find_job
from keelway.facts.ci.job import CiJob, Provider

__all__ = ["PROVIDERS", "CiJob", "Provider", "find_job"]

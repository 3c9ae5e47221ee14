"""Who builds, told by the environment: this machine, or a CI's job.

The variables are those of the providers' own pages: GitHub "Default environment variables",
GitLab "Predefined CI/CD variables reference", Jenkins "Using environment variables".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from keelway.model.provenance import Builder

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keelway.facts.ci.job import CiJob

LOCAL = Builder(id="urn:keelway:builder:local", kind="local")


def find_builder(environ: Mapping[str, str], job: CiJob | None = None) -> Builder:
    """Return who builds here, as far as the environment may be believed.

    Args:
        environ: The environment.
        job: What the CI says of the job, for the providers that are not told apart here.

    A workflow that others reuse is not told here: only the token of its job proves that it runs
    (`keelway.evidence.claims`), and any job could set a variable.

    >>> find_builder({}).id
    'urn:keelway:builder:local'
    >>> find_builder(
    ...     {
    ...         "GITLAB_CI": "true",
    ...         "CI_SERVER_URL": "https://gitlab.example.com",
    ...         "CI_PROJECT_PATH": "shop/orders",
    ...         "CI_JOB_URL": "https://gitlab.example.com/shop/orders/-/jobs/7",
    ...     }
    ... ).id
    'https://gitlab.example.com/shop/orders'
    """
    if environ.get("GITHUB_ACTIONS") == "true":
        return _github(environ)
    if environ.get("GITLAB_CI") == "true":
        server = environ.get("CI_SERVER_URL", "https://gitlab.com")
        project = environ.get("CI_PROJECT_PATH", "")
        return Builder(
            id=f"{server}/{project}", kind="ci", invocation=environ.get("CI_JOB_URL") or None
        )
    if environ.get("JENKINS_URL"):
        address = environ.get("JOB_URL") or environ["JENKINS_URL"]
        return Builder(id=address, kind="ci", invocation=environ.get("BUILD_URL") or None)
    if job is not None:
        where = job.repository or job.title
        return Builder(
            id=f"urn:keelway:builder:{job.provider}:{where}", kind="ci", invocation=job.run_url
        )
    return LOCAL


def _github(environ: Mapping[str, str]) -> Builder:
    server = environ.get("GITHUB_SERVER_URL", "https://github.com")
    repository = environ.get("GITHUB_REPOSITORY", "")
    run, attempt = environ.get("GITHUB_RUN_ID", ""), environ.get("GITHUB_RUN_ATTEMPT", "1")
    invocation = f"{server}/{repository}/actions/runs/{run}/attempts/{attempt}" if run else None
    workflow = environ.get("GITHUB_WORKFLOW_REF") or f"{repository}/.github/workflows"
    return Builder(id=f"{server}/{workflow}", kind="ci", invocation=invocation)

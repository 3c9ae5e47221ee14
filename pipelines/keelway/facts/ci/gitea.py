"""Gitea Actions and Forgejo Actions: GitHub's variables, and one of their own.

Gitea: https://docs.gitea.com/usage/actions/overview (the runner sets GITEA_ACTIONS)
Forgejo: https://forgejo.org/docs/latest/user/actions/reference/ (its runner sets FORGEJO_ACTIONS)
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from keelway.facts.ci.github import read_job
from keelway.facts.ci.job import Provider, marked

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keelway.facts.ci.job import CiJob, Read


def _mark(environ: Mapping[str, str]) -> str | None:
    names = ("GITEA_ACTIONS", "FORGEJO_ACTIONS")
    return next((name for name in names if marked(name, "true")(environ)), None)


def _read(environ: Mapping[str, str], read: Read) -> CiJob:
    title = "Forgejo Actions" if environ.get("FORGEJO_ACTIONS") else "Gitea Actions"
    return replace(read_job(environ, read), provider="gitea", title=title)


PROVIDER = Provider(
    name="gitea", title="Gitea or Forgejo Actions", mark=_mark, read=_read, over=("github",)
)

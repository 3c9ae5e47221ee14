"""A repository that a cluster would follow, releases for it, and a run that has secrets."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, cast

import pytest

from keelway._stage import Run
from keelway.gitops.spec import GitOpsSpec
from keelway.model.history import Actor
from keelway.model.target_release import TargetRelease
from tests.support.repositories import Repository, new_repository

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    import dagger

REPOSITORY = "registry.example.com/shop/orders"
FILES = {
    "overlays/production/kustomization.yaml": (
        "resources: [../../base]\n"
        "images:\n"
        "- name: orders   # the API\n"
        "  newTag: v1\n"
        "\n"
        "# Nothing below.\n"
    ),
    "base/kustomization.yaml": "resources: [orders.yaml]\n",
    "base/orders.yaml": (
        "apiVersion: apps/v1\n"
        "kind: Deployment\n"
        "metadata: {name: orders}\n"
        "spec:\n"
        "  selector: {matchLabels: {app: orders}}\n"
        "  template:\n"
        "    metadata: {labels: {app: orders}}\n"
        "    spec: {containers: [{name: app, image: orders}]}\n"
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Followed:
    """A bare repository, and somebody else's clone of it."""

    bare: Path
    other: Repository

    def git(self, *words: str) -> str:
        """Run git in the bare one."""
        return Repository(path=self.bare).git(*words)

    def file(self, path: str, *, of: str = "main") -> str:
        """Return a file as the branch has it."""
        return self.git("show", f"{of}:{path}")

    def hook(self, name: str, script: str) -> None:
        """Put a hook into the bare one."""
        path = self.bare / "hooks" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)

    def somebody_pushes(self, files: Mapping[str, str], message: str = "by hand") -> None:
        """Commit and push as somebody else."""
        self.other.git("pull", "-q", "origin", "main")
        self.other.commit(files, message)
        self.other.git("push", "-q", "origin", "main")


def followed(folder: Path, files: Mapping[str, str] = FILES) -> Followed:
    """Return a new repository with these files on `main`."""
    other = new_repository(folder / "other")
    other.commit(files, "first")
    bare = folder / "deploy.git"
    other.git("clone", "-q", "--bare", str(other.path), str(bare))
    other.git("remote", "add", "origin", str(bare))
    return Followed(bare=bare, other=other)


def spec_of(there: Followed, **changes: Any) -> GitOpsSpec:
    """Return the target that writes into it."""
    spec = GitOpsSpec(
        target="web",
        project="shop",
        environment="production",
        url=there.bare.as_uri(),
        branch="main",
        format="kustomize",
        path="overlays/production",
        images={"orders": "orders"},
        check="never",
    )
    return replace(spec, **changes)


def release(version: str, digit: str, **changes: Any) -> TargetRelease:
    """Return a release whose image has a digest of one digit."""
    made = TargetRelease(
        version=version,
        images={"orders": f"{REPOSITORY}@sha256:{digit * 64}"},
        actor=Actor(who="kim", where="ci", run_url="https://ci.example.com/7"),
        evidence=("signature: key",),
    )
    return replace(made, **changes)


@contextmanager
def run_with(**secrets: str) -> Iterator[Run]:
    """Yield a run in which `env://NAME` has the value given for the name; no engine is at work."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in secrets.items():
            patch.setenv(name, value)
        yield Run(cast("dagger.Client", None))

"""Releases written into a repository: one commit, or none, whatever others do meanwhile."""

from __future__ import annotations

import base64
import os
import tempfile
from dataclasses import replace
from typing import TYPE_CHECKING

import anyio
import pytest

from keelway.gitops.deploying import deploy_gitops, read_gitops_history
from keelway.gitops.problem import GitOpsError
from keelway.gitops.spec import GitOpsSpec, LoginSpec
from keelway.model.history import DeliveryEvent
from keelway.model.target_release import TargetOutcome, TargetRelease, earlier_release
from tests.support.gitops import REPOSITORY, followed, release, run_with, spec_of
from tests.support.repositories import Repository, git_server

if TYPE_CHECKING:
    from pathlib import Path

FILE = "overlays/production/kustomization.yaml"
TOKEN = "glpat-not-to-be-seen"  # noqa: S105 - it opens nothing


async def deploy(spec: GitOpsSpec, wanted: TargetRelease, **secrets: str) -> TargetOutcome:
    with run_with(**secrets) as run:
        return await deploy_gitops(run, spec, wanted)


@pytest.fixture(autouse=True)
def _nothing_is_left(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> object:
    (tmp_path / "t").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "t"))
    yield
    assert not list((tmp_path / "t").iterdir())


async def test_a_commit_changes_the_lines_that_have_to_and_says_what_it_is(tmp_path: Path) -> None:
    there = followed(tmp_path)
    done = await deploy(spec_of(there), release("2.0", "a"))
    assert done.changed
    changed = there.git("show", "-U0", "--format=", "main").splitlines()
    assert [line for line in changed if line[:1] in "+-" and line[:3] not in {"+++", "---"}] == [
        "-  newTag: v1",
        f"+  newName: {REPOSITORY}",
        '+  newTag: "2.0"',
        f"+  digest: sha256:{'a' * 64}",
    ]
    assert there.git("log", "-1", "--format=%an <%ae>%n%B", "main") == (
        "keelway <keelway@localhost>\n"
        "Deploy shop 2.0 to production\n\n"
        "Keelway-Target: web\n"
        "Keelway-Project: shop\n"
        "Keelway-Environment: production\n"
        "Keelway-Event: deploy\n"
        "Keelway-Version: 2.0\n"
        f"Keelway-Image: orders={REPOSITORY}@sha256:{'a' * 64}\n"
        "Keelway-Actor: kim\n"
        "Keelway-Where: ci\n"
        "Keelway-Run: https://ci.example.com/7\n"
        "Keelway-Evidence: signature: key"
    )


async def test_nothing_to_change_is_no_commit(tmp_path: Path) -> None:
    there = followed(tmp_path)
    await deploy(spec_of(there), release("2.0", "a"))
    before = there.git("rev-parse", "main")
    again = await deploy(spec_of(there), release("2.0", "a"))
    assert not again.changed
    assert "nothing to commit" in again.details[0]
    assert there.git("rev-parse", "main") == before


async def test_the_history_is_read_again_and_a_rollback_restores_digests(tmp_path: Path) -> None:
    there = followed(tmp_path)
    spec = spec_of(there)
    await deploy(spec, release("1.0", "a"))
    there.somebody_pushes({"base/more.yaml": "{}\n"}, "Keelway-Target: web, says somebody")
    await deploy(spec, release("2.0", "b"))
    with run_with() as run:
        history = await read_gitops_history(run, spec)
        earlier = earlier_release(history)
        assert earlier is not None
        back = release(
            earlier.version,
            "-",
            images=earlier.images,
            event=DeliveryEvent.ROLLBACK,
            reason="orders are lost",
        )
        await deploy_gitops(run, spec, back)
        history = await read_gitops_history(run, spec)
    assert [(one.event.value, one.version, one.replaced) for one in history] == [
        ("deploy", "1.0", None),
        ("deploy", "2.0", "1.0"),
        ("rollback", "1.0", "2.0"),
    ]
    assert history[-1].reason == "orders are lost"
    assert history[0].evidence == ("signature: key",)
    assert f"digest: sha256:{'a' * 64}" in there.file(FILE)
    assert there.file("base/more.yaml") == "{}"


async def test_two_writers_at_once_both_arrive(tmp_path: Path) -> None:
    there = followed(
        tmp_path,
        {
            name: f"apiVersion: v1\nkind: Pod\nspec: {{containers: [{{image: {name[0]}:1}}]}}\n"
            for name in ("a.yaml", "b.yaml", "c.yaml")
        },
    )
    # Every push takes so long that the others have begun before it ends.
    there.hook("pre-receive", "sleep 0.3")
    async with anyio.create_task_group() as group:
        for name in "abc":
            spec = spec_of(
                there, format="manifests", path=f"{name}.yaml", images={"orders": name}, target=name
            )
            group.start_soon(deploy, spec, release("2.0", name))
    assert there.git("rev-list", "--count", "main") == "4"
    for name in "abc":
        assert f"@sha256:{name * 64}" in there.file(f"{name}.yaml")


async def test_a_commit_that_comes_between_is_kept(tmp_path: Path) -> None:
    there = followed(tmp_path)
    # Somebody's commit lands while the first push is under way; git then refuses it.
    there.other.commit({"other.txt": "theirs\n"}, "between")
    (there.bare / "between").touch()
    there.hook(
        "pre-receive",
        "test -e between || exit 0; rm between\n"
        "unset GIT_QUARANTINE_PATH GIT_OBJECT_DIRECTORY GIT_ALTERNATE_OBJECT_DIRECTORIES\n"
        f"git fetch -q '{there.other.path}' main:main\n",
    )
    done = await deploy(spec_of(there), release("2.0", "a"))
    assert "at try 2" in done.details[0]
    assert there.file("other.txt") == "theirs"
    assert there.git("log", "--format=%s", "main").splitlines() == [
        "Deploy shop 2.0 to production", "between", "first",
    ]  # fmt: skip


async def test_a_protected_branch_refuses_once_and_in_its_own_words(tmp_path: Path) -> None:
    there = followed(tmp_path)
    there.hook(
        "pre-receive", "echo x >>tries; echo 'main is protected: open a pull request' >&2; exit 1"
    )
    before = there.git("rev-parse", "main")
    with pytest.raises(GitOpsError, match="pre-receive hook declined") as caught:
        await deploy(spec_of(there), release("2.0", "a"))
    assert "main is protected" in (caught.value.why or "")
    assert 'mode = "branch"' in (caught.value.next_step or "")
    assert there.git("rev-parse", "main") == before
    assert (there.bare / "tries").read_text() == "x\n"


async def test_a_branch_of_its_own_is_pushed_once(tmp_path: Path) -> None:
    there = followed(tmp_path)
    there.hook("update", 'test "$1" != refs/heads/main')
    spec = spec_of(there, mode="branch")
    await deploy(spec, release("2.0+x", "a"))
    first = there.git("rev-parse", "keelway/web/2.0+x")
    again = await deploy(spec, replace(release("2.0+x", "a"), reason="again"))
    assert again.details[0].startswith(f"commit {first[:12]} on keelway/web/2.0+x")
    assert there.git("rev-parse", "keelway/web/2.0+x") == first
    assert f"sha256:{'a' * 64}" in there.file(FILE, of="keelway/web/2.0+x")
    assert "newTag: v1" in there.file(FILE)
    await deploy(spec, release("2.0+x", "b"))  # what was proposed is renewed
    assert f"sha256:{'b' * 64}" in there.file(FILE, of="keelway/web/2.0+x")


async def test_a_token_is_in_no_address_argument_or_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = followed(tmp_path)
    there.git("config", "http.receivepack", "true")
    seen = tmp_path / "seen"
    wrapper = tmp_path / "bin" / "git"
    wrapper.parent.mkdir()
    wrapper.write_text(
        f'#!/bin/sh\necho "$@" >>"{seen}"\nPATH="{os.environ["PATH"]}" exec git "$@"\n'
    )
    wrapper.chmod(0o755)
    monkeypatch.setenv("PATH", f"{wrapper.parent}:{os.environ['PATH']}")
    with git_server(tmp_path) as server:
        basic = base64.b64encode(f"x-access-token:{TOKEN}".encode()).decode()
        server.authorization = f"Basic {basic}"
        login = LoginSpec(token="env://TOKEN")
        spec = spec_of(there, url=f"{server.url}/deploy.git", login=login)
        done = await deploy(spec, release("2.0", "a"), TOKEN=TOKEN)
        assert done.changed
        with pytest.raises(GitOpsError, match="cannot be read") as caught:
            await deploy(spec, release("2.0", "b"), TOKEN=f"{TOKEN}-wrong")
        shown = "\n".join([*server.requests, *done.details, caught.value.diagnostics()])
    assert "push" in seen.read_text()
    assert TOKEN not in shown + seen.read_text()


async def test_a_server_that_is_away_is_tried_again_and_then_named(tmp_path: Path) -> None:
    spec = spec_of(followed(tmp_path), url="http://127.0.0.1:1/deploy.git", attempts=2)
    with pytest.raises(GitOpsError, match=r"branch main of http://127\.0\.0\.1:1/") as caught:
        await deploy(spec, release("2.0", "a"))
    assert "Failed to connect" in (caught.value.why or "")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"path": "overlays/staging"}, "the repository has no overlays/staging"),
        ({"path": "out"}, "out leads out of the repository"),
        ({"path": "overlays"}, "overlays has no kustomization"),
        ({"branch": "absent"}, "branch absent of"),
        ({"images": {"absent": "x"}}, "has no image 'absent'"),
        ({"format": "helm", "images": {"orders": "a.b"}, "path": "base/orders.yaml"}, "no 'a'"),
        ({"format": "manifests", "path": "base", "images": {"orders": "x"}}, "no container in"),
    ],
)
async def test_no_wrong_file_is_touched(
    tmp_path: Path, changes: dict[str, object], message: str
) -> None:
    there = followed(tmp_path)
    (there.other.path / "out").symlink_to("/etc")
    there.somebody_pushes({"x": ""})
    before = there.git("rev-parse", "main")
    with pytest.raises(GitOpsError, match=message):
        await deploy(spec_of(there, **changes), release("2.0", "a"))
    assert there.git("rev-parse", "main") == before


async def test_hooks_and_settings_of_this_machine_do_not_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = followed(tmp_path)
    template, settings = tmp_path / "template" / "hooks", tmp_path / "gitconfig"
    template.mkdir(parents=True)
    for name in ("pre-commit", "post-checkout", "commit-msg", "pre-push"):
        (template / name).write_text(f"#!/bin/sh\ntouch '{tmp_path}/ran'\nexit 1\n")
        (template / name).chmod(0o755)
    Repository(path=tmp_path).git(
        "config", "-f", str(settings), "init.templateDir", str(template.parent)
    )
    for key, value in (("commit.gpgSign", "true"), ("core.autocrlf", "true")):
        Repository(path=tmp_path).git("config", "-f", str(settings), key, value)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(settings))
    done = await deploy(spec_of(there), release("2.0", "a"))
    assert done.changed
    assert not (tmp_path / "ran").exists()
    assert "\r" not in there.file(FILE)

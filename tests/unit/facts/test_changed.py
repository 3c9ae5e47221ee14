"""Which images have inputs that changed, in real repositories: nothing too many, nothing missed."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import pytest

import keelway as kw
from keelway.errors import PlanError
from tests.support.repositories import Repository, new_repository
from tests.support.two_images import CONFIG, ENVIRONMENT, changes, reasons

if TYPE_CHECKING:
    from pathlib import Path


NOTHING: list[str] = []


def test_nothing_changed(shop: Repository) -> None:
    found = changes(shop.path)
    assert list(found.changed()) == NOTHING
    digits = shop.git("rev-parse", "main")
    assert found.base == digits
    assert found.note is None
    assert [one.reason for one in found.images] == [
        f"no input changed since main ({digits[:12]})"
    ] * 2


@pytest.mark.parametrize(
    ("path", "image"),
    [
        ("services/api/app.py", "api"),
        ("services/api/new file\n.py", "api"),
        ("services/api/Dockerfile", "api"),
        ("services/api/.dockerignore", "api"),
        ("services/api/Dockerfile.dockerignore", "api"),
        ("services/api/docs/api.md", "api"),
        ("services/worker.Dockerfile", "worker"),
        ("services/worker.Dockerfile.dockerignore", "worker"),
        ("services/worker/app.py", "worker"),
        ("services/api/other.md", None),
        ("services/api/docs/more.txt", None),
        ("services/api2/app.py", None),
        ("README.md", None),
    ],
)
def test_an_input_that_changed(path: str, image: str | None, shop: Repository) -> None:
    shop.commit({path: "changed\n"})
    assert reasons(shop.path) == ({} if image is None else {image: f"{path} changed"})


def test_what_is_not_committed_counts(shop: Repository) -> None:
    (shop.path / "services/api/app.py").write_text("two")
    (shop.path / "services/worker/new.py").write_text("new")
    assert reasons(shop.path) == {
        "api": "services/api/app.py changed",
        "worker": "services/worker/new.py changed",
    }


def test_what_was_removed_or_moved_counts_for_both_places(shop: Repository) -> None:
    shop.git("mv", "services/api/app.py", "services/worker/moved.py")
    shop.commit({})
    assert reasons(shop.path) == {
        "api": "services/api/app.py changed",
        "worker": "services/worker/moved.py changed",
    }


def test_several_files_are_counted(shop: Repository) -> None:
    shop.commit({"services/api/a.py": "x", "services/api/b.py": "x", "services/api/c.py": "x"})
    assert reasons(shop.path) == {"api": "services/api/a.py and 2 more changed"}


def test_what_others_merged_meanwhile_counts_for_nothing(shop: Repository) -> None:
    shop.commit({"services/worker/app.py": "ours"})
    shop.git("switch", "-q", "main")
    shop.commit({"services/api/app.py": "theirs"})
    shop.git("switch", "-q", "topic")
    assert list(reasons(shop.path)) == ["worker"]


def test_what_was_taken_back_counts_for_nothing(shop: Repository) -> None:
    shop.commit({"services/api/app.py": "two"})
    shop.commit({"services/api/app.py": "one"})
    assert reasons(shop.path) == {}


@pytest.mark.parametrize(
    ("old", "new", "built"),
    [
        (
            'VERSION = "1"',
            'VERSION = "2"',
            {"api": "images.api.build_args.VERSION of the configuration changed"},
        ),
        ('[project]\nname = "shop"', '# a comment\n[project]\nname = "shop"', {}),
        (
            'name = "shop"',
            'name = "shop"\nvendor = "us"',
            dict.fromkeys(
                ("api", "worker"),
                "project.vendor of the configuration changed",
            ),
        ),
    ],
)
def test_the_configuration_is_an_input(
    old: str, new: str, built: dict[str, str], shop: Repository
) -> None:
    shop.commit({"keelway.toml": CONFIG.replace(old, new)})
    assert reasons(shop.path) == built


def test_a_configuration_that_could_not_be_read_then(shop: Repository) -> None:
    broken = shop.commit({"keelway.toml": "not toml"})
    shop.commit({"keelway.toml": CONFIG})
    reason = f"keelway.toml of {broken[:12]} cannot be read"
    assert reasons(shop.path, broken) == {"api": reason, "worker": reason}


def test_a_base_image_that_is_pinned_anew_is_an_input(shop: Repository) -> None:
    used = (
        'bases = { BASE = "python" }\n[base.python]\nsuite = "bookworm"\npackages = ["python3"]\n'
    )
    used += 'repository = "example.com/python"\n'
    lock = '[base.python]\nreference = "example.com/python@sha256:{}"\ninputs = "{}"\n'
    before = shop.commit(
        {"keelway.toml": CONFIG + used, "keelway.lock": lock.format("0" * 64, "old")}
    )
    shop.commit({"keelway.lock": lock.format("0" * 64, "new inputs, the same image")})
    assert reasons(shop.path, before) == {}
    shop.commit({"keelway.lock": lock.format("1" * 64, "new")})
    assert reasons(shop.path, before) == {"worker": "its base image python is pinned anew"}


def test_links_on_the_way_are_inputs(shop: Repository) -> None:
    (shop.path / "services" / "linked").symlink_to("api")
    text = CONFIG.replace('context = "services/api"', 'context = "services/linked"')
    before = shop.commit({"keelway.toml": text})
    shop.commit({"services/api/app.py": "two"})
    assert reasons(shop.path, before) == {"api": "services/api/app.py changed"}
    (shop.path / "services" / "linked").unlink()
    (shop.path / "services" / "linked").symlink_to("worker")
    shop.commit({})
    assert reasons(shop.path, "HEAD~1") == {"api": "services/linked changed"}


def test_a_submodule_is_an_input_of_what_is_around_it_and_in_it(
    shop: Repository, tmp_path: Path
) -> None:
    library = new_repository(tmp_path / "library")
    library.commit({"service/lib.py": "one"})
    words = ("-c", "protocol.file.allow=always", "submodule", "add", "-q", str(library.path))
    shop.git(*words, "services/api/library")
    text = CONFIG.replace('"services/worker"', '"services/api/library/service"')
    before = shop.commit({"keelway.toml": text.replace("../worker.Dockerfile", "Dockerfile")})
    inside = Repository(path=shop.path / "services/api/library")
    inside.commit({"service/lib.py": "two"})
    reason = "services/api/library changed"
    assert reasons(shop.path, before) == {"api": reason, "worker": reason}


def test_what_a_user_set_for_diffs_changes_nothing(shop: Repository) -> None:
    for key, value in (("diff.relative", "true"), ("diff.ignoreSubmodules", "all"),
                       ("diff.external", "/bin/false"), ("diff.renames", "true")):  # fmt: skip
        shop.git("config", key, value)
    shop.commit({"services/api/app.py": "two"})
    assert reasons(shop.path) == {"api": "services/api/app.py changed"}


def test_a_context_outside_of_the_repository_is_always_built(
    shop: Repository, tmp_path: Path
) -> None:
    (tmp_path / "elsewhere").mkdir()
    before = shop.commit({"keelway.toml": CONFIG.replace('"services/api"', '"../elsewhere"')})
    (reason,) = reasons(shop.path, before).values()
    assert "lies outside of the git repository" in reason


def cloned(shop: Repository, folder: Path, *words: str) -> Path:
    subprocess.run(
        ["git", "clone", "-q", *words, f"file://{shop.path}", str(folder)],
        env={**os.environ, "GIT_CONFIG_GLOBAL": "/dev/null"}, check=True, capture_output=True,
    )  # fmt: skip
    return folder


def test_a_shallow_clone_without_that_commit_builds_everything_and_says_so(
    shop: Repository, tmp_path: Path
) -> None:
    before = shop.git("rev-parse", "HEAD")
    shop.commit({"services/api/app.py": "two"})
    clone = cloned(shop, tmp_path / "clone", "--depth=1")
    found = changes(clone, before)
    assert found.changed() == ("api", "worker")
    assert found.base is None
    assert found.note is not None
    assert f"this shallow clone does not have {before}" in found.note
    assert "git fetch --unshallow" in found.note


def test_a_shallow_clone_that_does_not_tell_where_branches_parted_builds_everything(
    shop: Repository, tmp_path: Path
) -> None:
    shop.commit({"services/worker/app.py": "ours"})
    shop.git("switch", "-q", "main")
    shop.commit({"services/api/app.py": "theirs"})
    shop.git("switch", "-q", "topic")
    clone = cloned(shop, tmp_path / "clone", "--depth=1", "--no-single-branch")
    found = changes(clone, "origin/main")
    assert found.changed() == ("api", "worker")
    assert "no common history; the clone is shallow" in (found.note or "")


def test_a_shallow_clone_that_is_deep_enough_answers(shop: Repository, tmp_path: Path) -> None:
    shop.commit({"services/api/app.py": "two"})
    shop.commit({"services/worker/app.py": "two"})
    clone = cloned(shop, tmp_path / "clone", "--depth=2")
    assert list(reasons(clone, "HEAD~1")) == ["worker"]


def test_no_repository_builds_everything_and_says_so(tmp_path: Path) -> None:
    (tmp_path / "keelway.toml").write_text(CONFIG)
    found = changes(tmp_path)
    assert found.changed() == ("api", "worker")
    assert found.note == "every image is built: this is not a git repository"


def test_the_first_commit_of_a_branch_has_none_before_it(shop: Repository) -> None:
    assert changes(shop.path, "0" * 40).changed() == ("api", "worker")


@pytest.mark.parametrize(
    ("since", "text"),
    [("nonsense", "nonsense is no commit of this repository"),
     ("--output=x", "--output=x is no commit of this repository"), (" ", "is empty")],
)  # fmt: skip
def test_a_commit_that_is_none_is_an_error(since: str, text: str, shop: Repository) -> None:
    with pytest.raises(PlanError, match=text) as caught:
        changes(shop.path, since)
    assert caught.value.next_step


async def test_for_a_pipeline_of_ones_own(
    shop: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(shop.path)
    images = tuple(
        kw.ImageSpec(name=name, context=f"services/{name}", dockerfile=file)
        for name, file in (("api", "Dockerfile"), ("worker", "../worker.Dockerfile"))
    )
    shop.commit({"versions.lock": "2\n"})
    found = await kw.changed_images(
        images, "main", ENVIRONMENT, also={"worker": ("shared", "versions.lock")}
    )
    assert found.changed() == ("worker",)
    assert found.images[1].reason == "versions.lock changed"

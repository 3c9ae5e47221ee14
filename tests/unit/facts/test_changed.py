"""Which images have inputs that changed, in real repositories: nothing too many, nothing missed."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import pytest

import keelway as kw
from keelway.config import load_config
from keelway.errors import PlanError
from keelway.facts.changed import find_changes
from tests.support.repositories import Repository, new_repository

if TYPE_CHECKING:
    from pathlib import Path

    from keelway.model.changes import Changes

ENVIRONMENT = {
    "PATH": os.environ["PATH"],
    "HOME": "/nonexistent",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CEILING_DIRECTORIES": "/",
}
CONFIG = """\
[project]
name = "shop"
[images.api]
context = "services/api"
build_args = { VERSION = "1" }
[images.worker]
context = "services/worker"
dockerfile = "../worker.Dockerfile"
"""
FILES = {
    "keelway.toml": CONFIG,
    "README.md": "shop",
    "services/api/Dockerfile": "FROM scratch\nCOPY . /\n",
    "services/api/.dockerignore": "*.md\ndocs\n!docs/api.md\n",
    "services/api/app.py": "one",
    "services/api/notes.md": "one",
    "services/worker.Dockerfile": "FROM scratch\nCOPY . /\n",
    "services/worker/app.py": "one",
}
NOTHING: list[str] = []


@pytest.fixture
def shop(tmp_path: Path) -> Repository:
    """A repository with two images, committed on main; the tests' branch is `topic`."""
    made = new_repository(tmp_path / "shop")
    made.commit(FILES)
    made.git("switch", "-q", "-c", "topic")
    return made


def changes(folder: Path, since: str = "main") -> Changes:
    return find_changes(load_config(folder), since, ENVIRONMENT)


def reasons(folder: Path, since: str = "main") -> dict[str, str]:
    """Return why each image is built that is built."""
    return {one.image: one.reason for one in changes(folder, since).images if one.changed}


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


def written(shop: Repository, **images: str) -> str:
    """Commit a configuration with these images' tables, and return the commit."""
    tables = "".join(f"[images.{name}]\n{table}\n" for name, table in images.items())
    text = '[project]\nname = "shop"\n[[registries]]\nurl = "example.com/shop"\n'
    return shop.commit({"keelway.toml": f"{text}{tables}"})


def test_only_what_the_dockerfile_copies_of_a_whole_repository(shop: Repository) -> None:
    text = "FROM scratch\nARG SERVICE\nCOPY shared /\nCOPY services/$SERVICE/app.py /\n"
    shop.commit({"Dockerfile": text, "shared/lib.py": "one", ".dockerignore": "**/*.md\n"})
    table = 'context = "."\nbuild_args = {{ SERVICE = "{}" }}'
    before = written(shop, api=table.format("api"), worker=table.format("worker"))
    shop.commit({"services/api/app.py": "two", "README.md": "two", "services/worker/x.py": "new"})
    assert reasons(shop.path, before) == {"api": "services/api/app.py changed"}
    # A folder that both of them copy.
    shop.commit({"shared/new.md": "ignored", "shared/lib.py": "two"})
    assert reasons(shop.path, before) == {
        "api": "services/api/app.py and 1 more changed",
        "worker": "shared/lib.py changed",
    }


def test_a_stage_that_the_target_does_not_need_is_no_input_but_a_suite_may_need_it(
    shop: Repository,
) -> None:
    text = "FROM scratch AS tests\nCOPY tests /\nFROM scratch\nCOPY app.py /\n"
    shop.commit({"services/api/Dockerfile": text, "services/api/tests/a.py": "one"})
    before = written(shop, api='context = "services/api"')
    shop.commit({"services/api/tests/a.py": "two"})
    assert reasons(shop.path, before) == {}
    suite = '[[integration.suites]]\nname = "all"\nbuild = "api"\ntarget = "tests"'
    before = written(shop, api=f'context = "services/api"\n{suite}')
    shop.commit({"services/api/tests/a.py": "three"})
    assert reasons(shop.path, before) == {"api": "services/api/tests/a.py changed"}


def test_images_follow_those_that_they_are_built_on(shop: Repository) -> None:
    digest = "sha256:" + "0" * 64
    files = {
        "base/Dockerfile": "FROM scratch\nCOPY base.txt /\n",
        "base/base.txt": "one",
        "middle/Dockerfile": "ARG BASE\nFROM $BASE\nCOPY Dockerfile /\n",
        "top/Dockerfile": "FROM scratch\nCOPY --from=example.com/shop/middle:1 / /\n",
        "pinned/Dockerfile": f"FROM example.com/shop/base@{digest}\nCOPY Dockerfile /\n",
        "other/Dockerfile": "FROM example.com/shop/base-of-others:1\nCOPY Dockerfile /\n",
        "unneeded/Dockerfile": "FROM example.com/shop/base AS a\nFROM scratch\nCOPY Dockerfile /\n",
    }
    shop.commit(files)
    tables = {
        name: f'context = "{name}"' for name in ("base", "top", "pinned", "other", "unneeded")
    }
    middle = 'context = "middle"\nbuild_args = { BASE = "example.com/shop/base:latest" }'
    before = written(shop, **tables, middle=middle)
    shop.commit({"base/base.txt": "two"})
    assert reasons(shop.path, before) == {
        "base": "base/base.txt changed",
        "middle": "it is built on base, which changed",
        "top": "it is built on middle, which changed",
    }


def test_modes_and_kinds_of_files_count(shop: Repository) -> None:
    shop.git("config", "core.fileMode", "false")
    (shop.path / "services/api/app.py").chmod(0o755)
    (shop.path / "services/worker/app.py").unlink()
    (shop.path / "services/worker/app.py").symlink_to("../api/app.py")
    assert list(reasons(shop.path)) == ["api", "worker"]


def test_what_git_ignores_and_the_build_reads_is_not_known(shop: Repository) -> None:
    text = "FROM scratch\nCOPY app.py dist /\n"
    before = shop.commit(
        {
            ".gitignore": "dist\n*.log\n",
            "services/api/Dockerfile": text,
            "services/api/.dockerignore": "**/*.md\n",
        }
    )
    (shop.path / "services/api/build.log").write_text("not read")
    assert reasons(shop.path, before) == {}
    (shop.path / "services/api/dist").mkdir()
    (shop.path / "services/api/dist/notes.md").write_text("left out by .dockerignore")
    assert reasons(shop.path, before) == {}
    (shop.path / "services/api/dist/app.bin").write_text("made before")
    unseen = "is read, but git ignores it: nobody knows whether it changed"
    assert reasons(shop.path, before) == {"api": f"services/api/dist/app.bin {unseen}"}


def test_a_link_that_is_copied_leads_to_inputs(shop: Repository) -> None:
    (shop.path / "services/api/current").symlink_to("versions/two")
    shop.commit({
        "services/api/versions/one/a": "1",
        "services/api/versions/two/a": "2",
        "services/api/Dockerfile": "FROM scratch\nCOPY current /\n",
    })  # fmt: skip
    shop.commit({"services/api/versions/one/a": "other"})
    assert reasons(shop.path, "HEAD~1") == {}
    shop.commit({"services/api/versions/two/a": "other"})
    assert reasons(shop.path, "HEAD~1") == {"api": "services/api/versions/two/a changed"}
    (shop.path / "services/api/current").unlink()
    (shop.path / "services/api/current").symlink_to("versions/one")
    assert reasons(shop.path, "HEAD") == {"api": "services/api/current changed"}


def test_images_that_are_new_renamed_or_removed(shop: Repository) -> None:
    text = CONFIG.replace("[images.worker]", "[images.workers]")
    shop.commit({"keelway.toml": text})
    found = changes(shop.path)
    assert reasons(shop.path) == {"workers": "images.workers of the configuration changed"}
    assert found.removed == ("worker",)


def test_a_configuration_that_moved_is_new(shop: Repository) -> None:
    shop.git("mv", "keelway.toml", "pyproject.toml")
    text = CONFIG.replace("[project]", "[tool.keelway.project]").replace(
        "[images", "[tool.keelway.images"
    )
    before = shop.git("rev-parse", "HEAD")
    shop.commit({"pyproject.toml": text})
    reason = f"pyproject.toml of {before[:12]} was not there"
    assert reasons(shop.path, before) == {"api": reason, "worker": reason}


def test_causes_are_named_one_by_one(shop: Repository) -> None:
    shop.commit({
        "services/api/app.py": "two",
        "services/api/b.py": "new",
        "keelway.toml": CONFIG.replace('VERSION = "1"', 'VERSION = "2", MORE = "3"'),
    })  # fmt: skip
    (api, _) = changes(shop.path).images
    assert [(cause.kind, cause.name) for cause in api.causes] == [
        ("file", "services/api/app.py"),
        ("file", "services/api/b.py"),
        ("key", "images.api.build_args.MORE"),
        ("key", "images.api.build_args.VERSION"),
    ]
    assert api.reason == (
        "services/api/app.py and 1 more changed; "
        "images.api.build_args.MORE and 1 more of the configuration changed"
    )


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

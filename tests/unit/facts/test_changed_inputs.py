"""What counts as an input of an image: what its Dockerfile reads, its bases, its configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.two_images import CONFIG, changes, reasons

if TYPE_CHECKING:
    from tests.support.repositories import Repository


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

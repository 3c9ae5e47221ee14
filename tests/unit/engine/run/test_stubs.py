"""What is made for mounts is found before, and taken away after, and nothing else."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from keelway.engine.run.inroot import Root
from keelway.engine.run.prepare import prepare
from keelway.engine.run.spec import Bind, ExecSpec
from keelway.engine.run.stubs import Stubs, clean_upper, find_stubs

if TYPE_CHECKING:
    from pathlib import Path


def test_missing_targets_with_their_parents_deepest_first(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "proc").mkdir()
    (tmp_path / "var").symlink_to("run")
    with Root(tmp_path) as root:
        stubs = find_stubs(root, ["/proc", "/var/a/b", "/etc/hosts"])
    assert [str(path) for path in stubs.missing] == ["/run/a/b", "/run/a", "/etc/hosts", "/etc"]
    assert [str(one.path) for one in stubs.touched] == ["/run"]


def test_only_what_is_empty_and_unchanged_goes(tmp_path: Path) -> None:
    lower, upper = tmp_path / "lower", tmp_path / "upper"
    for name in ("etc", "opt", "srv"):
        (lower / name).mkdir(parents=True)
    with Root(lower) as root:
        stubs = find_stubs(root, ["/etc/hosts", "/opt/a", "/srv/x", "/new/file", "/filled"])
    for name in ("etc", "opt/a", "srv/x", "new"):
        (upper / name).mkdir(parents=True)
    (upper / "etc/hosts").touch()
    (upper / "new/file").touch()
    (upper / "opt/a/kept").touch()
    (upper / "filled").write_text("by the command")
    (upper / "srv").chmod(0o700)
    clean_upper(upper, stubs)
    found = sorted(str(path.relative_to(upper)) for path in upper.rglob("*"))
    assert found == ["filled", "opt", "opt/a", "opt/a/kept", "srv"]
    assert (upper / "srv").stat().st_mode & 0o777 == 0o700


def test_nothing_missing_is_nothing_to_do(tmp_path: Path) -> None:
    clean_upper(tmp_path / "not even there", Stubs())


def test_targets_below_a_bind_are_the_binds(tmp_path: Path) -> None:
    root, source = tmp_path / "root", tmp_path / "tree/part"
    for name in ("proc", "dev", "sys", "etc"):
        (root / name).mkdir(parents=True)
    (source / "in").mkdir(parents=True)
    spec = ExecSpec(
        root=root,
        argv=["x"],
        cwd="/data/work/deep",
        binds=[
            Bind(source=source, target="/data"),
            Bind(source=tmp_path / "root", target="/data/in/.hidden"),
        ],
    )
    prepared = prepare(spec)
    assert (source / "work/deep").is_dir(), "the working directory is made in the bind"
    assert PurePosixPath("/data") in prepared.stubs[root].missing
    assert [str(path) for path in prepared.stubs[source].missing] == ["/in/.hidden"]
    upper = tmp_path / "upper"
    (upper / "part/in/.hidden").mkdir(parents=True)
    (upper / "part/mine").mkdir()
    prepared.clean(root, upper)
    assert (upper / "part/in/.hidden").exists(), "another tree's upper"
    prepared.clean(source.parent, upper)
    assert [path.name for path in (upper / "part").rglob("*")] == ["mine"]

"""Names of services in the hosts files of running containers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keelway.engine.run.names import Names

if TYPE_CHECKING:
    from pathlib import Path


def hosts(tmp_path: Path, text: str = "127.0.0.1\tlocalhost\n") -> Path:
    """Return a hosts file with its own lines."""
    file = tmp_path / "hosts"
    file.write_text(text)
    return file


def test_names_known_and_new_ones_are_added(tmp_path: Path) -> None:
    names, file = Names(), hosts(tmp_path)
    names.add("early", "10.0.0.1")
    names.follow(file)
    names.add("late", "10.0.0.2")
    assert file.read_text().splitlines()[1:] == ["10.0.0.1\tearly", "10.0.0.2\tlate"]
    names.leave(file)
    names.add("too-late", "10.0.0.3")
    assert "too-late" not in file.read_text()


def test_name_that_ends_becomes_a_comment(tmp_path: Path) -> None:
    names, file = Names(), hosts(tmp_path)
    names.follow(file)
    names.add("db", "10.0.0.1")
    names.add("db2", "10.0.0.1")
    names.remove("db", "10.0.0.1")
    assert file.read_text().splitlines()[1:] == ["#0.0.0.1\tdb", "10.0.0.1\tdb2"]
    names.add("db", "10.0.0.9")
    assert file.read_text().splitlines()[-1] == "10.0.0.9\tdb"
    names.remove("db", "10.0.0.1")
    assert names.known() == {"db": "10.0.0.9", "db2": "10.0.0.1"}


def test_lines_of_the_container_stay(tmp_path: Path) -> None:
    names, file = Names(), hosts(tmp_path)
    names.follow(file)
    names.add("db", "10.0.0.1")
    file.write_text(f"192.0.2.1\tmine\n{file.read_text()}192.0.2.2\tdb\n")
    names.remove("db", "10.0.0.1")
    lines = file.read_text().splitlines()
    assert lines == ["192.0.2.1\tmine", "127.0.0.1\tlocalhost", "#0.0.0.1\tdb", "192.0.2.2\tdb"]


def test_file_that_is_gone_keeps_nothing_from_others(tmp_path: Path) -> None:
    names, file, gone = Names(), hosts(tmp_path), tmp_path / "gone"
    gone.touch()
    for one in (gone, file):
        names.follow(one)
    gone.unlink()
    names.add("db", "10.0.0.1")
    assert "10.0.0.1\tdb" in file.read_text()

"""What is kept of a project that runs, who holds it, and how it is found."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from keelway.develop.ending import end_project, find_project
from keelway.develop.log import Entry, format_entry, last_entries, parse_entry, read_log
from keelway.develop.orders import Order, order_script, write_orders
from keelway.develop.state import (
    ProcessPart,
    StateDocument,
    StateFolder,
    StopDocument,
    children,
    state_root,
    this_process,
)
from keelway.errors import PlanError
from tests.support.leftovers import wait_until

GONE = ProcessPart(pid=2**22 - 1, started=1)


def kept(root: Path, name: str, folder: Path, **more: object) -> StateFolder:
    """Return the state of a project that somebody ran once."""
    made = StateFolder(root / name)
    made.clear()
    given = {"phase": "ready", "process": GONE, **more}
    made.write(StateDocument.model_validate({"name": name, "folder": str(folder), **given}))
    return made


def test_it_is_kept_where_only_its_user_can_read(tmp_path: Path) -> None:
    root = state_root({"XDG_STATE_HOME": str(tmp_path)})
    folder = kept(root, "shop", tmp_path)
    assert root == tmp_path / "keelway" / "up"
    assert {path.stat().st_mode & 0o777 for path in (root, folder.path)} == {0o700}
    assert state_root({"HOME": "/nowhere", "XDG_STATE_HOME": str(tmp_path)}) == root
    home = state_root({"HOME": str(tmp_path), "XDG_STATE_HOME": "relative"})
    assert home == tmp_path / ".local/state/keelway/up"


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "keelway").write_text("in the way")
    with pytest.raises(PlanError, match="cannot be kept"):
        state_root({"XDG_STATE_HOME": str(tmp_path)})


def test_a_file_that_is_damaged_is_none(tmp_path: Path) -> None:
    folder = kept(tmp_path, "shop", tmp_path)
    assert folder.read() is not None
    (folder.path / "state.json").write_text("{")
    assert folder.read() is None


def test_one_holds_it_at_a_time(tmp_path: Path) -> None:
    folder = kept(tmp_path, "shop", tmp_path)
    assert not folder.is_held()
    lock = folder.lock()
    assert lock is not None
    assert folder.is_held()
    assert folder.lock() is None
    os.close(lock)
    assert not folder.is_held()


def test_a_project_is_found_from_where_it_is(tmp_path: Path) -> None:
    root, shop = tmp_path / "state", tmp_path / "shop"
    (shop / "deep").mkdir(parents=True)
    file = shop / "compose.yaml"
    kept(root, "shop", shop, files=[str(file)])
    kept(root, "other", tmp_path / "other")

    def found(start: Path, **more: object) -> str | None:
        folder = find_project(root, start, **more)  # type: ignore[arg-type]  # as given
        return None if folder is None else folder.name

    assert found(shop / "deep") == "shop"
    assert found(tmp_path) is None
    assert found(tmp_path, name="other") == "other"
    assert found(tmp_path, name="nobody") is None
    assert found(tmp_path, files=[Path("shop/compose.yaml")]) == "shop"
    kept(root, "again", shop)
    with pytest.raises(PlanError, match="several projects run from here: again, shop"):
        found(shop)


def test_what_a_killed_process_left_is_ended(tmp_path: Path) -> None:
    sleeper = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    own = next(part for part in children(os.getpid()) if part.pid == sleeper.pid)
    try:
        assert own.lives()
        # Another process with this number is not the one that is meant.
        assert not ProcessPart(pid=own.pid, started=own.started + 1).lives()
        os.kill(sleeper.pid, signal.SIGKILL)
        assert wait_until(lambda: not own.lives(), seconds=30)  # though nobody reaped it yet
    finally:
        sleeper.kill()
        sleeper.wait()
    folder = kept(tmp_path, "shop", tmp_path, engine=[own.model_dump()])
    said: list[str] = []
    assert not end_project(folder, StopDocument(), said.append)
    assert not folder.path.exists()
    assert "has gone" in said[0]


def test_this_process_lives() -> None:
    assert this_process().lives()
    assert not GONE.lives()


# --- logs -----------------------------------------------------------------------------------------

LINES = [
    format_entry(Entry(at=float(number), service=service, text=f"{service} {number}"))
    for number, service in enumerate(["web", "db", "web", "web", "db"])
]


def test_the_last_lines_are_those_of_each_service() -> None:
    def texts(services: list[str], tail: int | None) -> list[str]:
        return [entry.text for entry in last_entries(LINES, services, tail)]

    assert texts([], None) == ["web 0", "db 1", "web 2", "web 3", "db 4"]
    assert texts([], 1) == ["web 3", "db 4"]
    assert texts(["db"], None) == ["db 1", "db 4"]
    assert texts(["web"], 2) == ["web 2", "web 3"]
    assert texts([], 0) == []


def test_lines_keep_what_was_written() -> None:
    entry = Entry(at=1.5, service="web", text="  two  spaces | and a bar ")
    assert parse_entry(format_entry(entry)) == entry
    assert parse_entry("half a line") is None


def test_a_log_is_followed_to_its_end(tmp_path: Path) -> None:
    file = tmp_path / "log"
    file.write_text(LINES[0] + LINES[1][:20])
    answers = iter([True, False])

    def goes_on() -> bool:
        with file.open("a") as stream:
            stream.write(LINES[1][20:] if next(answers) else LINES[2])
        # The last answer is no, and what was written before it is still shown.
        return file.read_text().count("\n") < 3

    answers = iter([True, False])
    texts = [entry.text for entry in read_log(file, (), None, goes_on)]
    assert texts[0] == "web 0"
    assert texts[-1] == "web 2"


# --- orders ---------------------------------------------------------------------------------------


def test_an_order_is_packed_with_all_that_it_needs(tmp_path: Path) -> None:
    source = tmp_path / "a file"
    source.write_text("new")
    order = Order(
        service="web",
        put={"/app/sub/a file": source, "/app/left": tmp_path / "has gone since"},
        gone=("/app/old",),
        command=("sh", "-c", "echo 'it is'"),
        moved={"db": "10.0.0.7"},
        waits=False,
    )
    write_orders([order], tmp_path / "orders")
    own = tmp_path / "orders" / "web"
    texts = {file.name: file.read_text() for file in own.iterdir() if file.name != "files.tar"}
    assert texts == {
        "names": "/app/sub/a file\n",
        "folders": "/\n/app\n/app/sub\n",
        "gone": "/app/old\n",
        "exec": "as_user sh -c 'echo '\"'\"'it is'\"'\"''\n",
        "moved": "db 10.0.0.7\n",
        "alone": "yes\n",
    }


def test_only_what_is_waited_for_is_waited_for() -> None:
    script = order_script(
        [Order(service="web", restart=True), Order(service="db", moved={"web": "1"}, waits=False)],
        3,
        10.0,
    )
    assert "for name in web db; do" in script
    assert "for name in web; do" in script
    assert "number=00000003" in script

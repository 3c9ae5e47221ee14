"""A release on three hosts: all of them have it in the end, or none; the history tells it."""

from __future__ import annotations

import json
import subprocess
from dataclasses import replace
from typing import TYPE_CHECKING

import anyio
import pytest

from keelway.deploy import opening
from keelway.deploy.host import HostError, LocalHost
from keelway.deploy.lock import LockedError
from keelway.deploy.running import unlock
from keelway.errors import DeployError, KeelwayError, PlanError, RollbackError
from keelway.model.history import DeliveryEvent
from tests.support.missing import root_only
from tests.support.pretend_runtime import Cut, CutHost, PretendKit
from tests.unit.deploy.conftest import no_secret

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.unit.deploy.conftest import Target


def fails_on(host: str, how: str = "unhealthy", version: str = "v2") -> Callable[[str, str], str]:
    return lambda of, on: how if of == version and on.endswith(host) else "good"


async def test_a_release_reaches_all_hosts_and_is_written_down(target: Target) -> None:
    await target.deploy("v1")
    result = await target.deploy("v2")
    assert target.serving() == ["v2"] * 3
    assert (result.version, result.evidence) == ("v2", ("signature: good",))
    assert [host.version for host in result.hosts] == ["v2"] * 3
    assert target.history() == [
        "deploy v1 started", "deploy v1 succeeded", "deploy v2 started", "deploy v2 succeeded",
    ]  # fmt: skip
    assert target.leftovers() == []
    for folder in target.folders:
        record = json.loads((folder / "current" / "release.json").read_text())
        assert record["version"] == "v2"
        last = json.loads((folder / "deployment_history.log").read_text().splitlines()[-1])
        assert (last["replaced"], last["actor"]["who"]) == ("v1", "ada")
        assert last["duration_s"] > 0


async def test_what_runs_already_is_verified_and_left_alone(target: Target) -> None:
    await target.deploy("v1")
    before = [one.name for one in (target.folders[0] / "releases").iterdir()]
    result = await target.deploy("v1", reason="to be sure")
    assert (result.version, result.evidence) == ("v1", ("signature: good",))
    assert [one.name for one in (target.folders[0] / "releases").iterdir()] == before
    assert target.history()[2:] == ["deploy v1 succeeded"]
    last = (target.folders[2] / "deployment_history.log").read_text().splitlines()[-1]
    assert json.loads(last)["reason"] == "to be sure; it ran already, unchanged"
    assert target.leftovers() == []


@pytest.mark.parametrize("how", ["not well", "other files", "frozen"])
async def test_where_anything_is_not_as_it_would_be_it_is_brought(target: Target, how: str) -> None:
    await target.deploy("v1")
    if how == "not well":
        (place,) = (target.folders[1] / "run").iterdir()
        place.write_text("v1 unhealthy")
    elif how == "other files":
        (place,) = (target.folders[1] / "releases").glob("*/compose.yaml")
        place.write_text("v1 edited")
    await target.deploy("v1", freeze="it migrates" if how == "frozen" else None)
    assert target.history()[2:] == ["deploy v1 started", "deploy v1 succeeded"]
    assert [(folder / "run" / folder.name).read_text() for folder in target.folders] == [
        "v1 good\n"
    ] * 3


@pytest.mark.parametrize("host", ["one", "two", "three"])
@pytest.mark.parametrize("how", ["unhealthy", "broken"])
async def test_one_bad_host_ends_with_the_old_version_on_all(
    target: Target, host: str, how: str
) -> None:
    await target.deploy("v1")
    target.kit.fate = fails_on(host, how)
    with pytest.raises(DeployError, match="v2 failed; v1 serves again on all hosts") as caught:
        await target.deploy("v2")
    assert target.serving() == ["v1"] * 3
    assert target.history()[-2:] == ["deploy v2 started", "deploy v2 rolled-back"]
    assert target.leftovers() == []
    assert [len(list((one / "releases").iterdir())) for one in target.folders] == [1, 1, 1]
    assert ("GET / answers 500" in caught.value.diagnostics()) is (how == "unhealthy")


async def test_a_first_deployment_that_fails_leaves_nothing(target: Target) -> None:
    target.kit.fate = fails_on("two", version="v1")
    with pytest.raises(DeployError, match="nothing of it is left on all hosts"):
        await target.deploy("v1")
    assert target.serving() == [None] * 3
    assert not any((folder / "current").is_symlink() for folder in target.folders)
    assert target.leftovers() == []


async def test_where_going_back_fails_too_a_person_is_told_what_to_do(target: Target) -> None:
    await target.deploy("v1")
    target.kit.fate = fails_on("three")
    broken = next((target.folders[1] / "releases").iterdir()) / "compose.yaml"
    good = broken.read_text()
    broken.write_text("v1 broken")
    with pytest.raises(RollbackError, match="could not go back: a person is needed") as caught:
        await target.deploy("v2")
    assert "two: one does not start" not in caught.value.diagnostics()
    assert "does not start" in caught.value.diagnostics()
    assert "keelway rollback web" in str(caught.value.next_step)
    assert target.serving() == ["v1", "v2", "v1"]
    broken.write_text(good)
    await target.rollback()
    assert target.serving() == ["v1"] * 3
    assert target.leftovers() == []


async def test_back_to_the_one_before_or_to_any_that_is_kept(target: Target) -> None:
    for version in ("v1", "v2", "v3"):
        await target.deploy(version)
    await target.rollback()
    assert target.serving() == ["v2"] * 3
    await target.rollback("v3", reason="it was right after all")
    assert target.serving() == ["v3"] * 3
    await target.rollback("v1")
    assert target.history()[-1] == "rollback v1 succeeded"
    with pytest.raises(PlanError, match="no release to go back to"):
        await target.rollback()
    with pytest.raises(PlanError, match="keeps no release v9") as caught:
        await target.rollback("v9")
    assert "kept: v2, v3" in str(caught.value.next_step)
    assert target.leftovers() == []


async def test_a_rollback_that_fails_ends_as_it_began(target: Target) -> None:
    await target.deploy("v1")
    await target.deploy("v2")
    (old,) = [one for one in (target.folders[1] / "releases").iterdir()
              if "v1" in (one / "compose.yaml").read_text()]  # fmt: skip
    (old / "compose.yaml").write_text("v1 unhealthy")
    with pytest.raises(DeployError, match="v1 failed; v2 serves again"):
        await target.rollback()
    assert target.serving() == ["v2"] * 3
    # What was kept before is kept on.
    assert (old / "release.json").is_file()


async def test_only_so_many_releases_are_kept(target: Target) -> None:
    for version in ("v1", "v2", "v3", "v4", "v5"):
        await target.deploy(version)
    assert [len(list((one / "releases").iterdir())) for one in target.folders] == [3, 3, 3]
    await target.rollback("v3")


async def test_nobody_goes_back_behind_a_frozen_release_unasked(target: Target) -> None:
    await target.deploy("v1")
    await target.deploy("v2", freeze="it migrated the orders")
    await target.deploy("v3")
    await target.rollback()
    with pytest.raises(PlanError, match="does not go back behind v2: it migrated the orders"):
        await target.rollback()
    assert target.serving() == ["v2"] * 3
    await target.rollback(force=True, reason="the migration was undone by hand")
    assert target.serving() == ["v1"] * 3


async def test_a_frozen_release_that_fails_is_not_undone_unasked(target: Target) -> None:
    await target.deploy("v1")
    target.kit.fate = fails_on("two")
    with pytest.raises(RollbackError, match="nothing was undone, a person is needed"):
        await target.deploy("v2", freeze="it migrates the orders")
    assert target.serving()[:2] == ["v2", "v2"]
    with pytest.raises(RollbackError, match="was cut off on its way, and is frozen"):
        await target.deploy("v3")
    await target.rollback(force=True, reason="restored from the backup")
    assert target.serving() == ["v1"] * 3
    assert target.leftovers() == []


async def test_two_at_once_one_is_refused_and_told_whom_by(target: Target) -> None:
    await target.deploy("v1")
    refused: list[str] = []

    async def one(version: str) -> None:
        try:
            await target.deploy(version)
        except LockedError as error:
            refused.append(error.message)

    async with anyio.create_task_group() as group:
        group.start_soon(one, "v2")
        group.start_soon(one, "v3")
    assert len(refused) == 1
    assert "is locked by ada (laptop), doing deploy since" in refused[0]
    assert len(set(target.serving())) == 1


async def test_too_little_room_changes_nothing(target: Target) -> None:
    await target.deploy("v1")
    target.spec = replace(target.spec, min_free_bytes=10**11)
    with pytest.raises(HostError, match=r"MB free in .* nothing was changed"):
        await target.deploy("v2")
    assert (target.serving(), target.leftovers()) == (["v1"] * 3, [])


@pytest.fixture
def small_disk(target: Target) -> Iterator[Path]:
    """The second host's folder on a disk with little room."""
    root_only("a file system is mounted")
    folder = target.folders[1]
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k,mode=700", "tmpfs", folder], check=True)
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)


async def test_a_full_disk_on_one_host_changes_nothing(target: Target, small_disk: Path) -> None:
    await target.deploy("v1")
    target.kit.fate = lambda _version, host: "good" + " " * 60_000 * host.endswith("two")
    with pytest.raises(DeployError, match="nothing was changed") as caught:
        await target.deploy("v2")
    assert "No space left on device" in caught.value.diagnostics()
    assert (target.serving(), target.leftovers()) == (["v1"] * 3, [])
    assert len(list((small_disk / "releases").iterdir())) == 1


async def test_a_release_that_cannot_be_put_there_changes_nothing(
    target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    await target.deploy("v1")

    async def no_room(*_: object) -> None:
        raise HostError("No space left on device", host="two")

    monkeypatch.setattr(PretendKit, "put", no_room)
    with pytest.raises(DeployError, match="v2 was not deployed, and nothing was changed") as caught:
        await target.deploy("v2")
    assert caught.value.why == "No space left on device"
    assert (target.serving(), target.leftovers()) == (["v1"] * 3, [])
    assert target.history()[-1] == "deploy v2 failed"
    assert [len(list((one / "releases").iterdir())) for one in target.folders] == [1, 1, 1]


async def test_who_is_stopped_leaves_the_old_version(target: Target) -> None:
    await target.deploy("v1")
    with anyio.CancelScope() as scope:

        def stop(words: str) -> None:
            if "waiting until it is healthy" in words:
                scope.cancel()

        await target.deploy("v2", tell=stop)
    assert scope.cancelled_caught
    assert (target.serving(), target.leftovers()) == (["v1"] * 3, [])
    assert target.history()[-1] == "deploy v2 rolled-back"


def cut_at(monkeypatch: pytest.MonkeyPatch, at: int, *, late: bool) -> Cut:
    """Lose all hosts at one moment: the same as killing whoever deploys."""
    cut = Cut(at=at, late=late)
    monkeypatch.setattr(opening, "LocalHost", lambda name: CutHost(LocalHost(name), cut))
    return cut


JOURNAL_WRITINGS = 18
"""Of a deployment to two hosts."""


@pytest.mark.parametrize("at", range(JOURNAL_WRITINGS))
async def test_killed_at_any_step_the_next_run_repairs(
    target: Target, monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    target.spec = replace(target.spec, places=target.spec.places[:2])
    target.folders = target.folders[:2]
    await target.deploy("v1")
    with monkeypatch.context() as patch:
        cut = cut_at(patch, at, late=at % 2 == 0)
        with pytest.raises(KeelwayError):
            await target.deploy("v2")
        assert cut.is_over
    assert "lock" in target.leftovers()
    with pytest.raises(LockedError):
        await target.rollback()
    await break_locks(target)
    is_through = "v2" in target.live() or "committed" in target.phases()
    if target.phases():
        await target.rollback()
        # While it was prepared nothing was changed: then there is nothing that was rolled back.
        undone = {"deploy v2 failed", "deploy v2 rolled-back"}
        said = {"deploy v2 succeeded"} if is_through else undone
        assert said & set(target.history())
    assert target.serving() == ["v2" if is_through else "v1"] * 2
    assert target.leftovers() == []
    await target.deploy("v3")
    assert (target.serving(), target.leftovers()) == (["v3"] * 2, [])


async def test_that_was_every_step(target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    target.spec = replace(target.spec, places=target.spec.places[:2])
    target.folders = target.folders[:2]
    await target.deploy("v1")
    cut = cut_at(monkeypatch, 1000, late=True)
    await target.deploy("v2")
    assert cut.seen == JOURNAL_WRITINGS


async def break_locks(target: Target) -> None:
    task = target.task(DeliveryEvent.UNLOCK, reason="it was killed")
    told = await unlock(target.spec, task=task, read=no_secret, clock=target.clock)
    assert len(told) == len(target.folders)
    assert "was locked by ada (laptop), doing deploy since" in told[0]

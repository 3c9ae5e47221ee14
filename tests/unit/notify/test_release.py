"""A release tells how it ended, and never fails because of that."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, cast

import pytest

from keelway._stage import Clock, Run
from keelway.config import Config
from keelway.config.document import read_document
from keelway.errors import KeelwayError, PlanError
from keelway.facts import Facts
from keelway.model.events import StageEnded
from keelway.model.history import Actor
from keelway.model.outcome import Status
from keelway.model.published import Published, PublishedImage, PublishedTag
from keelway.planning import plan_release
from keelway.running import run_reported
from tests.support.observing import Listener
from tests.support.told import DIGEST, Receiver, receiving
from tests.support.web_handler import Reply

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterator
    from pathlib import Path

    import dagger

    from keelway.model.events import Observer
    from keelway.planning import Part, Plan
    from keelway.report.document import ReportDocument

CONFIG = """\
[project]
name = "shop"
[images.orders]
[tags]
rules = ["type=raw,value=1.2.3"]
[[registries]]
url = "registry.example.com/shop"
[policy]
enabled = false
[scan]
enabled = false
[sbom]
enabled = false
[[notify]]
kind = "webhook"
url = "env://HOOK"
on = ["release"]
attempts = 1
"""
FACTS = Facts(variables=frozenset({"HOOK"}), actor=Actor(who="ann", where="laptop"))


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    with receiving() as receiver:
        monkeypatch.setenv("HOOK", f"{receiver.url}/hook")
        yield receiver


def plan(text: str = CONFIG, **without: Any) -> Plan:
    left_out = cast("dict[Part, str]", without)
    return plan_release(read_document(text, "keelway.toml", Config).value, FACTS, without=left_out)


async def release(plan: Plan, folder: Path, error: Exception | None = None) -> ReportDocument:
    """Do what a release does for whoever listens: publish, or fail."""

    @asynccontextmanager
    async def opened(observer: Observer, clock: Clock) -> AsyncGenerator[Run]:
        yield Run(cast("dagger.Client", None), observer, clock)

    async def work(run: Run, part: Plan) -> None:
        del part
        if error is not None:
            raise error
        run.observer.on(_started(run))
        run.observer.on(_published(run))

    return await run_reported(
        work, plan, plan=plan, directory=str(folder), observer=Listener(), open_run=opened
    )


def _started(run: Run) -> Any:
    from keelway.model.events import StageStarted  # noqa: PLC0415 - read as one story

    return StageStarted(stage="publish", at=run.clock.now())


def _published(run: Run) -> StageEnded:
    tag = PublishedTag(
        repository="registry.example.com/shop/orders",
        tag="1.2.3",
        digest=cast("Any", DIGEST),
    )
    image = PublishedImage(
        name="orders",
        digest=cast("Any", DIGEST),
        platforms=cast("Any", ("linux/amd64",)),
        tags=(tag,),
    )
    return StageEnded(
        stage="publish", at=run.clock.now(), seconds=1, status=Status.OK,
        result=Published(images=(image,)),
    )  # fmt: skip


async def test_what_was_published_is_told(server: Receiver, tmp_path: Path) -> None:
    document = await release(plan(), tmp_path)
    [asked] = server.asked
    data = json.loads(asked.body)["data"]
    assert (data["event"], data["outcome"], data["version"]) == ("release", "succeeded", "1.2.3")
    assert data["images"] == {"orders": f"registry.example.com/shop/orders@{DIGEST}"}
    assert data["actor"] == {"who": "ann", "where": "laptop", "run_url": None}
    assert [one.sent for one in document.notifications or ()] == [True]


async def test_why_it_failed_is_told(server: Receiver, tmp_path: Path) -> None:
    with pytest.raises(PlanError):
        await release(plan(), tmp_path, PlanError("the base image is gone"))
    data = json.loads(server.asked[0].body)["data"]
    assert (data["outcome"], data["reason"]) == ("failed", "the base image is gone")


async def test_it_succeeds_although_nobody_can_be_told(server: Receiver, tmp_path: Path) -> None:
    server.answer = lambda _: Reply(status=410, body=b"gone")
    document = await release(plan(), tmp_path)
    assert document.outcome == "ok"
    [told] = document.notifications or ()
    assert (told.sent, told.error) == (False, "127.0.0.1 answered HTTP 410: gone")


async def test_what_publishes_nothing_is_no_release(server: Receiver, tmp_path: Path) -> None:
    await release(plan(publish="only builds"), tmp_path)
    assert not server.asked


async def test_a_command_may_stop_it(server: Receiver, tmp_path: Path) -> None:
    stops = '[[hooks]]\nname = "freeze"\nwhen = "before-release"\ncommand = ["false"]\n'
    with pytest.raises(KeelwayError, match="the hook freeze"):
        await release(plan(CONFIG + stops), tmp_path, AssertionError("it was not stopped"))
    assert json.loads(server.asked[0].body)["data"]["outcome"] == "failed"

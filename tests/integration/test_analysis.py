"""Whether a new version is good: asked of real services, by real programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from keelway.config.deploy_analysis import AnalysisConfig
from keelway.deploy.analysis import AnalysisError, Analyst, Place
from keelway.deploy.host import LocalHost, Ran
from keelway.deploy.verdicts import Verdict
from keelway.errors import InconclusiveError
from tests.support.colours import colour
from tests.support.missing import need
from tests.support.ports import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

pytestmark = pytest.mark.once

GOOD, BAD, OPEN = Verdict.SUCCESSFUL, Verdict.FAILED, Verdict.INCONCLUSIVE


class Elsewhere:
    """A host that is not this machine to keelway: it asks by curl."""

    name = "web1"

    async def run(self, words: Sequence[str], *, given: bytes = b"", timeout_s: float = 60) -> Ran:
        return await LocalHost().run(words, given=given, timeout_s=timeout_s)

    async def read(self, path: str) -> bytes | None:
        return await LocalHost().read(path)

    async def write(self, path: str, data: bytes, *, mode: int = 0o644) -> None:
        await LocalHost().write(path, data, mode=mode)


@pytest.fixture(scope="module")
def green() -> Iterator[Place]:
    with colour("green") as address:
        yield place(address)


def place(address: str) -> Place:
    return Place(
        host=Elsewhere(), urls={"shop": f"http://{address}"}, colour="green", headers={"Host": "x"}
    )


def analyst(root: Path, **written: Any) -> Analyst:
    return Analyst(AnalysisConfig(**written), root=root)


def probe(**written: Any) -> dict[str, Any]:
    return {"name": "p", "interval_s": 0.0, "count": 2, **written}


@pytest.mark.parametrize("asked_from", ["host", "here"])
@pytest.mark.parametrize(
    ("written", "verdict", "said"),
    [
        ({"body": "^green$"}, GOOD, "2 of 2 good"),
        ({"body": "blue"}, BAD, "but no 'blue' in it"),
        ({"path": "/broken"}, BAD, "status 503"),
        ({"path": "/slow/5", "timeout_s": 0.3}, BAD, "no answer ("),
        ({"path": "/slow/0.2", "latency_ms": 20.0, "unclear_ms": 9e6}, OPEN, "status 200 after"),
    ],
)
async def test_a_probe(
    tmp_path: Path,
    green: Place,
    asked_from: str,
    written: dict[str, Any],
    verdict: Verdict,
    said: str,
) -> None:
    one = analyst(tmp_path, probes=(probe(asked_from=asked_from, **written),))
    (check,) = (await one.analyse("before", green)).checks
    assert check.verdict is verdict
    assert said in check.said


async def test_nobody_listens(tmp_path: Path) -> None:
    one = analyst(tmp_path, probes=(probe(),))
    found = await one.analyse("after", place(f"127.0.0.1:{free_port()}"))
    with pytest.raises(AnalysisError, match="does not pass the probes") as failed:
        one.conclude(found, "the probes", print)
    assert "no answer" in failed.value.diagnostics()


async def test_who_cannot_ask_says_nothing_of_the_service(tmp_path: Path) -> None:
    class Bare(Elsewhere):
        async def run(
            self, words: Sequence[str], *, given: bytes = b"", timeout_s: float = 60
        ) -> Ran:
            return await super().run(("no-curl-here", *words), given=given, timeout_s=timeout_s)

    one = analyst(tmp_path, probes=(probe(),))
    found = await one.analyse("before", Place(host=Bare(), urls={"a": "http://x"}, headers={}))
    assert found.verdict is OPEN
    with pytest.raises(InconclusiveError) as asked:
        one.conclude(found, "the probes", print)
    assert asked.value.exit_code == 9
    assert "no-curl-here" in asked.value.diagnostics()
    told: list[str] = []
    analyst(tmp_path, inconclusive="proceed").conclude(found, "the probes", told.append)
    assert "going on" in told[0]
    with pytest.raises(AnalysisError):
        analyst(tmp_path, inconclusive="roll-back").conclude(found, "the probes", print)


async def test_probes_have_their_moments(tmp_path: Path, green: Place) -> None:
    one = analyst(tmp_path, probes=(probe(at=("after",), path="/broken"),))
    assert (await one.analyse("before", green)).verdict is GOOD
    assert (await one.analyse("after", green)).verdict is BAD


async def test_smoke_tests_end_with_the_first_that_fails(tmp_path: Path, green: Place) -> None:
    script = 'test "$DEPLOYMENT_COLOR" = green && curl -fs "$KEELWAY_URL/"'
    smoke = (
        {"name": "path", "path": "/"},
        {"name": "command", "command": ("sh", "-c", script)},
        {"name": "broken", "path": "/broken"},
        {"name": "never", "path": "/"},
    )
    found = await analyst(tmp_path, smoke=smoke).smoke(green)
    assert [(one.name, one.verdict) for one in found.checks] == [
        ("path", GOOD),
        ("command", GOOD),
        ("broken", BAD),
    ]
    absent = ({"name": "absent", "command": ("no-such-program",)},)
    assert (await analyst(tmp_path, smoke=absent).smoke(green)).verdict is OPEN


SCRIPT = """\
import http from 'k6/http';
import './parts/more.js';
export default function () { http.get(__ENV.TARGET + '/'); }
"""


async def test_load_by_k6(tmp_path: Path, green: Place) -> None:
    (tmp_path / "load.js").write_text(SCRIPT)
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / "more.js").write_text("export const more = 1;\n")

    async def loaded(**written: Any) -> tuple[Verdict, str]:
        load = ({"program": need("k6", package="scripts/go-tools"), **written},)
        (check,) = (await analyst(tmp_path, load=load).analyse("before", green)).checks
        return check.verdict, check.said

    assert (await loaded(script="load.js", iterations=1))[0] is OPEN, "a file is missing"
    verdict, said = await loaded(script="load.js", files=("parts/*",), iterations=20, vus=2)
    assert (verdict, said.partition(" requests")[0]) == (GOOD, "20")
    crossed = await loaded(
        probe={"paths": ("/", "/broken"), "requests": 20}, thresholds={"http_reqs": ("count>99",)}
    )
    assert crossed[0] is BAD
    assert "http_req_failed: rate<0.01" in crossed[1]
    assert "http_reqs: count>99" in crossed[1]
    assert (await loaded(script="none.js"))[0] is OPEN
    assert (await loaded(script="load.js", program="no-such-k6"))[0] is OPEN

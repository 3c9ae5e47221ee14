"""A cache goes from one machine's store to another's, by a folder."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest
import pytest_asyncio

from tests.support.archive import read_archive
from tests.support.engines import sdk_session
from tests.support.shell import output, settle, shell, write_tree

if TYPE_CHECKING:
    import dagger

    from tests.support.engines import Engine
    from tests.support.sample_images import SampleImages

pytestmark = pytest.mark.usefixtures("local_only")  # stores are the local engine's

LATER = "4000000000"
"""An epoch after the build: what was made by a machine gets it, wherever it was made."""


def machine(engine: Engine, store: Path) -> Engine:
    """Return the engine as on a machine that has only this store."""
    return engine.with_environment(KEELWAY_STORE=str(store), SOURCE_DATE_EPOCH=LATER)


def cache(engine: Engine, way: str, folder: Path, *more: str) -> dict[str, Any]:
    """Export or import, and return what the engine tells of it."""
    done = attempt(engine, way, folder, *more)
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def attempt(engine: Engine, way: str, folder: Path, *more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(engine.program), "cache", way, str(folder), "--json", *more],
        env={**os.environ, **engine.environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def built(dag: dagger.Client, samples: SampleImages, context: Path, last: str) -> dagger.Container:
    """Return steps whose random numbers tell whether they ran again, with a changing last one."""
    made = shell(dag.container().from_(samples.busybox), "mkdir /d; head -c 9 /dev/urandom >/d/one")
    tools = shell(made, "head -c 9 /dev/urandom | tee /d/two; ln /d/two /d/link; rm /bin/wget")
    copied = tools.with_directory("/app", dag.host().directory(str(context)))
    final = dag.container().from_(samples.busybox).with_directory("/d", copied.directory("/d"))
    return shell(final.with_directory("/app", copied.directory("/app")), last)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def exported(
    engine: Engine, samples: SampleImages, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A cache with one step after a base image; cases change a copy of it."""
    engine.require_local()
    folder = tmp_path_factory.mktemp("travel")
    one = machine(engine, folder / "store")
    async with sdk_session(one) as dag:
        await settle(random_step(dag, samples))
    cache(one, "export", folder / "cache")
    return folder / "cache"


@pytest.fixture
def copied(exported: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(exported, tmp_path / "cache"))


def random_step(dag: dagger.Client, samples: SampleImages) -> dagger.Container:
    return shell(dag.container().from_(samples.busybox), "head -c 9 /dev/urandom >/n")


async def numbers(container: dagger.Container) -> str:
    return await output(container, "cat /d/one /d/two /app/a.txt | md5sum")


async def test_another_machine_has_what_was_made_down_to_the_digest(
    engine: Engine, samples: SampleImages, tmp_path: Path, nonce: str
) -> None:
    context = write_tree(tmp_path / "context", {"a.txt": nonce, "sub/b.txt": "b"})
    first, second = (machine(engine, tmp_path / name) for name in ("first", "second"))
    async with sdk_session(first) as dag:
        made = built(dag, samples, context, f"echo {nonce} >/last")
        expected = await numbers(made)
        await made.export(str(tmp_path / "first.tar"))
    told = cache(first, "export", tmp_path / "cache")
    assert told["results"] > 5
    assert told["moved"] == told["size"] > 0
    assert cache(second, "import", tmp_path / "cache") == {**told, "moved": told["size"]}

    async with sdk_session(second) as dag:
        made = built(dag, samples, context, f"echo {nonce} >/last")
        await made.export(str(tmp_path / "second.tar"))
        assert await numbers(made) == expected
        # A change at the end finds the middle.
        changed = built(dag, samples, context, "echo other >/last")
        assert await numbers(changed) == expected
    images = [read_archive(tmp_path / f"{name}.tar").manifests() for name in ("first", "second")]
    assert images[0] == images[1]


async def test_only_what_is_new_is_written_again(
    engine: Engine, samples: SampleImages, tmp_path: Path, nonce: str
) -> None:
    one = machine(engine, tmp_path / "store")
    folder = tmp_path / "cache"
    async with sdk_session(one) as dag:
        step = shell(
            dag.container().from_(samples.busybox), f"head -c 90000 /dev/urandom >/{nonce}"
        )
        await settle(step)
    first = cache(one, "export", folder)
    assert cache(one, "export", folder)["moved"] == 0
    async with sdk_session(one) as dag:
        step = shell(
            dag.container().from_(samples.busybox), f"head -c 90000 /dev/urandom >/{nonce}"
        )
        await settle(shell(step, "head -c 70000 /dev/urandom >/more"))
    second = cache(one, "export", folder)
    assert second["digest"] != first["digest"]
    assert 70_000 <= second["moved"] < 90_000
    names = {path.name for path in (folder / "blobs" / "sha256").iterdir()}
    assert len(names) == second["blobs"] + 2  # the list and the manifest; nothing of the first


async def test_what_is_no_longer_used_is_left_behind(
    engine: Engine, samples: SampleImages, tmp_path: Path, nonce: str
) -> None:
    one = machine(engine, tmp_path / "store")
    async with sdk_session(one) as dag:
        await settle(shell(dag.container().from_(samples.busybox), f"echo {nonce}"))
    told = cache(one, "export", tmp_path / "cache", "--used-within", "0m")
    assert (told["results"], told["blobs"]) == (0, 0)


async def test_importing_twice_and_into_a_used_store_adds_what_is_missing(
    engine: Engine, samples: SampleImages, tmp_path: Path, exported: Path
) -> None:
    other = machine(engine, tmp_path / "other")
    async with sdk_session(other) as dag:
        await settle(random_step(dag, samples))
    first = cache(other, "import", exported)
    assert first["moved"] < first["size"]  # the base image was there
    assert cache(other, "import", exported)["moved"] == 0


def change_index(folder: Path, change: Any) -> None:
    """Rewrite the list of results, and the digests above it: a cache of somebody who knows how."""

    def put(data: bytes) -> dict[str, Any]:
        digest = hashlib.sha256(data).hexdigest()
        (folder / "blobs" / "sha256" / digest).write_bytes(data)
        return {"digest": f"sha256:{digest}", "size": len(data)}

    def blob(descriptor: dict[str, Any]) -> dict[str, Any]:
        name = descriptor["digest"].removeprefix("sha256:")
        return cast("dict[str, Any]", json.loads((folder / "blobs/sha256" / name).read_bytes()))

    top = json.loads((folder / "index.json").read_bytes())
    manifest = blob(top["manifests"][0])
    index = blob(manifest["config"])
    change(index)
    manifest["config"].update(put(json.dumps(index).encode()))
    top["manifests"][0].update(put(json.dumps(manifest).encode()))
    (folder / "index.json").write_text(json.dumps(top))


def leave_the_layer(index: dict[str, Any]) -> None:
    body = {"key": "0" * 64, "snapshots": [["l" + "0" * 32 + "/../../../../etc"]]}
    index["results"][0]["value"] = base64.b64encode(json.dumps(body).encode()).decode()


def name_no_layer(index: dict[str, Any]) -> None:
    index["results"][0]["layers"] = ["../../etc"]


def forget_the_results(index: dict[str, Any]) -> None:
    del index["results"]


def come_from_the_future(index: dict[str, Any]) -> None:
    index["format"] = 99


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (leave_the_layer, "leads out of its layer"),
        (name_no_layer, "is no name of a layer"),
        (forget_the_results, "is damaged"),
        (come_from_the_future, "of a form that this engine does not know"),
    ],
)
def test_cache_of_somebody_who_means_harm_is_refused(
    engine: Engine, tmp_path: Path, copied: Path, change: Any, text: str
) -> None:
    change_index(copied, change)
    done = attempt(machine(engine, tmp_path / "other"), "import", copied)
    assert (done.returncode, done.stdout) == (1, "")
    assert text in done.stderr


async def test_what_is_damaged_is_told_and_made_again_and_the_rest_is_taken(
    engine: Engine, samples: SampleImages, tmp_path: Path, exported: Path, copied: Path
) -> None:
    other, third, good = (machine(engine, tmp_path / name) for name in ("other", "third", "good"))
    largest = max((copied / "blobs" / "sha256").iterdir(), key=lambda path: path.stat().st_size)
    data = largest.read_bytes()
    largest.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    damaged = cache(other, "import", copied)
    assert [one.split(": ")[0] for one in damaged["refused"]] == [
        f"sha256:{largest.name} is damaged"
    ]
    largest.unlink()
    missing = attempt(third, "import", copied)
    assert missing.returncode == 0
    assert f"refused, and made again: sha256:{largest.name} is missing" in missing.stderr
    whole = cache(good, "import", exported)
    assert 0 < damaged["results"] < whole["results"]
    assert json.loads(missing.stdout)["results"] == damaged["results"]
    found: list[str] = []
    for where in (other, third, good):
        async with sdk_session(where) as dag:
            found.append(await random_step(dag, samples).file("/n").digest())
    assert len(set(found)) == 3, "where its base is lost a step runs again"


def test_only_the_cache_that_was_meant_is_believed(
    engine: Engine, tmp_path: Path, exported: Path
) -> None:
    one = machine(engine, tmp_path / "store")
    other = attempt(one, "import", exported, "--digest", f"sha256:{'0' * 64}")
    assert other.returncode == 1
    assert "is not the one that was meant" in other.stderr
    digest = json.loads((exported / "index.json").read_bytes())["manifests"][0]["digest"]
    assert cache(one, "import", exported, "--digest", digest)["results"] > 0


async def test_what_is_missing_is_told_before_anything_is_fetched(
    engine: Engine, samples: SampleImages, tmp_path: Path, exported: Path
) -> None:
    top = json.loads((exported / "index.json").read_bytes())["manifests"][0]
    lists = tmp_path / "lists"
    for name in ("index.json", "oci-layout", blob_path(top["digest"])):
        (lists / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(exported / name, lists / name)
    manifest = json.loads((exported / blob_path(top["digest"])).read_bytes())
    config = blob_path(manifest["config"]["digest"])
    shutil.copy(exported / config, lists / config)
    one = machine(engine, tmp_path / "store")
    async with sdk_session(one) as dag:
        await settle(dag.container().from_(samples.busybox))
    missing = json.loads(attempt(one, "import", lists, "--missing").stdout)
    assert 0 < len(missing) < len(manifest["layers"]), "the base image is there"


def blob_path(digest: str) -> str:
    return f"blobs/sha256/{digest.removeprefix('sha256:')}"


async def test_a_pipeline_takes_along_what_it_used_and_not_what_others_did(
    engine: Engine, samples: SampleImages, tmp_path: Path, nonce: str
) -> None:
    store = machine(engine, tmp_path / "store")
    for name in ("shop", "bank"):
        async with sdk_session(store.with_environment(KEELWAY_ENGINE_PIPELINE=name)) as dag:
            made = shell(dag.container().from_(samples.busybox), f"echo {name} {nonce} >/n")
            await settle(shell(made, "head -c 9 /dev/urandom >/m"))
    folders = [tmp_path / "shop", tmp_path / "all"]
    shop = cache(store, "export", folders[0], "--pipeline", "shop")
    everything = cache(store, "export", folders[1])
    assert 0 < shop["results"] < everything["results"]
    # It is the pipeline's on the next machine too, though no session used it there.
    other = machine(engine, tmp_path / "other")
    cache(other, "import", folders[0], "--pipeline", "shop")
    assert cache(other, "export", tmp_path / "again", "--pipeline", "bank")["results"] == 0
    again = cache(other, "export", tmp_path / "again", "--pipeline", "shop")
    assert {**again, "moved": 0, "folder": ""} == {**shop, "moved": 0, "folder": ""}


async def test_what_a_tool_of_the_host_made_goes_along_and_is_found_by_its_contents(
    engine: Engine, samples: SampleImages, tmp_path: Path, nonce: str
) -> None:
    tool = tmp_path / "tool"
    tool.write_text(f"#!/bin/sh\n: {nonce}\nhead -c 9 /dev/urandom | md5sum >/made\n")

    async def made(where: Engine) -> str:
        async with sdk_session(where) as dag:
            base = dag.container().from_(samples.busybox)
            base = base.with_file("/bin/tool", dag.host().file(str(tool)), permissions=0o755)
            return await base.with_exec(["/bin/tool"]).file("/made").contents()

    one, two = (machine(engine, tmp_path / name) for name in ("one", "two"))
    said = await made(one)
    cache(one, "export", tmp_path / "cache")
    os.utime(tool, (1, 1))  # a checkout of its own, on another day
    cache(two, "import", tmp_path / "cache")
    assert await made(two) == said
    tool.write_text(f"{tool.read_text()}: changed\n")
    assert await made(two) != said


async def test_cache_volumes_go_along_by_name_and_replace_none(
    engine: Engine, samples: SampleImages, tmp_path: Path
) -> None:
    async def said(where: Engine, command: str) -> str:
        async with sdk_session(where) as dag:
            volume = dag.cache_volume("results")
            base = dag.container().from_(samples.busybox).with_mounted_cache("/v", volume)
            return await output(base, command)

    one, two, three = (machine(engine, tmp_path / name) for name in ("one", "two", "three"))
    await said(one, "echo kept >/v/a; chown 7:8 /v/a; chmod 600 /v/a")
    told = cache(one, "export", tmp_path / "cache", "--volume", "results", "--volume", "none")
    assert cache(one, "export", tmp_path / "cache", "--volume", "results")["moved"] == 0
    assert told["refused"] == []
    cache(two, "import", tmp_path / "cache")
    look = "stat -c '%u %g %a' /v/a; cat /v/a"
    assert await said(two, look) == "7 8 600\nkept\n"
    await said(three, "echo mine >/v/b")
    cache(three, "import", tmp_path / "cache")
    assert await said(three, "ls /v") == "b\n"


def test_folders_that_are_none_are_told(engine: Engine, tmp_path: Path) -> None:
    one = machine(engine, tmp_path / "store")
    assert "holds no cache" in attempt(one, "import", tmp_path / "nowhere").stderr
    mine = write_tree(tmp_path / "mine", {"letter.txt": "dear"})
    assert "holds something that is no cache" in attempt(one, "export", mine).stderr
    assert (mine / "letter.txt").read_text() == "dear"

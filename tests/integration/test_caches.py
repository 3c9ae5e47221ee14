"""Caches go from machine to machine: by folders and registries, signed, forged and damaged.

A machine is a store of its own here; how many steps ran there tells what it had already.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from tests.support.projects import Project, program

if TYPE_CHECKING:
    from tests.support.registry import Registry
    from tests.support.sample_images import SampleImages

CONFIG = """\
[project]
name = "sample"

[images.app]
platforms = ["linux/amd64"]
build_args = {{ BASE = "{base}" }}

[policy]
enabled = false
[scan]
enabled = false
[sbom]
enabled = false
"""
DOCKERFILE = """\
ARG BASE
FROM ${BASE} AS build
RUN head -c 200000 /dev/urandom >/large && head -c 9 /dev/urandom | md5sum >/number
COPY name.txt /
FROM ${BASE}
COPY --from=build /number /name.txt /
"""
KEY, OTHER = "k" * 40, "o" * 40
FORK = {
    "GITHUB_ACTIONS": "true",
    "GITHUB_EVENT_NAME": "pull_request",
    "GITHUB_REPOSITORY": "acme/shop",
    "GITHUB_REF": "refs/pull/7/merge",
    "KEELWAY_CI": "",
}


SHARED = """\
[cache]
take_from = ["{place}"]
put_to = ["{place}"]
key = "env://CACHE_KEY"
"""


class Machines:
    """A project on machines that have nothing of each other but caches."""

    def __init__(self, folder: Path, base: str, one: Path | None = None) -> None:
        """Write the project.

        Args:
            folder: Where the project is, and each machine's store.
            base: The image that it begins with.
            one: The store of the machine `one`, where it is not this folder's.
        """
        self.folder = folder
        self.base = base
        self.one = one or folder / "one"
        self.project = Project(folder=folder / "project", environment={})
        self.configure("")
        self.project.write({"Dockerfile": DOCKERFILE, "name.txt": "one\n"})
        self.project.commit()

    def configure(self, more: str) -> None:
        self.project.write({"keelway.toml": CONFIG.format(base=self.base) + more})

    def store(self, machine: str) -> str:
        return str(self.one if machine == "one" else self.folder / machine)

    def keelway(self, machine: str, *words: str, **more: str) -> str:
        """Run the command on a machine and return all it says."""
        done = self.project.keelway(*words, KEELWAY_STORE=self.store(machine), **more)
        assert done.code == 0, done.text()
        return done.text()

    def fails(self, machine: str, *words: str, **more: str) -> str:
        done = self.project.keelway(*words, KEELWAY_STORE=self.store(machine), **more)
        assert done.code != 0, done.text()
        return done.text()

    def build(self, machine: str, *words: str, **more: str) -> tuple[int, str]:
        """Build, and return how many steps ran, and what was said."""
        said = self.keelway(machine, "build", *words, **more)
        return self.project.report()["steps"]["run"], said


@dataclass(frozen=True)
class First:
    """What the machine `one` did first, and left in a folder."""

    store: Path
    cache: Path
    ran: int
    said: str


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory, samples: SampleImages) -> First:
    """The first build, from an empty store, put into a cache; cases change copies of that."""
    one = Machines(tmp_path_factory.mktemp("first"), samples.busybox)
    cache = one.folder / "cache"
    ran, said = one.build("one", "--cache-to", f"type=local,dest={cache}")
    return First(one.one, cache, ran, said)


@pytest.fixture
def machines(tmp_path: Path, samples: SampleImages, first: First) -> Machines:
    """The project again, on machines of which `one` has built it already."""
    return Machines(tmp_path, samples.busybox, first.store)


@pytest.fixture
def remote(registry: Registry, repository: str) -> str:
    """A place in a registry for a cache."""
    return f"{registry.address}/{repository}/cache:main"


def moved(text: str) -> Any:
    """Return what `--json` tells of the one cache."""
    (one,) = json.loads(text[text.index("{") : text.rindex("}") + 1])["caches"]
    return one


def test_a_folder_takes_a_build_to_another_machine(machines: Machines, first: First) -> None:
    cache, ran = first.cache, first.ran
    assert ran > 1
    assert f"{cache}: put" in first.said
    again, said = machines.build("two", "--cache-from", f"type=local,src={cache}")
    assert again == 0
    assert f"{cache}: took" in said
    # After a change the step before it need not run again.
    machines.project.write({"name.txt": "two\n"})
    changed, said = machines.build("three", "--cache-from", str(cache))
    assert 0 < changed < ran
    assert "/dev/urandom" not in said


def test_a_registry_takes_it_and_only_what_is_new_is_sent(
    machines: Machines, remote: str, registry: Registry
) -> None:
    _, said = machines.build("one", "--cache-from", remote, "--cache-to", remote)
    assert f"{remote}: there is none yet" in said
    look_at(registry.manifest(remote)[1])
    assert moved(machines.keelway("one", "cache", "export", remote, "--json"))["moved"] == 0
    machines.project.write({"name.txt": "two\n"})
    machines.build("one")
    second = moved(machines.keelway("one", "cache", "export", remote, "--json"))
    assert 0 < second["moved"] < 60_000, "what is large is there already"
    assert second["size"] > 200_000

    took = moved(machines.keelway("two", "cache", "import", remote, "--json"))
    assert took["results"] == second["results"]
    assert moved(machines.keelway("two", "cache", "import", remote, "--json"))["moved"] == 0
    assert machines.build("two")[0] == 0


def look_at(manifest: dict[str, Any]) -> None:
    """See that the artifact is one that registries know."""
    assert manifest["artifactType"] == "application/vnd.keelway.cache.v1"
    assert manifest["config"]["mediaType"] == "application/vnd.keelway.cache.index.v1+json"
    kinds = {layer["mediaType"] for layer in manifest["layers"]}
    assert "application/vnd.oci.image.layer.v1.tar+zstd" in kinds


def test_only_what_the_key_signed_is_believed(machines: Machines, remote: str) -> None:
    # Somebody without the key wrote it: the work is done, and nothing of theirs is in it.
    bare, _ = machines.build("eve", "--cache-to", remote)
    machines.configure(SHARED.format(place=remote))
    ran, said = machines.build("two", CACHE_KEY=KEY)
    assert "is not signed, and only what [cache].key signed is believed" in said
    assert ran == bare > 1
    assert ", signed" in said
    assert moved(machines.keelway("three", "cache", "import", "--json", CACHE_KEY=KEY))["signed"]
    refused = machines.fails("three", "cache", "import", CACHE_KEY=OTHER)
    assert "was not signed by [cache].key" in refused
    assert "32 characters" in machines.fails("three", "cache", "import", CACHE_KEY="short")
    assert "CACHE_KEY is not set" in machines.fails("three", "cache", "import")
    # What is published nowhere reads it all the same, and writes none.
    without, said = machines.build("four")
    assert without == 0
    assert "nobody asks who wrote the caches" in said
    assert "nothing is put into a cache: the key of the cache: the environment variable" in said


def test_a_fork_reads_and_writes_nothing(machines: Machines, remote: str, tmp_path: Path) -> None:
    event = tmp_path / "event.json"
    side = {"ref": "topic", "repo": {"full_name": "eve/shop"}}
    base = {"ref": "main", "repo": {"full_name": "acme/shop"}}
    event.write_text(json.dumps({"number": 7, "pull_request": {"head": side, "base": base}}))
    fork = {**FORK, "GITHUB_EVENT_PATH": str(event)}
    machines.configure(SHARED.format(place=remote))
    machines.build("one", CACHE_KEY=KEY)
    before = moved(machines.keelway("one", "cache", "export", "--json", CACHE_KEY=KEY))
    machines.project.write({"name.txt": "theirs\n"})
    theirs, said = machines.build("two", **fork)
    assert "nothing is put into a cache: pull request 7 comes from a fork" in said
    assert ": took " in said
    assert theirs > 0
    folder = machines.folder / "mine"
    assert "comes from a fork" in machines.fails("two", "cache", "export", str(folder), **fork)
    assert not folder.exists()
    after = moved(machines.keelway("three", "cache", "import", "--json", CACHE_KEY=KEY))
    assert {**after, "moved": 0} == before


def test_what_is_damaged_is_told_and_made_again(machines: Machines, first: First) -> None:
    cache = Path(shutil.copytree(first.cache, machines.folder / "cache"))
    places = sorted((cache / "blobs" / "sha256").iterdir(), key=lambda one: one.stat().st_size)
    with places[-1].open("r+b") as file:
        file.truncate(1000)
    again, said = machines.build("two", "--cache-from", str(cache))
    assert "refused, and made again: sha256:" in said
    assert "is damaged" in said
    assert again > 0
    (cache / "index.json").write_text("{")
    assert "no cache that can be read" in machines.fails("three", "cache", "import", str(cache))


def test_a_registry_that_is_gone_costs_the_cache_and_not_the_work(machines: Machines) -> None:
    nowhere = "127.0.0.1:9/cache:main"
    _, said = machines.build("one", "--cache-from", nowhere, "--cache-to", nowhere)
    assert f"{nowhere}: not taken: " in said
    assert f"{nowhere}: not written: " in said
    assert "127.0.0.1:9" in machines.fails("one", "cache", "import", nowhere)


def test_the_tag_of_something_else_is_left_alone(
    machines: Machines, remote: str, registry: Registry
) -> None:
    name, _, tag = remote.removeprefix(f"{registry.address}/").partition(":")
    kind = "application/vnd.oci.image.manifest.v1+json"
    body: dict[str, Any] = {
        "schemaVersion": 2,
        "mediaType": kind,
        "config": upload(registry, name, b"{}", "application/vnd.oci.image.config.v1+json"),
        "layers": [],
    }
    url = f"http://{registry.address}/v2/{name}/manifests/{tag}"
    put = httpx.put(url, json=body, headers={"Content-Type": kind}, trust_env=False)
    assert put.is_success, put.text
    assert "is no cache" in machines.fails("one", "cache", "import", remote)


def upload(registry: Registry, name: str, data: bytes, kind: str) -> dict[str, Any]:
    import hashlib  # noqa: PLC0415 - for this alone

    digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
    root = f"http://{registry.address}/v2/{name}/blobs/uploads/"
    begun = httpx.post(root, trust_env=False)
    joint = "&" if "?" in begun.headers["location"] else "?"
    place = f"{begun.headers['location']}{joint}digest={digest}"
    assert httpx.put(place, content=data, trust_env=False).is_success
    return {"mediaType": kind, "digest": digest, "size": len(data)}


def test_killed_while_it_writes_the_next_one_finds_the_old_or_the_new(
    machines: Machines, first: First
) -> None:
    cache = Path(shutil.copytree(first.cache, machines.folder / "cache"))
    machines.project.write({"name.txt": "killed\n"})
    machines.build("one")
    environment = {
        **os.environ,
        "KEELWAY_STORE": machines.store("one"),
        "KEELWAY_CI": "none",
    }
    for after_s in (0.4, 0.8, 1.6):
        process = subprocess.Popen(
            [str(program()), "cache", "export", str(cache)],
            cwd=machines.project.folder, env=environment, start_new_session=True,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        time.sleep(after_s)
        with contextlib.suppress(ProcessLookupError):  # it was quicker
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(timeout=30)
        said = machines.keelway(f"two-{after_s}", "cache", "import", str(cache))
        assert "refused" not in said
        assert f"{cache}: took " in said
    assert moved(machines.keelway("one", "cache", "export", str(cache), "--json"))["results"] > 0


def test_with_another_engine_it_is_told_what_to_do_instead(machines: Machines) -> None:
    said = machines.keelway("one", "cache", "import", "x", DAGGER_SESSION_PORT="1")
    assert "keeps a cache of its own" in said

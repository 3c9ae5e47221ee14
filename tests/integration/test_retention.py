"""Retention against real registries that delete: nothing that stays misses anything afterwards."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, cast

import anyio
import httpx
import pytest

from keelway.errors import PlanError
from keelway.evidence.keeping import keep_unsigned
from keelway.model.evidence import Subject
from keelway.model.image import Digest
from keelway.model.retention import Deletion, RetentionPlan
from keelway.registry.client import Repository, open_repository
from keelway.registry.content import INDEX_TYPE, MANIFEST_TYPE, Descriptor, serialize
from keelway.retention.applying import Applying
from keelway.retention.carrying_out import RetentionSpec, apply_plan, make_plan
from keelway.retention.deciding import Protected, Rule
from keelway.retention.plan_file import parse_plan, plan_text
from keelway.retention.removing import open_remover
from keelway.retention.taking import Taking
from keelway.tags.selecting import compile_selector
from tests.support.missing import need
from tests.support.projects import Project
from tests.support.registry import running_referrers_registry, running_registry
from tests.support.told import receiving
from tests.support.web_handler import Asked, Reply, answering

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Sequence
    from pathlib import Path

    from keelway.retention.removing import Remover
    from tests.support.registry import Registry

NOW = datetime(2026, 3, 31, tzinfo=UTC)
PLATFORMS = ("amd64", "arm64")
SEEDS = (2, 3)
RULES = (
    Rule(
        name="develop",
        selectors=(compile_selector(r"/^(develop|fix)-[0-9]+$/"),),
        keep_last=1,
        keep_days=5,
    ),
    Rule(name="pr-*", selectors=(compile_selector("pr-*"),), keep_last=0),
    Rule(name="pr-1", selectors=(compile_selector("pr-1"),), keep=True),
)


@dataclass(frozen=True, slots=True)
class Fixed:
    """A clock that stands still."""

    def now(self) -> datetime:
        return NOW


async def nobody(_: str) -> None:
    """Tell that nobody logs in."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("plain")


@pytest.fixture(scope="module")
def plain(folder: Path) -> Iterator[Registry]:
    """A registry that lists referrers by tag."""
    with running_registry(folder) as running:
        yield running


@pytest.fixture(scope="module")
def modern(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """A registry that has the referrers API."""
    with running_referrers_registry(tmp_path_factory.mktemp("modern")) as running:
        yield running


@dataclass(slots=True)
class World:
    """A repository that is filled at random, and what a person would say of it."""

    opened: Repository
    chance: random.Random
    platforms: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    tags: dict[str, Digest] = field(default_factory=dict[str, Digest])
    ages: dict[Digest, int] = field(default_factory=dict[Digest, int])
    """In days."""
    children: dict[Digest, set[Digest]] = field(default_factory=dict[Digest, "set[Digest]"])
    evidence: dict[Digest, set[Digest]] = field(default_factory=dict[Digest, "set[Digest]"])

    async def fill(self) -> None:
        for number in range(self.chance.randint(3, 6)):
            digest = await self._index(self.chance.randint(0, 20))
            for _ in range(self.chance.choice((1, 1, 1, 2))):
                kind = self.chance.choice(("develop", "develop", "fix", "pr", "v"))
                await self._tag(f"{kind}-{number + self.chance.randint(0, 1)}", digest)
        if self.chance.random() < 0.7:
            some = self.chance.sample(sorted({*self.tags.values()}), 2)
            await self._tag(f"fix-{self.chance.randint(50, 59)}", await self._index(9, of=some))
        for digest in sorted({*self.tags.values()}):
            for about in (digest, *sorted(self.children.get(digest, ()))):
                if self.chance.random() < 0.35:
                    await self._evidence(about)

    async def _tag(self, tag: str, digest: Digest) -> None:
        manifest = await self.opened.manifest(digest)
        await self.opened.put_manifest(manifest.data, manifest.media_type, tag)
        self.tags[tag] = digest

    async def _index(self, age: int, of: list[Digest] | None = None) -> Digest:
        """Push an index, some of whose platforms others have too; or one of other indexes."""
        if of is None:
            entries = [await self._platform(name) for name in PLATFORMS]
        else:
            entries = [(await self.opened.manifest(one)).descriptor.document() for one in of]
        created = (NOW - timedelta(days=age)).isoformat()
        data = serialize(
            {
                "schemaVersion": 2,
                "mediaType": INDEX_TYPE,
                "manifests": entries,
                "annotations": {
                    "org.opencontainers.image.created": created,
                    "number": str(self.chance.random()),
                },
            }
        )
        descriptor = Descriptor.of(data, INDEX_TYPE)
        await self.opened.put_manifest(data, INDEX_TYPE)
        self.ages[descriptor.digest] = age
        self.children[descriptor.digest] = {Digest(str(entry["digest"])) for entry in entries}
        return descriptor.digest

    async def _platform(self, name: str) -> dict[str, Any]:
        known = [one for one in self.platforms if one["platform"]["architecture"] == name]
        if known and self.chance.random() < 0.4:
            return self.chance.choice(known)
        config = serialize({"os": "linux", "architecture": name, "rootfs": {"type": "layers"}})
        described = await self.opened.put_blob(config, "application/vnd.oci.image.config.v1+json")
        content = f"{name} {self.chance.random()}".encode()
        layer = await self.opened.put_blob(content, "application/vnd.oci.image.layer.v1.tar")
        data = serialize(
            {
                "schemaVersion": 2,
                "mediaType": MANIFEST_TYPE,
                "config": described.document(),
                "layers": [layer.document()],
            }
        )
        await self.opened.put_manifest(data, MANIFEST_TYPE)
        entry: dict[str, Any] = {
            **Descriptor.of(data, MANIFEST_TYPE).document(),
            "platform": {"os": "linux", "architecture": name},
        }
        self.platforms.append(entry)
        return entry

    async def _evidence(self, about: Digest) -> None:
        subject = Subject(image="x", platform=None, digest=about, repositories=(self.opened.name,))
        content = f"{about} {self.chance.random()}".encode()
        kept = await keep_unsigned(self.opened, subject, "application/x-proof", content, 1_000_000)
        self.evidence.setdefault(about, set()).add(kept.digest)
        if self.chance.random() < 0.3:  # evidence about evidence
            await self._evidence(kept.digest)

    def stays(self) -> set[str]:
        """Return the tags that stay by the rules, counted by hand."""
        newest: dict[str, int] = {}
        for tag, digest in self.tags.items():
            kind = tag.partition("-")[0]
            newest[kind] = min(newest.get(kind, 99), self.ages[digest])
        kept: set[str] = set()
        for tag, digest in self.tags.items():
            kind, age = tag.partition("-")[0], self.ages[digest]
            if kind == "v" or tag == "pr-1" or (kind != "pr" and (age < 5 or age == newest[kind])):
                kept.add(tag)
        return kept

    def needed(self, tags: set[str]) -> set[Digest]:
        """Return all that these tags need."""
        found: set[Digest] = set()
        waiting = [self.tags[tag] for tag in tags]
        while waiting:
            digest = waiting.pop()
            if digest not in found:
                found.add(digest)
                waiting += [*self.children.get(digest, ()), *self.evidence.get(digest, ())]
        return found


async def pulls(opened: Repository, digest: Digest) -> None:
    """Fetch an image with all that it is made of; each byte is checked on the way."""
    manifest = await opened.manifest(digest)
    for entry in manifest.manifests() if manifest.is_index else ():
        await pulls(opened, entry.digest)
    for blob in manifest.blobs():
        await opened.blob(blob)


def spec(repository: str, **protected: Any) -> RetentionSpec:
    return RetentionSpec(
        repositories={repository: RULES}, protected=Protected(**protected), references={}
    )


async def prove(world: World, plan: RetentionPlan) -> None:
    """Look whether all that stays is whole, and what goes is gone."""
    kept = world.stays()
    left = world.needed(kept)
    opened = world.opened
    for tag in kept:
        assert (await opened.manifest(tag)).digest == world.tags[tag]
        await pulls(opened, world.tags[tag])
    for digest in left:
        await pulls(opened, digest)
        listed = {entry.digest for entry in await opened.referrers(digest)}
        assert world.evidence.get(digest, set()) <= listed
    everything = world.needed({*world.tags})
    for digest in everything - left:
        assert not await opened.has(digest), f"{digest} of {plan}"


@pytest.mark.parametrize("seed", SEEDS)
async def test_what_stays_is_whole_and_what_goes_is_gone(
    plain: Registry, folder: Path, seed: int
) -> None:
    await random_world(plain, seed)
    if seed == SEEDS[-1]:  # the registry's own clean-up takes the blobs that nobody has any more
        program = need("docker-registry", package="docker-registry")
        words = [program, "garbage-collect", str(folder / "config.yml")]
        await anyio.run_process(words)
        await look_again(plain, SEEDS)


@pytest.mark.parametrize("seed", [11])
async def test_with_the_referrers_api_too(modern: Registry, seed: int) -> None:
    await random_world(modern, seed)


WORLDS: dict[int, World] = {}


async def random_world(registry: Registry, seed: int) -> None:
    name = f"{registry.address}/random/{seed}"
    async with open_repository(name, login=None, stage="test") as opened:
        world = WORLDS[seed] = World(opened, random.Random(seed))  # noqa: S311 - no secret
        await world.fill()
    async with open_repository(name, login=None, stage="test") as opened:
        world.opened = opened
        plan = await make_plan(spec(name), nobody, Fixed())
        expected = {*world.tags} - world.stays()
        (part,) = plan.repositories
        gone = {tag for one in part.delete for tag in one.tags}
        gone |= {tag for one in part.delete for extra in one.parts for tag in extra.tags}
        # What an index that stays lists stays, with all its names.
        needed = world.needed(world.stays())
        assert {tag for tag in gone if tag in world.tags} == {
            tag for tag in expected if world.tags[tag] not in needed
        }
        read = parse_plan(plan_text(plan), "plan.toml")
        result = await apply_plan(read, nobody, Fixed())
        assert result.complete, [one for one in result.done if one.why]
        await prove(world, plan)
        again = await apply_plan(read, nobody, Fixed())
        assert {one.outcome for one in again.done} <= {Deletion.GONE}
        assert not (await make_plan(spec(name), nobody, Fixed())).repositories[0].delete


async def look_again(registry: Registry, seeds: Sequence[int]) -> None:
    for seed in seeds:
        name = f"{registry.address}/random/{seed}"
        async with open_repository(name, login=None, stage="test") as opened:
            world = replace(WORLDS[seed], opened=opened)
            for digest in world.needed(world.stays()):
                await pulls(opened, digest)


async def filled(registry: Registry, path: str, seed: int = 2) -> World:
    """Return a world that nobody looks at but its test."""
    name = f"{registry.address}/{path}"
    async with open_repository(name, login=None, stage="test") as opened:
        world = World(opened, random.Random(seed))  # noqa: S311 - no secret
        await world.fill()
    return world


@dataclass(slots=True)
class Meddling:
    """Deletes, and lets somebody else do something before the first deletion."""

    remover: Remover
    meddle: Callable[[], Awaitable[object]]
    done: bool = False

    async def delete(self, digest: Digest, tags: Sequence[str]) -> bool:
        if not self.done:
            self.done = True
            await self.meddle()
        return await self.remover.delete(digest, tags)


async def test_a_plan_does_not_hold_when_something_of_it_is_tagged_since(
    plain: Registry, nonce: str
) -> None:
    world = await filled(plain, nonce)
    name = f"{plain.address}/{nonce}"
    plan = await make_plan(spec(name), nobody, Fixed())
    doomed = plan.repositories[0].delete[0]
    async with open_repository(name, login=None, stage="test") as opened:
        await opened.put_tag("production", doomed.digest)
        with pytest.raises(PlanError, match="it is named production by now"):
            await apply_plan(plan, nobody, Fixed())
        for digest in world.needed({*world.tags}):
            assert await opened.has(digest)


async def test_what_becomes_needed_while_others_go_stays(plain: Registry, nonce: str) -> None:
    await filled(plain, nonce, seed=5)
    name = f"{plain.address}/{nonce}"
    plan = await make_plan(spec(name), nobody, Fixed())
    (part,) = plan.repositories
    saved = part.delete[-1]
    async with (
        open_repository(name, login=None, stage="test") as opened,
        open_remover(name, None) as remover,
    ):
        meddling = Meddling(remover, partial(opened.put_tag, "production", saved.digest))
        applying = Applying(
            plan=part,
            taking=Taking(opened, None),
            remover=cast("Remover", meddling),
            fresh_s=0,
        )
        done = await applying.apply()
        assert {one.outcome for one in done} == {Deletion.DELETED, Deletion.REFUSED}
        await pulls(opened, saved.digest)


async def test_what_runs_and_what_somebody_lists_stays(plain: Registry, nonce: str) -> None:
    await filled(plain, nonce)
    name = f"{plain.address}/{nonce}"
    (before,) = (await make_plan(spec(name), nobody, Fixed())).repositories
    running = before.delete[0]
    (after,) = (
        await make_plan(spec(name, digests={running.digest: "runs in web"}), nobody, Fixed())
    ).repositories
    assert running.digest not in {one.digest for one in after.delete}
    (kept,) = (one for one in after.keep if one.digest == running.digest)
    assert kept.reason == "runs in web"


async def test_a_registry_that_deletes_nothing_is_told_with_the_way_out(
    plain: Registry, nonce: str
) -> None:
    await filled(plain, nonce)

    def refusing(asked: Asked) -> Reply:
        if asked.method == "DELETE":
            return Reply(status=405, body=b'{"errors":[{"code":"UNSUPPORTED"}]}')
        answer = httpx.request(
            asked.method, f"http://{plain.address}{asked.path}", trust_env=False,
            headers={"Accept": asked.headers.get("accept", "*/*")},
        )  # fmt: skip
        kept = ("content-type", "docker-content-digest")
        return Reply(
            status=answer.status_code,
            headers={key: answer.headers[key] for key in kept if key in answer.headers},
            body=answer.content,
        )

    with answering(refusing) as address:
        plan = await make_plan(spec(f"{address}/{nonce}"), nobody, Fixed())
        result = await apply_plan(plan, nobody, Fixed())
    assert not result.complete
    failed = [one for one in result.done if one.outcome is Deletion.FAILED]
    assert "storage.delete.enabled" in (failed[0].why or "")


def test_the_commands_as_they_are_typed(plain: Registry, nonce: str, tmp_path: Path) -> None:
    anyio.run(filled, plain, f"{nonce}/orders")
    project = Project(folder=tmp_path, environment={})
    project.write(
        {
            "keelway.toml": f"""\
                [project]
                name = "shop"
                [images.orders]
                [[registries]]
                url = "{plain.address}/{nonce}"
                [[retention.rules]]
                tags = ["pr-*", "develop-*", "fix-*"]
                keep_last = 1
                [[notify]]
                kind = "webhook"
                url = "env://HOOK"
                on = ["retention"]
                """
        }
    )
    planned = project.keelway("retention", "plan", "--out", "plan.toml")
    assert planned.code == 0, planned.text()
    assert "to delete" in planned.out
    plan = parse_plan((tmp_path / "plan.toml").read_text(), "plan.toml")
    running = plan.repositories[0].delete[0].digest
    (tmp_path / "running.txt").write_text(f"{plain.address}/{nonce}/orders@{running}  # web\n")
    kept = project.keelway("retention", "apply", "plan.toml", "--keep-list", "running.txt")
    assert kept.code == 3, kept.text()
    assert "running.txt lists it" in kept.err
    with receiving() as ops:
        done = project.keelway("retention", "apply", "plan.toml", "--json", HOOK=ops.url)
    assert done.code == 0, done.text()
    (heard,) = (json.loads(one.body)["data"] for one in ops.asked)
    assert (heard["event"], heard["outcome"]) == ("retention", "succeeded")
    assert json.loads((tmp_path / "plan.result.json").read_text()) == json.loads(done.out)
    assert json.loads(done.out)["complete"] is True

"""Images promoted between environments, in real registries, with records that cosign signs."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, cast

import anyio
import anyio.to_thread
import pytest

import keelway as kw
from keelway._together import together
from keelway.config import load_config
from keelway.errors import GateError, PublishError, RegistryError
from keelway.evidence.promotions import unproved_records
from keelway.facts import Facts
from keelway.model.history import Actor
from keelway.promotion.reading import Reader
from keelway.promotion.spec import PromoteSpec, PromotionOrder, plan_promote
from keelway.registry.client import open_repository
from keelway.stages.promote import promote
from keelway.verification.configured import configured_spec
from tests.support.projects import Project
from tests.support.registry import running_registry
from tests.support.small_image import Keys, make_keys, push_small_image
from tests.support.told import receiving
from tests.support.troubled_registry import troubled_registry, unavailable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    import dagger

    from keelway.model.promotion import Promotion, PromotionRecord
    from tests.support.registry import Registry

CONFIG = """\
[project]
name = "shop"
[images.orders]
[sign]
enabled = {signing}
key = "cosign.key"
public_key = "cosign.pub"
[attest]
enabled = false
[environments.develop]
tags = ["develop"]
[environments.staging]
after = "develop"
tags = ["staging", "staging-{{{{sha}}}}", "type=semver,pattern={{{{major}}}}.{{{{minor}}}}"]
[environments.production]
after = "staging"
tags = ["production"]
approvals = "two of the shop's owners"
"""
PREFIX = "org.opencontainers.image"
ADA = Actor(who="ada", where="GitHub Actions", run_url="https://ci.example/7")

HOOK = """
[[notify]]
kind = "webhook"
url = "env://HOOK"
on = ["promote:succeeded"]
"""


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    with running_registry(tmp_path_factory.mktemp("registry")) as running:
        yield running


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    with running_registry(tmp_path_factory.mktemp("other")) as running:
        yield running


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Keys:
    return make_keys(tmp_path_factory.mktemp("keys"))


@dataclass(slots=True)
class Ticking:
    """A clock that is a minute later each time."""

    at: datetime = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)

    def now(self) -> datetime:
        self.at += timedelta(minutes=1)
        return self.at


@pytest.fixture
async def run() -> AsyncIterator[kw.Run]:
    async with kw.open_session() as session:
        yield kw.Run(session.client, clock=Ticking())


@pytest.fixture
def unsigned_run() -> kw.Run:
    """Return a run for what asks no engine, as nothing is signed."""
    return kw.Run(cast("dagger.Client", None), clock=Ticking())


@dataclass(frozen=True, slots=True, kw_only=True)
class Shop:
    """A project whose images are in some registries."""

    keys: Keys
    repositories: tuple[str, ...]
    more: str = ""
    signing: bool = True

    @property
    def repository(self) -> str:
        return self.repositories[0]

    async def release(
        self, version: str, *, tags: tuple[str, ...] = ("develop",), signed: bool = True
    ) -> str:
        """Put a signed image into the first registry, and return its digest."""
        annotations = {
            f"{PREFIX}.version": version,
            f"{PREFIX}.revision": version.encode().hex().ljust(40, "0"),
            f"{PREFIX}.created": "2026-02-01T00:00:00Z",
        }
        digest = ""
        for tag in tags:
            digest = await push_small_image(
                self.repository, tag, seed=version, annotations=annotations
            )
        if signed:
            await anyio.to_thread.run_sync(self.keys.sign, f"{self.repository}@{digest}")
        return digest

    def plan(
        self, image: str, to: str, *, older: str | None = None, dry: bool = False
    ) -> PromoteSpec:
        config = CONFIG.format(signing=str(self.signing).lower()) + self.more
        for repository in self.repositories:
            config += f'[[registries]]\nurl = "{repository.rpartition("/")[0]}"\n'
        (self.keys.folder / "keelway.toml").write_text(config)
        loaded = load_config(self.keys.folder)
        order = PromotionOrder(
            image=f"{self.repository}{image}", environment=to, actor=ADA, allow_older=older,
            dry_run=dry,
        )  # fmt: skip
        programs = {"cosign": self.keys.folder / self.keys.cosign}
        facts = Facts(root=loaded.root, programs=programs)
        verify = configured_spec(loaded.config, facts)
        return plan_promote(loaded.config, facts, order, verify)

    async def promote(
        self, run: kw.Run, image: str, to: str, *, older: str | None = None, dry: bool = False
    ) -> Promotion:
        return await promote(run, self.plan(image, to, older=older, dry=dry))

    async def named(self, tag: str, repository: str | None = None) -> str | None:
        async with open_repository(repository or self.repository, login=None, stage="t") as opened:
            found = await opened.find(tag)
        return None if found is None else found.digest

    async def records(self, tag: str, repository: str | None = None) -> tuple[PromotionRecord, ...]:
        spec = self.plan(f":{tag}", "develop").verify
        async with open_repository(repository or self.repository, login=None, stage="t") as opened:
            found = await opened.manifest(tag)
            return await Reader(spec).records(opened, found.digest)


@pytest.fixture
def shop(registry: Registry, keys: Keys, nonce: str) -> Shop:
    return Shop(keys=keys, repositories=(f"{registry.address}/{nonce[:12]}/orders",))


async def test_the_same_digest_gets_the_next_environments_tags_and_a_signed_record(
    run: kw.Run, shop: Shop
) -> None:
    digest = await shop.release("1.2.0")
    looked = await shop.promote(run, ":develop", "staging", dry=True)
    assert looked.changed
    assert await shop.named("staging") is None
    done = await shop.promote(run, ":develop", "staging")
    assert (done.digest, done.changed) == (digest, True)
    assert await shop.named("staging") == await shop.named("1.2") == digest
    assert len(done.repositories[0].tags) == 3
    (record,) = await shop.records("staging")
    assert record.signed
    assert (record.entry.actor, record.entry.version) == (ADA, "1.2.0")
    assert record.source == f"{shop.repository}:develop@{digest}"
    assert record.entry.evidence[0] == "order: is in develop, as develop"
    again = await shop.promote(run, ":develop", "staging")
    assert not again.changed
    assert again.record == record
    # What is recorded goes on, whatever tag names it: the tag of staging may be elsewhere by now.
    await shop.release("1.3.0", tags=("develop", "staging"))
    onward = await shop.promote(run, f"@{digest}", "production")
    assert onward.record.entry.evidence[0].startswith("order: was promoted to staging on 2026-03")
    assert onward.record.approvals == "two of the shop's owners"


async def test_what_does_not_verify_or_was_not_there_before_is_refused(
    run: kw.Run, shop: Shop
) -> None:
    await shop.release("1.0.0", signed=False)
    with pytest.raises(GateError, match="does not verify") as caught:
        await shop.promote(run, ":develop", "staging")
    assert caught.value.exit_code == 6
    await shop.release("1.1.0", tags=("feature",))
    with pytest.raises(GateError, match="has not been in develop"):
        await shop.promote(run, ":feature", "staging")
    assert await shop.named("staging") is None


async def test_an_older_version_needs_a_reason_and_lines_of_versions_never_go_back(
    unsigned_run: kw.Run, shop: Shop
) -> None:
    run = unsigned_run
    shop = replace(shop, signing=False)
    old = await shop.release("1.2.1", tags=("develop", "1.2.1"))
    await shop.promote(run, ":develop", "staging")
    new = await shop.release("1.2.2", tags=("develop", "1.2.2"))
    await shop.promote(run, ":develop", "staging")
    with pytest.raises(GateError, match="has not been in develop"):
        await shop.promote(run, ":1.2.1", "staging", older="1.2.2 loses orders")
    with pytest.raises(GateError, match="would go back to an older version") as caught:
        await shop.promote(run, ":1.2.1", "develop")
    assert "is 1.2.2, which is newer than 1.2.1" in caught.value.diagnostics()
    await shop.promote(run, ":1.2.1", "develop", older="1.2.2 loses orders")
    done = await shop.promote(run, ":1.2.1", "staging", older="1.2.2 loses orders")
    assert await shop.named("staging") == old
    assert await shop.named("1.2") == new
    assert done.record.entry.reason == "1.2.2 loses orders"
    assert done.record.entry.replaced == "1.2.2"
    assert [one.entry.environment for one in await shop.records("staging")] == [
        "staging", "develop", "staging",
    ]  # fmt: skip


async def test_all_registries_get_it_and_a_failed_one_is_finished_by_the_next_run(
    run: kw.Run, shop: Shop, other: Registry
) -> None:
    path = shop.repository.partition("/")[2]
    with troubled_registry(other) as troubles:
        far = f"{troubles.address}/{path}"
        both = replace(shop, repositories=(shop.repository, far))
        digest = await both.release("2.0.0")
        troubles.manifests, troubles.times = unavailable, 10_000
        with pytest.raises(PublishError, match="failed") as caught:
            await both.promote(run, ":develop", "staging")
        assert caught.value.done == (shop.repository,)
        assert await shop.named("staging") == digest
        troubles.times = 0
        done = await both.promote(run, ":develop", "staging")
        near, behind = done.repositories
        assert not near.recorded
        assert behind.copied
        assert await shop.named("staging", far) == digest
        (record,) = await both.records("staging", far)
        assert record.signed
        assert both.keys.verify(f"{far}@{digest}")
        assert not (await both.promote(run, ":develop", "staging")).changed


async def test_of_two_promotions_at_once_all_tags_name_the_newer_one(
    unsigned_run: kw.Run, shop: Shop
) -> None:
    run = unsigned_run
    await shop.release("3.0.0", tags=("a",))
    await shop.release("3.0.1", tags=("b",))
    more = '[environments.canary]\ntags = ["canary", "canary-too", "canary-three"]\n'
    shop = replace(shop, more=more, signing=False)

    async def one(tag: str) -> str:
        try:
            return (await shop.promote(run, f":{tag}", "canary", older="both at once")).digest
        except RegistryError as error:
            return error.message
        except PublishError as error:
            return error.failed[0]

    answers = await together(one("a"), one("b"))
    named = {await shop.named(tag) for tag in ("canary", "canary-too", "canary-three")}
    assert len(named) == 1, answers
    assert named <= {*answers}


async def test_without_a_signer_the_record_is_kept_unsigned_and_proves_nothing(
    unsigned_run: kw.Run, shop: Shop
) -> None:
    run = unsigned_run
    more = (
        '[environments.test]\ntags = ["test"]\n'
        '[environments.live]\nafter = "test"\ntags = ["live"]\n'
    )
    unsigned = replace(shop, signing=False, more=more)
    digest = await unsigned.release("4.0.0")
    done = await unsigned.promote(run, ":develop", "test")
    assert any("without a signature" in note for note in done.notes)
    assert not (await unsigned.promote(run, ":develop", "test")).changed
    async with open_repository(shop.repository, login=None, stage="test") as opened:
        (record,) = await unproved_records(opened, kw.Digest(digest))
    assert (record.signed, record.entry.environment) == (False, "test")
    await unsigned.release("4.0.1", tags=("test",), signed=False)
    with pytest.raises(GateError, match="has not been in test"):
        await unsigned.promote(run, f"@{digest}", "live")


def test_the_commands_as_they_are_typed(shop: Shop) -> None:
    digest = anyio.run(shop.release, "5.0.0")
    shop.plan(":develop", "staging")  # writes the configuration
    project = Project(folder=shop.keys.folder, environment={"USER": "ada", "LOGNAME": "ada"})
    refused = project.keelway("promote", "orders:develop", "--to", "production")
    assert refused.code == 6, refused.text()
    assert "has not been in staging" in refused.err
    config = project.folder / "keelway.toml"
    config.write_text(config.read_text() + HOOK)
    with receiving() as ops:
        done = project.keelway("promote", "orders:develop", "--to", "staging", HOOK=ops.url)
    assert done.code == 0, done.text()
    (heard,) = (json.loads(one.body)["data"] for one in ops.asked)
    assert (heard["event"], heard["outcome"]) == ("promote", "succeeded")
    assert heard["images"]["orders"].endswith(f"@{digest}")
    assert f"orders:develop ({digest}) is in staging" in done.out
    told = project.keelway("promotions", "orders:staging", "--json")
    (record,) = json.loads(told.out)["promotions"]
    assert (record["environment"], record["by"]["who"], record["signed"]) == (
        "staging", "ada", True,
    )  # fmt: skip


async def push_signed(shop: Shop, image: str, tag: str, *, signed: bool = True) -> str:
    """Put an image beside the shop's own, and return its digest."""
    repository = f"{shop.repository.rpartition('/')[0]}/{image}"
    notes = {f"{PREFIX}.version": tag, f"{PREFIX}.created": "2026-02-01T00:00:00Z"}
    digest = await push_small_image(repository, tag, seed=f"{image} {tag}", annotations=notes)
    if signed:
        await anyio.to_thread.run_sync(shop.keys.sign, f"{repository}@{digest}")
    return digest


async def test_a_version_is_all_images_of_it_and_one_that_may_not_go_keeps_the_others(
    shop: Shop,
) -> None:
    shop.plan(":develop", "develop")  # writes the configuration
    config = shop.keys.folder / "keelway.toml"
    config.write_text(
        config.read_text().replace("[images.orders]", "[images.orders]\n[images.worker]")
    )
    project = Project(folder=shop.keys.folder, environment={})
    orders = await push_signed(shop, "orders", "v6")
    await push_signed(shop, "worker", "v6", signed=False)

    refused = await anyio.to_thread.run_sync(project.keelway, "promote", "v6", "--to", "develop")
    assert refused.code == 6, refused.text()
    assert "worker" in refused.err
    assert await shop.named("develop") is None

    worker = await push_signed(shop, "worker", "v6")
    done = await anyio.to_thread.run_sync(
        project.keelway, "promote", "v6", "--to", "develop", "--json"
    )
    assert done.code == 0, done.text()
    promoted = {one["image"]: one["digest"] for one in json.loads(done.out)["promoted"]}
    assert promoted == {"orders:v6": orders, "worker:v6": worker}
    assert await shop.named("develop") == orders
    assert await shop.named("develop", shop.repository.replace("orders", "worker")) == worker
    again = await anyio.to_thread.run_sync(project.keelway, "promote", "v6", "--to", "develop")
    assert again.out.count("as before: nothing to do") == 2


async def test_images_that_share_a_repository_keep_an_environments_tags_apart(shop: Shop) -> None:
    shop.plan(":develop", "develop")  # writes the configuration
    config = shop.keys.folder / "keelway.toml"
    shared = "".join(
        f'[images.{name}]\nrepository = "orders"\ntag_suffix = "-{name}"\n'
        for name in ("slim", "debug")
    )
    config.write_text(config.read_text().replace("[images.orders]", shared))
    project = Project(folder=shop.keys.folder, environment={})
    slim, debug = [await push_signed(shop, "orders", f"v7-{one}") for one in ("slim", "debug")]
    assert slim != debug

    async def promoted(*words: str) -> str:
        done = await anyio.to_thread.run_sync(project.keelway, "promote", *words)
        assert done.code == 0, done.text()
        return done.out

    await promoted("v7", "--to", "develop")
    assert await shop.named("develop-slim") == slim
    assert await shop.named("develop-debug") == debug
    assert await shop.named("develop") is None

    # It was in develop by a tag or record of its own, and is called by its name or its tag.
    await promoted("debug:develop", "--to", "staging")
    await promoted(f"{shop.repository}:develop-slim", "--to", "staging")
    assert (await shop.named("staging-slim"), await shop.named("staging-debug")) == (slim, debug)
    told = await anyio.to_thread.run_sync(project.keelway, "promotions", "slim:staging", "--json")
    records = json.loads(told.out)["promotions"]
    assert {one["environment"]: [*one["images"]] for one in records} == {
        "develop": ["slim"], "staging": ["slim"],
    }  # fmt: skip
    by_digest = await anyio.to_thread.run_sync(
        project.keelway, "promote", f"{shop.repository}@{slim}", "--to", "production"
    )
    assert by_digest.code == 3
    assert f"slim@{slim}" in by_digest.err


def test_what_is_there_already_starts_no_engine(shop: Shop, tmp_path: Path) -> None:
    """It is looked at, verified and left alone by this process; an engine signs new records."""
    anyio.run(shop.release, "7.0.0")
    shop.plan(":develop", "staging")  # writes the configuration
    project = Project(folder=shop.keys.folder, environment={})
    words = ("promote", "orders:develop", "--to", "staging", "--progress", "plain")
    started = tmp_path / "started"
    engine = tmp_path / "engine"
    engine.write_text(f"#!/bin/sh\ntouch {started}\nexit 3\n")
    engine.chmod(0o755)
    instead = {"_EXPERIMENTAL_DAGGER_CLI_BIN": str(engine)}
    missing = project.keelway(*words, **instead)
    assert (missing.code, started.exists()) == (4, True), missing.text()
    started.unlink()
    done = project.keelway(*words)
    assert done.code == 0, done.text()
    again = project.keelway(*words, **instead)
    assert (again.code, started.exists()) == (0, False), again.text()
    assert "as before: nothing to do" in again.out

"""Where a cache is, as people write it, and what a run does with caches."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from keelway.caches.place import FolderPlace, RegistryPlace, parse_place
from keelway.caches.spec import RESULTS, CacheSpec, plan_cache
from keelway.config import CacheConfig, Config, ImageConfig, ProjectConfig
from keelway.errors import PlanError
from keelway.facts import Facts
from keelway.facts.ci import CiJob


@pytest.mark.parametrize(
    ("text", "place"),
    [
        (".cache/keelway-engine", FolderPlace(".cache/keelway-engine")),
        ("/var/cache/x", FolderPlace("/var/cache/x")),
        ("../beside", FolderPlace("../beside")),
        ("cache", FolderPlace("cache")),
        ("build/cache", FolderPlace("build/cache")),
        ("localhost/shop", RegistryPlace("localhost/shop", "latest")),
        ("ghcr.io/shop/cache:main", RegistryPlace("ghcr.io/shop/cache", "main")),
        ("127.0.0.1:5000/cache", RegistryPlace("127.0.0.1:5000/cache", "latest")),
        ("type=registry,ref=ghcr.io/a/b:c,mode=max", RegistryPlace("ghcr.io/a/b", "c")),
        ("type=registry, ref=shop/cache", RegistryPlace("docker.io/shop/cache", "latest")),
        ("type=local,src=x/y", FolderPlace("x/y")),
    ],
)
def test_places_are_folders_or_references(text: str, place: object) -> None:
    assert parse_place(text, writing=False) == place


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("type=gha", "there is no type 'gha'"),
        ("type=inline", "there is no type 'inline'"),
        ("ref=ghcr.io/a/b", "it says no type"),
        ("type=registry,ref=ghcr.io/a/b,mode=min", "mode is always max here"),
        ("type=registry,ref=ghcr.io/A/b", "no place for a cache"),
        ("type=registry,ref=ghcr.io/a/b@sha256:" + "0" * 64, "a tag, and no digest"),
        ("type=local,dest=x", "has no 'dest' here"),
        ("type=local", "it names no folder"),
        ("type=local,src=x,x", "'x' is no NAME=VALUE"),
        ("", "it names no folder"),
    ],
)
def test_what_is_no_place_is_told_with_a_way_out(text: str, why: str) -> None:
    with pytest.raises(PlanError, match=why) as caught:
        parse_place(text, writing=False)
    assert caught.value.next_step is not None


def test_a_folder_is_taken_by_src_and_put_by_dest() -> None:
    assert parse_place("type=local,dest=x", writing=True) == FolderPlace("x")
    with pytest.raises(PlanError, match="has no 'src' here"):
        parse_place("type=local,src=x", writing=True)


def config(cache: CacheConfig) -> Config:
    return Config(project=ProjectConfig(name="shop"), images={"orders": ImageConfig()}, cache=cache)


FACTS = Facts(root=Path("/src"), variables=frozenset({"CACHE_KEY"}))
FORK = CiJob(
    provider="github",
    title="GitHub Actions",
    event="pull_request",
    fork=True,
)
CACHE = CacheConfig(take_from=("c",), put_to=("c", "ghcr.io/a/b:c"), key="env://CACHE_KEY")


def test_the_command_line_stands_in_for_the_configuration() -> None:
    spec = plan_cache(config(CACHE), FACTS, sources=["x"], targets=None)
    assert spec.sources == (FolderPlace("/src/x"),)
    assert spec.targets == (FolderPlace("/src/c"), RegistryPlace("ghcr.io/a/b", "c"))
    assert (spec.pipeline, spec.key, spec.read_only) == ("shop", "env://CACHE_KEY", None)
    assert spec.volumes == (RESULTS,)


def test_a_fork_reads_and_never_writes_and_sees_no_key() -> None:
    spec = plan_cache(config(CACHE), replace(FACTS, job=FORK), targets=["/mine"])
    assert spec.sources == (FolderPlace("/src/c"),)
    assert spec.targets == ()
    assert spec.key is None
    assert "comes from a fork" in str(spec.read_only)


def test_without_the_key_what_others_get_uses_no_cache_and_the_rest_reads() -> None:
    facts = replace(FACTS, variables=frozenset[str]())
    published = plan_cache(config(CACHE), facts)
    assert (published.sources, published.targets, published.keyless) == ((), (), True)
    assert "CACHE_KEY is not set" in str(published.read_only)
    verified = plan_cache(config(CACHE), facts, trusted=False)
    assert verified.sources == (FolderPlace("/src/c"),)
    assert (verified.targets, verified.key, verified.keyless) == ((), None, False)


def test_nothing_is_done_where_nothing_is_said() -> None:
    assert plan_cache(config(CacheConfig()), FACTS) == CacheSpec(pipeline="shop")

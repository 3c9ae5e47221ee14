"""What stays and what goes, decided without a registry."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from keelway.errors import PlanError
from keelway.model.history import Actor, DeliveryEvent, DeliveryOutcome, HistoryEntry
from keelway.model.history_line import history_line
from keelway.model.image import Digest
from keelway.retention.deciding import Protected, Rule, decide
from keelway.retention.inventory import Inventory, Item
from keelway.retention.protecting import read_histories, read_keep_list
from keelway.tags.selecting import compile_selector

if TYPE_CHECKING:
    from keelway.model.retention import RepositoryPlan

NOW = datetime(2026, 3, 31, tzinfo=UTC)
GRACE = timedelta(hours=2)


def named(text: str) -> Digest:
    """Return a digest that is told from others in a test's output."""
    return Digest(f"sha256:{text.encode().hex():0>64}")


def item(text: str, *children: str, days: float | None = 10, subject: str | None = None) -> Item:
    return Item(
        digest=named(text),
        kind="index",
        children=tuple(named(child) for child in children),
        subject=None if subject is None else named(subject),
        blobs={named(text): 10},
        at=None if days is None else NOW - timedelta(days=days),
    )


def inventory(tags: dict[str, str], *items: Item, **promoted: tuple[Digest, ...]) -> Inventory:
    return Inventory(
        repository="r/orders",
        tags={tag: named(text) for tag, text in tags.items()},
        items={one.digest: one for one in items},
        promoted={(name, "orders"): digests for name, digests in promoted.items()},
    )


def rule(*patterns: str, **limits: int | bool) -> Rule:
    selectors = tuple(compile_selector(pattern) for pattern in patterns)
    return Rule(name=", ".join(patterns), selectors=selectors, **limits)  # type: ignore[arg-type]  # limits of any kind


def decided(found: Inventory, *rules: Rule, protected: Protected | None = None) -> RepositoryPlan:
    return decide(found, rules, protected or Protected(), now=NOW, grace=GRACE)


def going(plan: RepositoryPlan) -> set[str]:
    return {tag for one in plan.delete for tag in one.tags}


def test_the_newest_of_each_set_and_the_young_ones_stay() -> None:
    tags = {"a-1": "1", "a-2": "2", "b-1": "3", "b-2": "4"}
    items = [item("1", days=9), item("2", days=8), item("3", days=2), item("4", days=7)]
    found = inventory(tags, *items)
    assert going(decided(found, rule(r"/^(\w)-/", keep_last=1))) == {"a-1", "b-2"}
    assert going(decided(found, rule("*", keep_last=1))) == {"a-1", "a-2", "b-2"}
    assert going(decided(found, rule("*", keep_days=8))) == {"a-1", "a-2"}
    assert going(decided(found, rule("a-*", keep_last=0))) == {"a-1", "a-2"}


def test_keeping_wins_over_deleting() -> None:
    found = inventory({"pr-1": "1", "v1": "1", "pr-2": "2"}, item("1"), item("2"))
    assert going(decided(found, rule("pr-*", keep_last=0))) == {"pr-2"}
    both = (rule("pr-*", keep_last=0), rule("pr-2", keep=True))
    assert going(decided(found, *both)) == set()


def test_what_no_rule_is_about_and_what_has_no_known_age_stays() -> None:
    found = inventory({"x": "1", "pr-1": "2"}, item("1"), item("2", days=None))
    plan = decided(found, rule("pr-*", keep_days=1))
    assert going(plan) == set()
    assert {one.reason for one in plan.keep} == {"no rule is about it", "its age is not known"}


def test_children_that_others_need_stay_and_evidence_goes_with_its_image() -> None:
    about_old = f"sha256-{named('old').partition(':')[2]}"
    tags = {"old": "old", "new": "new", f"{about_old}.sig": "sig", about_old: "list"}
    found = inventory(
        tags,
        item("old", "shared", "own"),
        item("new", "shared"),
        item("shared"),
        item("own"),
        item("sig"),
        item("list", "proof"),
        item("proof", subject="old"),
    )
    (doomed,) = decided(found, rule("old", keep_last=0)).delete
    assert doomed.tags == ("old",)
    parts = [part.digest for part in doomed.parts]
    assert {*parts} == {named(one) for one in ("own", "sig", "list", "proof")}
    assert parts.index(named("list")) < parts.index(named("proof"))


def test_what_runs_what_is_listed_and_what_a_rollback_needs_stays() -> None:
    texts = [str(number) for number in range(6)]
    found = inventory(
        {f"pr-{text}": text for text in texts},
        *(item(text) for text in texts),
        production=tuple(named(text) for text in "012"),
    )
    protected = Protected(
        digests={named("4"): "runs in web"}, tags={"pr-5": "asked for"}, rollbacks=1
    )
    plan = decided(found, rule("pr-*", keep_last=0), protected=protected)
    assert going(plan) == {"pr-2", "pr-3"}
    assert {one.reason for one in plan.keep} == {
        "production may go back to it", "runs in web", "asked for",
    }  # fmt: skip


def test_what_has_no_tag_goes_only_when_nothing_needs_it_and_it_is_old() -> None:
    found = inventory(
        {"v1": "1"}, item("1", "child"), item("child"), item("lost", days=1), item("new", days=0.05)
    )
    (doomed,) = decided(found).delete
    assert (doomed.digest, doomed.reason) == (named("lost"), "it has no tag, and nothing lists it")


def test_a_young_index_without_a_tag_keeps_its_children() -> None:
    found = inventory(
        {"pr-1": "1"}, item("1", "child"), item("child"), item("new", "child", days=0)
    )
    (doomed,) = decided(found, rule("pr-*", keep_last=0)).delete
    assert (doomed.digest, doomed.parts) == (named("1"), ())


def test_evidence_of_what_is_gone_goes_when_it_is_old() -> None:
    beside = f"sha256-{named('gone').partition(':')[2]}"
    assert going(decided(inventory({beside: "list"}, item("list")))) == {beside}
    assert going(decided(inventory({beside: "list"}, item("list", days=None)))) == set()


def random_inventory(chance: random.Random) -> Inventory:
    """Return manifests that list each other and are about each other, under some tags."""
    texts = [str(number) for number in range(12)]
    items: list[Item] = []
    for number, text in enumerate(texts):
        below = texts[:number]
        children = chance.sample(below, chance.randint(0, min(2, number)))
        subject = chance.choice(below) if below and chance.random() < 0.3 else None
        days = chance.choice((None, 0, 1, 5, 20))
        items.append(item(text, *children, days=days, subject=subject))
    tags = {f"{chance.choice('ab')}-{n}": chance.choice(texts) for n in range(6)}
    if chance.random() < 0.5:
        tags[f"sha256-{named(chance.choice(texts)).partition(':')[2]}.sig"] = chance.choice(texts)
    return inventory(tags, *items)


def test_nothing_that_stays_misses_anything() -> None:
    for seed in range(300):
        chance = random.Random(seed)  # noqa: S311 - no secret
        found = random_inventory(chance)
        plan = decided(found, rule("a-*", keep_last=chance.randint(0, 2), keep_days=3))
        order = [
            digest for one in plan.delete for digest in (one.digest, *(p.digest for p in one.parts))
        ]
        gone = {*order}
        kept = {tag: digest for tag, digest in found.roots.items() if digest not in gone}
        assert not found.reach(kept.values()) & gone, seed
        assert all(tag.startswith("a-") for tag in found.roots if tag not in kept), seed
        assert len(order) == len(gone), seed


def entry(version: str, day: int, outcome: DeliveryOutcome = DeliveryOutcome.SUCCEEDED) -> str:
    return history_line(
        HistoryEntry(
            at=datetime(2026, 3, day, tzinfo=UTC),
            event=DeliveryEvent.DEPLOY,
            outcome=outcome,
            project="shop",
            environment="production",
            target="web",
            version=version,
            images={"orders": f"r/orders@{named(version)}"},
            actor=Actor(who="ada", where="laptop"),
        )
    )


def test_histories_tell_what_runs_and_what_a_rollback_needs() -> None:
    lines = [entry(str(day), day) for day in range(1, 6)]
    lines.append(entry("6", 6, DeliveryOutcome.STARTED))
    text = "".join(lines)
    assert read_histories({"a.log": text}, 1) == {
        named("6"): "runs in production (web)",
        named("5"): "runs in production (web)",
        named("4"): "a rollback of production (web) needs it",
    }
    torn = text + '{"at": "2026'
    assert read_histories({"a.log": torn}, 1) == read_histories({"a.log": text}, 1)
    document = f'{{"schema": "x", "events": [{",".join(lines)}]}}'
    assert read_histories({"a.json": document}, 1) == read_histories({"a.log": text}, 1)


@pytest.mark.parametrize("text", ["hello", '{"a": 1}', "[1]", 'x\n{"at": 1}\ny'])
def test_what_is_no_history_is_not_taken_for_an_empty_one(text: str) -> None:
    with pytest.raises(PlanError, match="is no history"):
        read_histories({"x": text}, 1)


def test_lists_name_images_by_digest_or_tag() -> None:
    text = f"r/orders@{named('1')}  # web\n\n{named('2')}\nr/orders:1.0 r/worker:2.0\n# nothing\n"
    digests, tags = read_keep_list("running.txt", text)
    assert {*digests} == {named("1"), named("2")}
    assert {*tags} == {"r/orders:1.0", "r/worker:2.0"}

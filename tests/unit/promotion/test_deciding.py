"""Which image may go where, and what it is called there."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from keelway.config import DemandsConfig
from keelway.errors import GateError, PlanError
from keelway.evidence.predicates.promotion import newest, predicate_of, read_record
from keelway.model.history import Actor, DeliveryEvent, DeliveryOutcome, HistoryEntry
from keelway.model.image import Digest
from keelway.model.promotion import PromotionRecord
from keelway.model.registry import PublishedName
from keelway.promotion.deciding import check_age, check_order, is_older, names_in
from keelway.promotion.spec import EnvironmentSpec, demands_of
from keelway.registry.describing import Described
from keelway.verification.checks import Demands

PREFIX = "org.opencontainers.image"
ORDERS = PublishedName(repository="orders")
STAGING = EnvironmentSpec(name="staging", tags=("staging",))


def image(
    version: str | None = None, *, day: int | None = None, sha: str | None = None
) -> Described:
    """Return an image as its labels describe it."""
    labels = {f"{PREFIX}.version": version, f"{PREFIX}.revision": sha}
    return Described(
        digest=Digest(f"sha256:{version}-{day}"),
        labels={key: value for key, value in labels.items() if value is not None},
        created=None if day is None else datetime(2026, 3, day, tzinfo=UTC),
    )


def record(environment: str, day: int, *, signed: bool = True) -> PromotionRecord:
    entry = HistoryEntry(
        at=datetime(2026, 3, day, tzinfo=UTC),
        event=DeliveryEvent.PROMOTE,
        outcome=DeliveryOutcome.SUCCEEDED,
        project="shop",
        environment=environment,
        version="1.2.3",
        images={"orders": "r/orders@sha256:ab"},
        evidence=("signature (index): is good",),
        actor=Actor(who="ada", where="laptop"),
    )
    return PromotionRecord(
        entry=entry, digest=Digest("sha256:ab"), tags=("staging",), signed=signed, after="develop"
    )


@pytest.mark.parametrize(
    ("mine", "theirs", "older"),
    [
        (image("1.2.3"), image("1.10.0"), True),
        (image("1.10.0"), image("1.2.3"), False),
        (image("1.2.3-rc.1"), image("1.2.3"), True),
        (image("1.2.3", day=9), image("1.2.4", day=1), True),  # a version goes before a time
        (image("main", day=1), image("main", day=2), True),
        (image("main", day=2), image("1.0.0", day=1), False),
        (image("main"), image("other"), False),
    ],
)
def test_older_is_by_version_else_by_time(
    mine: Described, theirs: Described, *, older: bool
) -> None:
    assert is_older(mine, theirs) is older


def test_tags_are_filled_by_what_the_image_says_of_itself() -> None:
    rules = ("live", "live-{{sha}}", "type=semver,pattern={{major}}.{{minor}}", "{{branch}}-x")
    names = names_in(
        EnvironmentSpec(name="live", tags=rules),
        image("1.2.3", sha="abcdef0123"),
        ORDERS,
        sha_length=7,
    )
    assert set(names.tags) == {"live", "live-abcdef0", "1.2", "x"}
    assert [held.tag for held in names.held(["1.2.9"])] == ["1.2"]


def test_an_image_that_no_tag_fits_is_a_mistake_in_the_configuration() -> None:
    only = EnvironmentSpec(name="live", tags=("live-{{sha}}",))
    with pytest.raises(PlanError, match="does not say which commit"):
        names_in(only, image("1.2.3"), ORDERS, sha_length=7)


def test_images_of_one_repository_have_an_environments_tags_each_with_its_own_end() -> None:
    live = EnvironmentSpec(name="live", tags=("live", "type=semver,pattern={{major}}.{{minor}}"))
    debug = PublishedName(repository="orders", suffix="-debug")
    names = names_in(live, image("1.2.3"), debug, sha_length=7)
    assert set(names.tags) == {"live-debug", "1.2-debug"}
    assert [held.tag for held in names.held(["1.2.9-debug"])] == ["1.2-debug"]
    assert names.held(["1.2.9", "1.2.9-testing"]) == ()  # others' releases


def test_only_signed_records_of_the_environment_before_count() -> None:
    def check(*records: PromotionRecord) -> str:
        return check_order(image(), STAGING, "live", records=records, tagged={"staging": None})

    assert check(record("staging", 1)).startswith("was promoted to staging on 2026-03-01")
    for wrong in (record("develop", 1), record("staging", 1, signed=False)):
        with pytest.raises(GateError, match="has not been in staging"):
            check(wrong)


def test_going_back_needs_a_reason() -> None:
    holders = {"r/orders:live": image("1.2.4")}
    with pytest.raises(GateError, match="would go back"):
        check_age(image("1.2.3"), holders, "live", None)
    assert check_age(image("1.2.3"), holders, "live", "it fails") == (
        "goes back from 1.2.4: it fails",
    )
    assert check_age(image("1.2.5"), holders, "live", None) == ()


def test_a_record_is_read_back_as_it_was_written() -> None:
    written = record("staging", 2)
    assert read_record(predicate_of(written), written.digest, signed=True) == written
    assert newest([record("staging", 1), written, record("live", 3)], "staging") == written


def test_what_is_no_record_is_none() -> None:
    for said in ({}, {"promotedAt": "soon", "environment": "a"}, {"promotedAt": 1}):
        assert read_record(said, Digest("sha256:ab"), signed=True) is None


def test_an_environment_only_asks_for_more() -> None:
    asked = Demands(sboms=("spdx",), max_scan_age_days=30, parameters={"a": "1"})
    more = DemandsConfig(sboms=("cyclonedx",), max_scan_age_days=90, parameters={"b": "2"})
    found = demands_of(asked, more)
    assert found.sboms == ("spdx", "cyclonedx")
    assert found.max_scan_age_days == 30
    assert found.parameters == {"a": "1", "b": "2"}

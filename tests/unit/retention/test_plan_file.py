"""The plan as a file."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from keelway.errors import PlanError
from keelway.model.image import Digest
from keelway.model.retention import Doomed, Kept, Part, RepositoryPlan, RetentionPlan
from keelway.retention.plan_file import parse_plan, plan_text

FIRST, SECOND, THIRD = (Digest(f"sha256:{number:064x}") for number in (1, 2, 3))
PLAN = RetentionPlan(
    made_at=datetime(2026, 3, 1, tzinfo=UTC),
    repositories=(
        RepositoryPlan(
            repository="r/orders",
            delete=(
                Doomed(
                    digest=FIRST,
                    tags=("pr-1",),
                    parts=(Part(digest=SECOND, kind="image", tags=("sha256-1.sig",)),),
                    size_bytes=0,
                    age="20 days",
                    reason='older than "14" days\x7f',
                ),
            ),
            keep=(Kept(digest=THIRD, tags=("v1",), size_bytes=0, age="1 day", reason="no rule"),),
            freed_bytes=12_300_000,
            notes=("by hand",),
        ),
    ),
)


def test_what_is_written_is_read_back() -> None:
    assert parse_plan(plan_text(PLAN), "plan.toml") == PLAN


def test_it_reads_well() -> None:
    text = plan_text(PLAN)
    assert "# 1 to delete, 1 to keep, 12.3 MB less" in text
    assert 'tags = ["pr-1"]' in text


def test_what_is_taken_out_is_not_deleted() -> None:
    text = plan_text(PLAN)
    begin, end = text.index("\n[[repository.delete]]"), text.index("\n[[repository.keep]]")
    (part,) = parse_plan(text[:begin] + text[end:], "plan.toml").repositories
    assert part.delete == ()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "schema = 1",
        'schema = "keelway.retention/2"',
        plan_text(PLAN).replace(FIRST, "sha256:12"),
        plan_text(PLAN).replace("[[repository.delete]]", "[[repository.remove]]"),
        "[[",
    ],
)
def test_what_is_no_plan_is_refused(text: str) -> None:
    with pytest.raises(PlanError, match=r"plan\.toml is no plan"):
        parse_plan(text, "plan.toml")

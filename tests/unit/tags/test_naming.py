"""Which tags the rules give for a commit; the tables are metadata-action's published ones."""

from datetime import UTC, datetime
from typing import Literal

import pytest

from keelway.tags.commit import Commit
from keelway.tags.naming import MAX_TAG_LENGTH, name_release, sanitize

SHA = "0123456789abcdef0123456789abcdef01234567"


def commit(*, branch: str | None = None, tag: str | None = None, dirty: bool = False) -> Commit:
    return Commit(
        sha=SHA, committed_at=datetime(2026, 1, 2, tzinfo=UTC), branch=branch, tag=tag, dirty=dirty
    )


@pytest.mark.parametrize(
    ("git_tag", "pattern", "expected"),
    [
        ("v1.2.3", "{{raw}}", "v1.2.3"),
        ("v1.2.3", "{{version}}", "1.2.3"),
        ("v1.2.3", "{{major}}.{{minor}}", "1.2"),
        ("v1.2.3", "v{{major}}", "v1"),
        ("v1.2.3", "{{minor}}", "2"),
        ("v1.2.3", "{{patch}}", "3"),
        ("v2.0.8-beta.67", "{{raw}}", "v2.0.8-beta.67"),
        ("v2.0.8-beta.67", "{{version}}", "2.0.8-beta.67"),
        ("v2.0.8-beta.67", "{{major}}", "2.0.8-beta.67"),
        ("v2.0.8-beta.67", "{{major}}.{{minor}}", "2.0.8-beta.67"),
        ("1.0.0+build.5", "{{version}}", "1.0.0"),
    ],
)
def test_semver_patterns(git_tag: str, pattern: str, expected: str) -> None:
    names = name_release([f"type=semver,pattern={pattern}"], commit(tag=git_tag))
    assert names.version == expected
    assert ("latest" in names.tags) == ("-beta" not in git_tag)


def test_semver_of_one_service_by_match() -> None:
    names = name_release(
        [r'type=semver,pattern={{version}},"match=v(\d.\d.\d)$"'], commit(tag="p1/v1.2.3")
    )
    assert names.tags == ("1.2.3", "latest")


@pytest.mark.parametrize(
    ("branch", "git_tag", "rules", "expected"),
    [
        ("master", None, ["type=ref,event=branch", "type=ref,event=tag"], ("master",)),
        ("releases/v1", None, ["type=ref,event=branch"], ("releases-v1",)),
        (None, "v1.2.3", ["type=ref,event=branch", "type=ref,event=tag"], ("v1.2.3", "latest")),
        (None, "v2.0.8-beta.67", ["type=ref,event=tag"], ("v2.0.8-beta.67", "latest")),
        (
            None,
            "v1.2.3",
            ["type=sha", "type=semver,pattern={{major}}", "type=semver,pattern={{version}}"],
            ("1", "1.2.3", "sha-0123456", "latest"),
        ),
        ("main", None, ["type=sha,format=long,prefix="], (SHA,)),
        ("main", None, ["type=sha,prefix={{branch}}-,suffix=-x"], ("main-0123456-x",)),
        ("main", None, ["type=raw,value=my-{{branch}}-{{sha}}"], ("my-main-0123456",)),
        ("main", None, ["type=raw,value=a", "type=raw,value=a"], ("a",)),
    ],
)
def test_refs_and_order(
    branch: str | None, git_tag: str | None, rules: list[str], expected: tuple[str, ...]
) -> None:
    assert name_release(rules, commit(branch=branch, tag=git_tag)).tags == expected


def test_priority_decides_the_version() -> None:
    rules = ["type=semver,pattern={{version}}", "type=raw,value=first,priority=1000"]
    assert name_release(rules, commit(tag="v1.2.3")).version == "first"


@pytest.mark.parametrize(
    ("latest", "expected"),
    [("auto", ("main",)), (True, ("main", "latest")), (False, ("main",))],
)
def test_latest_can_be_forced_or_forbidden(
    latest: Literal["auto"] | bool,
    expected: tuple[str, ...],
) -> None:
    names = name_release(["type=ref,event=branch"], commit(branch="main"), latest=latest)
    assert names.tags == expected


def test_latest_never_stands_alone() -> None:
    assert name_release(["type=sha"], None, latest=True).tags == ()


def test_a_changed_tree_does_not_claim_to_be_its_commit() -> None:
    rules = ["type=sha", "type=ref,event=tag", "type=semver,pattern={{version}}"]
    names = name_release(rules, commit(tag="v1.2.3", dirty=True))
    assert names.tags == ("sha-0123456-dirty",)
    assert [unused.reason for unused in names.unused] == [
        "the working tree has changes that are not in v1.2.3",
        "the working tree has changes that are not in v1.2.3",
    ]


@pytest.mark.parametrize(
    ("rule", "found", "reason"),
    [
        ("type=sha", None, "there is no git commit"),
        ("type=ref,event=branch", None, "there is no git commit"),
        ("type=raw,value={{sha}}", None, "there is no git commit"),
        ("type=ref,event=branch", commit(), "HEAD is detached"),
        ("type=ref,event=tag", commit(), "the commit has no git tag"),
        ("type=raw,value=x-{{branch}}", commit(), "the commit has no branch"),
        ("type=sha,prefix={{tag}}-", commit(), "the commit has no tag"),
        (
            "type=semver,pattern={{version}}",
            commit(tag="nightly"),
            "'nightly' is not a semantic version",
        ),
        ("type=sha,enable=false", commit(), "enable=false"),
        ("type=ref,event=branch", commit(branch="..."), "nothing of '...' may stand in a tag"),
    ],
)
def test_a_rule_that_gives_nothing_says_why(rule: str, found: Commit | None, reason: str) -> None:
    names = name_release([rule], found)
    assert names.tags == ()
    assert names.version is None
    assert [(unused.rule, unused.reason) for unused in names.unused] == [(rule, reason)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("feature/a b#c", "feature-a-b-c"),
        (".hidden", "hidden"),
        ("--option", "option"),
        ("Grün", "Gr-n"),
        ("x" * 200, "x" * MAX_TAG_LENGTH),
    ],
)
def test_sanitized_text_is_a_valid_tag(text: str, expected: str) -> None:
    assert sanitize(text) == expected

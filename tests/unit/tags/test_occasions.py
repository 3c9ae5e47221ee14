"""What each kind of rule gives on each occasion, as docker/metadata-action gives it."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from keelway.tags.commit import Commit
from keelway.tags.flavor import parse_flavor
from keelway.tags.naming import MAX_TAG_LENGTH, name_release
from keelway.tags.occasion import GitRef, Occasion, RefKind, occasion_of
from keelway.tags.rules import RuleError

SHA = "0123456789abcdef0123456789abcdef01234567"
COMMITTED = datetime(2020, 1, 10, 0, 30, tzinfo=UTC)


def at(kind: RefKind, name: str) -> Occasion:
    return Occasion(
        ref=GitRef(kind=kind, name=name),
        sha=SHA,
        committed_at=COMMITTED,
        epoch=int(COMMITTED.timestamp()),
        default_branch="main",
    )


MAIN, FEATURE = at("branch", "main"), at("branch", "my/feature#1245")
RELEASE, BETA = at("tag", "v1.2.3"), at("tag", "v2.0.8-beta.67")
PULL = replace(at("pull_request", "15"), event="pull_request", base_ref="main")
NIGHTLY = replace(MAIN, event="schedule")


def tags(rule: str, occasion: Occasion, *flavor: str) -> tuple[str, ...]:
    return name_release([rule], occasion, flavor=parse_flavor(flavor)).tags


@pytest.mark.parametrize(
    ("rule", "occasion", "expected"),
    [
        ("type=schedule", NIGHTLY, ("nightly",)),
        ("type=schedule", MAIN, ()),
        ("type=schedule,pattern={{date 'YYYYMMDD'}}", NIGHTLY, ("20200110",)),
        (
            "type=schedule,pattern={{date 'YYYYMMDD-HHmmss' tz='Asia/Tokyo'}}",
            NIGHTLY,
            ("20200110-093000",),
        ),
        ("type=schedule,pattern={{date 'YYYYMMDD'}}-{{sha}}", NIGHTLY, ("20200110-0123456",)),
        ("type=ref,event=branch", FEATURE, ("my-feature-1245",)),
        ("type=ref,event=branch", PULL, ()),
        ("type=ref,event=tag", BETA, ("v2.0.8-beta.67", "latest")),
        ("type=ref,event=pr", PULL, ("pr-15",)),
        ("type=ref,event=pr,prefix=mr,suffix=-x", PULL, ("mr15-x",)),
        ("type=ref,event=pr", MAIN, ()),
        ("type=edge", MAIN, ("edge",)),
        ("type=edge", FEATURE, ()),
        ("type=edge,branch=my/feature#1245", FEATURE, ("edge",)),
        ("type=match,pattern=\\d.\\d.\\d", RELEASE, ("1.2.3", "latest")),
        ("type=match,pattern=v(.*),group=1", BETA, ("2.0.8-beta.67", "latest")),
        ("type=match,pattern=v(\\d.\\d),group=1", BETA, ("2.0", "latest")),
        ("type=match,pattern=v(\\d.\\d),group=3", BETA, ()),
        ('type=match,"pattern=\\d{1,3}.\\d{1,3}"', RELEASE, ("1.2", "latest")),
        ("type=match,pattern=/V(?<n>.*)/i,group=1", RELEASE, ("1.2.3", "latest")),
        ("type=match,pattern=/\\d/g,group=2", RELEASE, ("3", "latest")),
        ("type=match,pattern=v(.*),group=1,value=v9", MAIN, ("9", "latest")),
        ("type=match,pattern=x", RELEASE, ()),
        ("type=semver,pattern={{version}},value=v1.0.0", MAIN, ("1.0.0", "latest")),
        ("type=semver,pattern={{version}},value=p1/v1.0.0,match=v(\\d.\\d.\\d)$", MAIN,
         ("1.0.0", "latest")),
        ("type=semver,pattern={{major}}", BETA, ("2.0.8-beta.67",)),
        ("type=semver,pattern={{raw}}", BETA, ("v2.0.8-beta.67",)),
        ("type=pep440,pattern={{version}}", RELEASE, ("1.2.3", "latest")),
        ("type=pep440,pattern={{major}}.{{minor}}", RELEASE, ("1.2", "latest")),
        ("type=raw,foo", MAIN, ("foo",)),
        ("foo", MAIN, ("foo",)),
        ("=foo", MAIN, ("foo",)),
        ("type=raw,value=mytag-{{branch}}-{{sha}}", MAIN, ("mytag-main-0123456",)),
        ("type=raw,value=mytag-{{branch}}", RELEASE, ("mytag-",)),
        ("type=raw,value={{branch}}", RELEASE, ()),
        ("type=raw,value={{tag}}", RELEASE, ("v1.2.3",)),
        ("type=raw,value={{base_ref}}", PULL, ("main",)),
        ("type=raw,value=latest,enable={{is_default_branch}}", MAIN, ("latest",)),
        ("type=raw,value=latest,enable={{is_default_branch}}", FEATURE, ()),
        ("type=raw,value=x,enable={{is_not_default_branch}}", FEATURE, ("x",)),
        ("type=raw,value=x,enable={{is_branch 'develop' 'my/*'}}", FEATURE, ("x",)),
        ("type=raw,value=x,enable={{is_branch 'develop' 'my/*'}}", MAIN, ()),
        ("type=raw,value=x,enable={{is_tag 'v1.*'}}", RELEASE, ("x",)),
        ("type=raw,value=x,enable={{is_pr}}", PULL, ("x",)),
        ("type=raw,value={{commit_date 'YYYY-MM-DD-HHmm'}}", MAIN, ("2020-01-10-0030",)),
        # Without quotes it is a name to Handlebars: moment.js then writes its own form.
        ("type=raw,value={{commit_date YYYY-MM-DD}}", MAIN, ("2020-01-10T00-30-00Z",)),
        ("type=raw,value={{event}}", NIGHTLY, ("schedule",)),
        ("type=sha", MAIN, ("sha-0123456",)),
        ("type=sha,format=long,prefix=", MAIN, (SHA,)),
    ],
)  # fmt: skip
def test_rules(rule: str, occasion: Occasion, expected: tuple[str, ...]) -> None:
    assert tags(rule, occasion) == expected


@pytest.mark.parametrize(
    ("git_tag", "pattern", "expected"),
    [
        ("1.2.3", "{{raw}}", "1.2.3"),
        ("v1.2.3", "v{{major}}", "v1"),
        ("v1.2.3rc2", "{{raw}}", "v1.2.3rc2"),
        ("1.2.3rc2", "{{major}}.{{minor}}", "1.2.3rc2"),
        ("1.2.3post1", "{{major}}.{{minor}}", "1.2.3.post1"),
        ("1.2.3beta2", "{{major}}.{{minor}}", "1.2.3b2"),
        ("1.0dev4", "{{major}}.{{minor}}", "1.0.dev4"),
    ],
)
def test_versions_of_python(git_tag: str, pattern: str, expected: str) -> None:
    names = name_release([f"type=pep440,pattern={pattern}"], at("tag", git_tag))
    assert names.version == expected
    assert ("latest" in names.tags) == (git_tag in {"1.2.3", "v1.2.3"})


@pytest.mark.parametrize(
    ("flavor", "rule", "expected"),
    [
        (("suffix=-alpine",), "type=semver,pattern={{version}}", ("1.2.3-alpine", "latest")),
        (
            ("prefix=f-,onlatest=true", "suffix=-s,onlatest=true"),
            "type=semver,pattern={{version}}",
            ("f-1.2.3-s", "f-latest-s"),
        ),
        (("latest=false",), "type=ref,event=tag", ("v1.2.3",)),
        (("latest=true",), "type=sha", ("sha-0123456", "latest")),
        (("prefix=f-",), "type=sha", ("sha-0123456",)),
        (("prefix=f-",), "type=raw,x,prefix=", ("x",)),
        (
            ("prefix={{tag}}-,onlatest=true",),
            "type=ref,event=tag",
            ("v1.2.3-v1.2.3", "v1.2.3-latest"),
        ),
    ],
)
def test_flavor(flavor: tuple[str, ...], rule: str, expected: tuple[str, ...]) -> None:
    assert tags(rule, RELEASE, *flavor) == expected


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ("latest=maybe", "latest takes auto, true or false, not 'maybe'"),
        ("sufix=x", "unknown key of a flavor 'sufix'. Did you mean 'suffix'?"),
        ("alpine", "write key=value"),
        ("onlatest=true", "onlatest follows a prefix or a suffix"),
        ("prefix=x,onlatest=yes", "onlatest takes true or false, not 'yes'"),
        ("prefix={{brunch}}", "unknown expression in prefix of the flavor 'brunch'"),
    ],
)
def test_a_flavor_that_is_not_understood(entry: str, words: str) -> None:
    with pytest.raises(RuleError) as caught:
        parse_flavor([entry])
    assert words in str(caught.value)


def test_a_tag_is_made_valid_and_says_what_was_changed() -> None:
    names = name_release([f"type=raw,value=-a/{'b' * 200}"], MAIN)
    [named] = names.named
    assert named.tag == f"a-{'b' * (MAX_TAG_LENGTH - 2)}"
    assert [note.rpartition("has ")[2].rpartition("starts ")[2] for note in named.notes] == [
        "characters that no tag may have",
        "with what no tag may start with",
        "cut to 128 of 202 characters",
    ]


def test_values_are_escaped_as_handlebars_does_it_but_not_in_three_braces() -> None:
    odd = at("branch", "a&b")
    assert tags("type=raw,value={{branch}}", odd) == ("a-amp-b",)
    assert tags("type=raw,value={{{branch}}}", odd) == ("a-b",)


@pytest.mark.parametrize(
    ("rule", "reason"),
    [
        ("type=edge", "set tags.default_branch"),
        ("type=raw,x,enable={{is_default_branch}}", "set tags.default_branch"),
        ("type=raw,value={{date 'YYYY'}}", "neither SOURCE_DATE_EPOCH nor a commit"),
        ("type=ref,event=tag", "this is the branch main, which goes before the git tag v1"),
    ],
)
def test_what_is_not_known_is_said(rule: str, reason: str) -> None:
    over = GitRef(kind="tag", name="v1")
    unknown = replace(MAIN, default_branch=None, epoch=None, passed_over=over)
    names = name_release([rule], unknown)
    assert not names.tags
    assert reason in names.unused[0].reason


def test_enable_must_come_to_true_or_false() -> None:
    with pytest.raises(RuleError, match="is 'main' here, and takes true or false"):
        name_release(["type=raw,x,enable={{branch}}"], MAIN)


def commit(branch: str | None, tag: str | None, *, dirty: bool = False) -> Commit:
    return Commit(sha=SHA, committed_at=COMMITTED, branch=branch, tag=tag, dirty=dirty)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (commit("main", None), "refs/heads/main"),
        (commit(None, "v1"), "refs/tags/v1"),
        (commit("main", "v1"), "refs/tags/v1"),
        (commit("main", "v1", dirty=True), "refs/heads/main"),
        (commit(None, "v1", dirty=True), "refs/tags/v1"),
        (commit(None, None), None),
        (None, None),
    ],
)
def test_on_a_persons_machine_a_tagged_commit_is_a_release(
    found: Commit | None, expected: str | None
) -> None:
    ref = occasion_of(found).ref
    assert (None if ref is None else ref.full) == expected

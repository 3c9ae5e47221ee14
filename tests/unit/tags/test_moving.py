"""`latest`, `1` and `1.2` only move forward, whatever order releases are made in."""

import pytest

from keelway.tags.flavor import parse_flavor
from keelway.tags.moving import floating, hold_back
from keelway.tags.naming import name_release
from keelway.tags.occasion import GitRef, Occasion

RULES = (
    "type=semver,pattern={{version}}",
    "type=semver,pattern={{major}}.{{minor}}",
    "type=semver,pattern={{major}}",
)


def held(
    git_tag: str, present: list[str], *flavor: str, rules: tuple[str, ...] = RULES
) -> dict[str, str]:
    """Return the tags of a release that stay where they are, with the reasons."""
    occasion = Occasion(ref=GitRef(kind="tag", name=git_tag), sha="ab" * 20)
    names = name_release(rules, occasion, flavor=parse_flavor(flavor))
    return {one.tag: one.reason for one in hold_back(floating(names, git_tag), present)}


@pytest.mark.parametrize(
    ("git_tag", "present", "expected"),
    [
        ("v1.2.3", [], set[str]()),
        ("v1.2.3", ["1.2.2", "1.2", "1", "latest"], set[str]()),
        ("v1.2.3", ["1.2.3", "1.2", "1", "latest"], set[str]()),
        ("v1.2.3", ["1.2.4"], {"1.2", "1", "latest"}),
        ("v1.2.3", ["1.10.0"], {"1", "latest"}),
        ("v1.2.3", ["2.0.0"], {"latest"}),
        ("v1.2.3", ["v2.0.0"], {"latest"}),
        ("v1.2.3", ["2.0.0-rc.1", "main", "sha-0123456", "2", "1.3", "2.0.0-alpine"], set[str]()),
    ],
)
def test_an_older_line_keeps_its_own_names(
    git_tag: str, present: list[str], expected: set[str]
) -> None:
    assert set(held(git_tag, present)) == expected


def test_the_newest_rival_is_named() -> None:
    assert held("v1.2.3", ["1.9.0", "1.10.0", "1.3.0"])["latest"] == (
        "the registry has 1.10.0, which is newer than 1.2.3"
    )


def test_each_flavor_is_a_line_of_its_own() -> None:
    assert set(held("v1.2.3", ["2.0.0"], "suffix=-alpine,onlatest=true")) == set()
    assert set(held("v1.2.3", ["2.0.0-alpine"], "suffix=-alpine,onlatest=true")) == {
        "latest-alpine"
    }
    assert set(held("v1.2.3", ["2.0.0-alpine"], "suffix=-alpine")) == {"latest"}


@pytest.mark.parametrize("git_tag", ["v2.0.0-rc.1", "2.0.0rc1"])
@pytest.mark.parametrize(
    "rules", [("type=ref,event=tag",), ("type=match,pattern=v?(.*),group=1",), ("latest",)]
)
def test_never_to_a_pre_release(git_tag: str, rules: tuple[str, ...]) -> None:
    assert "is a pre-release" in held(git_tag, [], rules=rules)["latest"]


def test_versions_of_python_move_forward_too() -> None:
    rules = ("type=pep440,pattern={{version}}", "type=pep440,pattern={{major}}.{{minor}}")
    assert set(held("1.2.3", ["1.2.4", "1.3"], rules=rules)) == {"1.2", "latest"}


def test_without_a_version_nothing_is_held_back() -> None:
    main = Occasion(ref=GitRef(kind="branch", name="main"), sha="ab" * 20)
    names = name_release(["latest", "type=ref,event=branch"], main)
    assert not hold_back(floating(names, None), ["2.0.0"])

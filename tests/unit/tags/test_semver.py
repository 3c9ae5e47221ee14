"""Semantic versions: which texts are, and how they are ordered."""

import pytest

from keelway.tags.semver import parse_semver


@pytest.mark.parametrize("text", ["1.2", "v1", "1.2.3.4", "01.2.3", "1.2.3-", "x1.2.3", "1.2.3+"])
def test_not_a_version(text: str) -> None:
    assert parse_semver(text) is None


def test_order_is_that_of_semver_org() -> None:
    ordered = [
        "1.0.0-alpha",
        "1.0.0-alpha.1",
        "1.0.0-alpha.beta",
        "1.0.0-beta",
        "1.0.0-beta.2",
        "1.0.0-beta.11",
        "1.0.0-rc.1",
        "1.0.0",
        "1.0.1",
        "1.10.0",
        "2.0.0",
    ]
    versions = [version for text in reversed(ordered) if (version := parse_semver(text))]
    assert [v.raw for v in sorted(versions, key=lambda version: version.precedence())] == ordered

"""What is shown of a secret's address."""

import re

import pytest

from keelway.config.section import SECRET_PATTERN
from keelway.model.secret_source import by_command, shown_source


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ("env://NPM_TOKEN", "env://NPM_TOKEN"),
        ("env://_2", "env://_2"),
        ("env://ghp_hunter2secretvalue", "env://ghp..."),
        ("env://NPM_TOKEN\nhunter2", "env://NPM..."),
        ("file:///run/secrets/token", "file:///run/secrets/token"),
        ("cmd://echo hunter2secretvalue", "cmd://ech..."),
        ("vault://secret/data/token", "vault://sec..."),
        ("hunter2secretvalue", "hun..."),
    ],
)
def test_only_names_and_paths_are_shown_whole(source: str, shown: str) -> None:
    assert shown_source(source) == shown


@pytest.mark.parametrize(
    "source",
    ["op://v/i/f", "vault://ci/token.field", "aws+sm://name", "aws+ps://name", "gcp://name",
     "libsecret://name"],
)  # fmt: skip
def test_a_store_has_an_address_and_a_program(source: str) -> None:
    assert re.fullmatch(SECRET_PATTERN, source)
    assert "cmd://" in (by_command(source) or "")


@pytest.mark.parametrize("source", ["env://A", "file:///a", "cmd://a", "nonsense"])
def test_what_is_in_no_store_has_none(source: str) -> None:
    assert by_command(source) is None


@pytest.mark.parametrize("source", ["env:A", "op:v", "awssm://name", "s3://bucket", "op://"])
def test_what_is_no_address_is_refused(source: str) -> None:
    assert re.fullmatch(SECRET_PATTERN, source) is None

"""What is shown of a secret's address."""

import pytest

from keelway.model.secret_source import shown_source


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

"""Names as Dagger's command line spells them."""

import pytest

from keelway.calling.naming import closest, kebab


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("build", "build"),
        ("with_secret", "with-secret"),
        ("dockerConfig", "docker-config"),
        ("JSONData", "json-data"),
        ("HTTPServer", "http-server"),
        ("sha256_of", "sha-256-of"),
        ("already-kebab", "already-kebab"),
    ],
)
def test_names_are_spelt_as_strcase_spells_them(name: str, written: str) -> None:
    assert kebab(name) == written


def test_what_was_probably_meant() -> None:
    assert closest("verif", ["build", "verify"]) == "verify"
    assert closest("xyz", ["build", "verify"]) is None

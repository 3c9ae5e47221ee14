"""What users rely on, as it is: a change shows as a diff of a golden file or of the reference."""

import re
from pathlib import Path

import pytest

import keelway
from keelway._cli import api_page, app, reference
from keelway.config import load_config

ROOT = Path(__file__).parents[2]
GOLDEN = ROOT / "tests" / "golden"
REFERENCE = ROOT / "docs" / "reference"
WRITTEN_BY_HAND = {"provenance.md"}
# Not by `reference.pages()`: each process of a test run would make them, to run one of its tests.
PAGES = sorted({path.name for path in REFERENCE.iterdir()} - WRITTEN_BY_HAND)


def test_the_exported_names() -> None:
    """After a deliberate change: write the names, one a line, to the golden file."""
    golden = (GOLDEN / "exports.txt").read_text().splitlines()
    assert sorted(keelway.__all__) == golden


def test_the_reference_has_all_pages_and_no_other() -> None:
    assert sorted(reference.pages()) == PAGES


@pytest.mark.parametrize("name", PAGES)
def test_the_reference_is_what_the_program_says(name: str) -> None:
    """When this fails: `python -m keelway._cli.reference docs/reference`."""
    assert (REFERENCE / name).read_text() == reference.pages()[name]


def test_checking_the_reference_fails_when_a_page_is_stale(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert reference.main([str(tmp_path), "--check"]) == 1
    assert reference.main([str(tmp_path)]) == 0
    assert reference.main([str(tmp_path), "--check"]) == 0
    (tmp_path / "cli.md").write_text("old")
    capsys.readouterr()
    assert reference.main([str(tmp_path), "--check"]) == 1
    assert "cli.md is not what keelway itself says" in capsys.readouterr().err
    assert reference.main([]) == 2


def test_the_example_of_the_reference_is_a_configuration(tmp_path: Path) -> None:
    (tmp_path / "keelway.toml").write_text(reference.EXAMPLE)
    assert list(load_config(tmp_path).config.images) == ["orders", "worker"]


def test_every_command_is_in_the_reference() -> None:
    page = (REFERENCE / "cli.md").read_text()
    for name in app.COMMANDS:
        assert f"## `keelway {name}`" in page


def test_the_api_page_has_exactly_the_public_names() -> None:
    page = (REFERENCE / "api.md").read_text()
    assert sorted(re.findall(r"^### `(\w+)`$", page, re.MULTILINE)) == keelway.__all__


RAISE_NOTHING = frozenset({"judge", "known_programs", "stage"})


@pytest.mark.parametrize("name", keelway.__all__)
def test_a_public_name_tells_what_goes_in_and_what_goes_wrong(name: str) -> None:
    text = api_page.docstring_of(name)
    assert text, f"{name} has no docstring"
    if not api_page.is_function(name):
        return
    for parameter in api_page.parameters_of(name):
        told = re.search(rf"^\s+{parameter}: ", text, re.MULTILINE)
        assert told, f"{name}: the docstring does not tell of {parameter}"
    assert ("Raises:" in text) is (name not in RAISE_NOTHING)


def test_every_field_of_a_public_value_is_told_of() -> None:
    """After adding a field: write what it is, below it."""
    name, silent = "", []
    for line in (REFERENCE / "api.md").read_text().splitlines():
        name = line if line.startswith("### ") else name
        if re.fullmatch(r"\| `[a-z_0-9]+` \| .* \|  \|", line):
            silent.append(f"{name}: {line}")
    assert not silent

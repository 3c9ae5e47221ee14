"""What a machine lacks is said by `missing()`, so that it fails in CI where it must not lack it."""

from pathlib import Path

import pytest

from tests.support import missing

STORE_TESTS = sorted((Path(__file__).parent / "engine" / "store").glob("test_*.py"))


@pytest.mark.parametrize("file", STORE_TESTS, ids=lambda file: file.name)
def test_the_store_is_never_left_untested_in_silence(file: Path) -> None:
    assert "pytest.skip(" not in file.read_text()


def test_ci_must_have_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="missing on this CI machine: the program no-p"):
        missing.need("no-program", package="none")

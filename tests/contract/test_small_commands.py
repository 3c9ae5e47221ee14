"""The commands that only tell something."""

from tests.contract.conftest import Keelway


def test_version(keelway: Keelway) -> None:
    done = keelway("version")
    assert done.returncode == 0
    assert [line.split()[0] for line in done.stdout.splitlines()] == [
        "keelway",
        "dagger-io",
        "python",
    ]


def test_the_engines_own_program_is_reached_with_its_own_options(keelway: Keelway) -> None:
    done = keelway("engine", "--help")
    assert done.returncode == 0
    assert "keelway-engine" in done.stdout
    assert keelway("engine", "no-such-command").returncode == 2

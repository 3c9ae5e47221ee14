"""Files are renewed as long as they are keelway's own, and never where somebody changed them."""

from pathlib import Path

import pytest

from keelway.ci_templates.repository import State, find_ecosystems, find_root, propose, write
from keelway.ci_templates.seal import is_untouched, seal
from keelway.config import Config, ImageConfig, ProjectConfig
from keelway.errors import ConfigError

OLD = {
    "a/one.yml": seal("one.yml", "a: 1\n", version="1"),
    "Jenkinsfile": seal("Jenkinsfile", "x\n", version="1"),
}
NEW = {"a/one.yml": seal("one.yml", "a: 2\n", version="2"), "Jenkinsfile": OLD["Jenkinsfile"]}


def states(root: Path, files: dict[str, str]) -> list[State]:
    return [one.state for one in propose(root, files)]


def test_new_files_are_written_and_then_up_to_date(tmp_path: Path) -> None:
    assert states(tmp_path, OLD) == [State.NEW, State.NEW]
    assert len(write(tmp_path, propose(tmp_path, OLD), force=False)) == 2
    assert states(tmp_path, OLD) == [State.CURRENT, State.CURRENT]
    assert write(tmp_path, propose(tmp_path, OLD), force=False) == ()


def test_an_untouched_file_is_renewed(tmp_path: Path) -> None:
    write(tmp_path, propose(tmp_path, OLD), force=False)
    assert states(tmp_path, NEW) == [State.OUTDATED, State.CURRENT]
    write(tmp_path, propose(tmp_path, NEW), force=False)
    assert (tmp_path / "a" / "one.yml").read_text() == NEW["a/one.yml"]


@pytest.mark.parametrize(
    ("change", "state"),
    [
        (lambda text: text.replace("a: 1", "a: 3"), State.CHANGED),
        (lambda text: text + "\n", State.CHANGED),
        (lambda text: text.replace("keelway-content", "content"), State.FOREIGN),
        (lambda _: "mine: true\n", State.FOREIGN),
        (lambda _: "", State.FOREIGN),
    ],
)
def test_a_changed_file_is_refused_and_nothing_at_all_is_written(
    tmp_path: Path, change: object, state: State
) -> None:
    assert callable(change)
    write(tmp_path, propose(tmp_path, OLD), force=False)
    (tmp_path / "Jenkinsfile").unlink()
    path = tmp_path / "a" / "one.yml"
    path.write_text(mine := change(path.read_text()))
    with pytest.raises(ConfigError, match=f"a/one.yml: is {state.value}") as caught:
        write(tmp_path, propose(tmp_path, NEW), force=False)
    assert caught.value.exit_code == 2
    assert path.read_text() == mine
    assert not (tmp_path / "Jenkinsfile").exists()
    assert "+a: 2" in propose(tmp_path, NEW)[0].difference()
    write(tmp_path, propose(tmp_path, NEW), force=True)
    assert path.read_text() == NEW["a/one.yml"]


def test_a_checkout_with_line_ends_of_windows_is_no_change() -> None:
    text = OLD["a/one.yml"]
    assert is_untouched(text.replace("\n", "\r\n"))


def test_what_can_not_be_read_is_told(tmp_path: Path) -> None:
    (tmp_path / "Jenkinsfile").mkdir()
    with pytest.raises(ConfigError, match="Jenkinsfile: can't be read"):
        propose(tmp_path, OLD)


def test_a_link_that_leads_nowhere_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "Jenkinsfile").symlink_to(tmp_path / "outside")
    with pytest.raises(ConfigError, match="can't be read"):
        propose(tmp_path, OLD)


def test_a_json_document_holds_the_mark_as_a_text() -> None:
    text = seal("renovate.json", '{"a": 1, "description": ["x"]}\n', version="1")
    assert is_untouched(text)
    assert not is_untouched(text.replace('"a": 1', '"a": 2'))
    assert text.startswith('{\n  "a": 1')


def test_the_top_of_a_repository(tmp_path: Path) -> None:
    folder = tmp_path / "services" / "shop"
    folder.mkdir(parents=True)
    (tmp_path / ".git").touch()  # A file in a worktree.
    assert find_root(folder) == tmp_path


def test_package_managers_are_seen_where_the_configuration_looks(tmp_path: Path) -> None:
    for name in (
        "shop/api/go.mod",
        "shop/pyproject.toml",
        ".hidden/Gemfile",
        "elsewhere/package.json",
    ):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    config = Config(
        project=ProjectConfig(name="shop"),
        images={
            "api": ImageConfig(context="api"),
            "up": ImageConfig(context="../../outside"),
            "hidden": ImageConfig(context="../.hidden"),
        },
    )
    assert find_ecosystems(config, "shop", tmp_path) == (
        ("bundler", "/.hidden"),
        ("docker", "/.hidden"),
        ("docker", "/shop/api"),
        ("gomod", "/shop/api"),
        ("pip", "/shop"),
    )

"""What a changed file leads to: the rules of `develop.watch`, from the Compose Specification."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from keelway.compose.loader import load_project
from keelway.develop.looking import Changes, differences, look
from keelway.develop.rules import Rule, decide, plan_rules, rule_notices
from keelway.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

COMPOSE = """\
services:
  web:
    build: .
    develop:
      watch:
{rules}
  db:
    image: db
    {more}
"""


def rules(folder: Path, *written: str, more: str = "") -> tuple[Rule, ...]:
    """Return the rules of a service, each as a flow mapping's inside."""
    lines = "\n".join(f"        - {{ {one} }}" for one in written)
    file = folder / "compose.yaml"
    file.write_text(COMPOSE.format(rules=lines, more=more))
    project = load_project([file], environment={})
    return plan_rules(project, ())


def tree(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)


def names(folder: Path, rule: Rule) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in look(rule))


def test_ignore_and_include_are_relative_to_the_path(tmp_path: Path) -> None:
    tree(tmp_path, "src/a.py", "src/a.pyc", "src/node_modules/x.py", "src/sub/b.py", "src/c.txt")
    (rule,) = rules(
        tmp_path,
        'path: src, action: sync, target: /app, include: ["**/*.py"], ignore: [node_modules/]',
    )
    assert names(tmp_path, rule) == ["src/a.py", "src/sub/b.py"]
    assert rule.goal(tmp_path / "src/sub/b.py") == "/app/sub/b.py"


def test_an_exception_to_what_is_ignored_is_looked_for(tmp_path: Path) -> None:
    tree(tmp_path, "src/gen/a.py", "src/gen/kept.py")
    (rule,) = rules(
        tmp_path, 'path: src, action: sync, target: /app, ignore: ["gen", "!gen/kept.py"]'
    )
    assert names(tmp_path, rule) == ["src/gen/kept.py"]


def test_the_dockerignore_of_the_build_counts_too(tmp_path: Path) -> None:
    tree(tmp_path, "src/a.py", "src/a.log", "docs/b.py")
    (tmp_path / ".dockerignore").write_text("**/*.log\ndocs\n")
    (rule,) = rules(tmp_path, "path: ., action: sync, target: /app, ignore: [compose.yaml]")
    assert names(tmp_path, rule) == [".dockerignore", "src/a.py"]


def test_what_editors_and_git_leave_is_no_change(tmp_path: Path) -> None:
    tree(tmp_path, "src/.git/HEAD", "src/.a.py.swp", "src/a.py~", "src/4913", "src/a.py")
    (rule,) = rules(tmp_path, "path: src, action: sync, target: /app")
    assert names(tmp_path, rule) == ["src/a.py"]


def test_one_file_may_be_watched(tmp_path: Path) -> None:
    tree(tmp_path, "package.json", "other.json")
    (rule,) = rules(tmp_path, "path: package.json, action: sync, target: /app/package.json")
    assert names(tmp_path, rule) == ["package.json"]
    assert rule.goal(tmp_path / "package.json") == "/app/package.json"


def test_links_are_files_and_not_followed(tmp_path: Path) -> None:
    tree(tmp_path, "src/a.py", "far/away.py")
    (tmp_path / "src/link").symlink_to(tmp_path / "far")
    (rule,) = rules(tmp_path, "path: src, action: sync, target: /app")
    assert names(tmp_path, rule) == ["src/a.py", "src/link"]


# --- what is done ---------------------------------------------------------------------------------


def changed(folder: Path, all_rules: tuple[Rule, ...]) -> Changes:
    """Return what a write, a new file and a removal are seen as."""
    before = {rule: look(rule) for rule in all_rules}
    (folder / "src/a.py").write_text("longer than before")
    tree(folder, "src/new.py")
    (folder / "src/old.py").unlink()
    return differences(before, {rule: look(rule) for rule in all_rules})


@pytest.mark.parametrize(
    ("action", "expected"),
    [
        ("rebuild", {"rebuild": True, "kinds": []}),
        ("restart", {"rebuild": False, "kinds": ["restart"]}),
        ("sync, target: /app", {"rebuild": False, "kinds": ["sync"]}),
        ("sync+restart, target: /app", {"rebuild": False, "kinds": ["sync", "restart"]}),
        (
            "sync+exec, target: /app, exec: { command: reload now }",
            {"rebuild": False, "kinds": ["sync", "exec"]},
        ),
    ],
)
def test_each_action_is_done_in_its_order(
    tmp_path: Path, action: str, expected: dict[str, Any]
) -> None:
    tree(tmp_path, "src/a.py", "src/old.py")
    found = changed(tmp_path, given := rules(tmp_path, f"path: src, action: {action}"))
    (work,) = decide(found.paths, found.gone)
    kinds = [
        "exec" if order.command else "restart" if order.restart else "sync" for order in work.orders
    ]
    assert {"rebuild": work.rebuild, "kinds": kinds} == expected
    assert (work.service, work.files) == ("web", 3)
    if given[0].syncs:
        assert sorted(work.orders[0].put) == ["/app/a.py", "/app/new.py"]
        assert work.orders[0].gone == ("/app/old.py",)


def test_who_is_built_anew_needs_nothing_else(tmp_path: Path) -> None:
    tree(tmp_path, "src/a.py", "src/old.py")
    both = rules(
        tmp_path, "path: src, action: rebuild", "path: src, action: sync+restart, target: /app"
    )
    found = changed(tmp_path, both)
    (work,) = decide(found.paths, found.gone)
    assert (work.rebuild, work.orders) == (True, ())


def test_nothing_is_done_when_nothing_has_changed(tmp_path: Path) -> None:
    tree(tmp_path, "src/a.py")
    (rule,) = rules(tmp_path, "path: src, action: rebuild")
    seen = {rule: look(rule)}
    assert not differences(seen, {rule: look(rule)})
    assert decide({rule: ()}, ()) == []


# --- what cannot be done --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("path: ., action: sync, target: app", "the target 'app' is no absolute path"),
        ("path: ., action: sync+exec, target: /app", "the key 'exec' with a command is required"),
        ('path: ., action: rebuild, ignore: ["[a"]', "a pattern is malformed"),
    ],
)
def test_a_rule_that_cannot_be_carried_out_is_refused(
    tmp_path: Path, written: str, told: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        rules(tmp_path, written)
    assert "compose.yaml:6: services.web.develop.watch: " in str(caught.value)
    assert told in str(caught.value)


def test_a_service_without_a_build_cannot_be_rebuilt(tmp_path: Path) -> None:
    more = "develop: { watch: [{ path: ., action: rebuild }] }"
    with pytest.raises(ConfigError, match=r"services\.db\.develop\.watch: it has no build"):
        rules(tmp_path, "path: ., action: restart", more=more)


def test_nothing_is_written_to_a_read_only_service(tmp_path: Path) -> None:
    rule = "path: ., action: sync, target: {}"
    more = "read_only: true\n    volumes: [data:/data]\n    develop: {{ watch: [{{ {} }}] }}"
    good = more.format(rule.format("/data/app"))
    file_end = "\nvolumes: { data: }"
    assert len(rules(tmp_path, "path: ., action: restart", more=good + file_end)) == 2
    bad = more.format(rule.format("/app"))
    with pytest.raises(ConfigError, match=r"nothing can be written to /app"):
        rules(tmp_path, "path: ., action: restart", more=bad + file_end)


def test_a_path_that_is_not_there_yet_is_told(tmp_path: Path) -> None:
    (notice,) = rule_notices(rules(tmp_path, "path: later, action: restart"))
    assert "there is no file or folder" in notice.reason
    assert notice.place is not None

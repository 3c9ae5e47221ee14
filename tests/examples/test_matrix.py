"""Requirement, how, test, result of the four systems: every requirement has tests, and pages say so."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.support.requirements import NAMES, ROOT, System, page, systems, without_times

PAGE = ROOT / "docs/explanation/four-systems.md"


def test_all_four_have_a_list() -> None:
    """None of the four is left out."""
    assert tuple(system.name for system in systems()) == NAMES


@pytest.mark.parametrize("system", systems(), ids=lambda system: system.name)
def test_every_requirement_has_its_own_name_a_way_and_a_test(system: System) -> None:
    """What a list names, such as a line of a file or a test, is there: reading it has seen to that."""
    assert system.flow
    assert system.requirements
    assert Counter(one.identity for one in system.requirements).most_common(1)[0][1] == 1


@pytest.mark.parametrize("system", systems(), ids=lambda system: system.name)
def test_the_readme_has_the_table(system: System) -> None:
    """`scripts/requirements` writes it."""
    assert (system.folder / "README.md").read_text() == system.readme()


def test_the_page_of_the_docs_has_all_of_it() -> None:
    """`make examples` writes it, with what became of the tests: there all have passed."""
    passed = {test: "passed" for one in systems() for row in one.requirements for test in row.tests}
    assert without_times(PAGE.read_text()) == without_times(page(passed, {}, ""))


def test_a_requirement_whose_test_did_not_run_is_not_called_fulfilled() -> None:
    """Neither is one with a test that failed or was skipped, whatever the others say."""
    one = systems()[0].requirements[0]
    results = dict.fromkeys(one.tests, "passed")
    assert one.result(results) == "passed"
    assert one.result({}) == "not run"
    for worse in ("failed", "skipped"):
        assert one.result({**results, one.tests[0]: worse}) == worse

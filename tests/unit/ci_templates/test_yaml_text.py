"""What is written reads back as the same data, whatever stands in it."""

import pytest
import yaml

from keelway.ci_templates.yaml_text import Told, to_yaml

TEXTS = [
    "", " ", "a", "on", "yes", "null", "~", "1", "1.0", "0o7", "1e3", "2024-01-01", "=", "<<",
    "- a", "a: b", "a #b", "#a", "*", "**", "v*", "!a", "&a", "%a", "@a", "`a`", "[a]", "{a}",
    "'a'", '"a"', "a'b\"c", "${{ a.b }}", "$[[ a ]]", "<< a >>", "a\\nb", "a\ttab", "ä€",
    "x\u2028y",
    "0 2 * * *",
    "!a && b", "a: 'b'", "trailing ", "? a", "| a", "> a", ": a",
]  # fmt: skip


@pytest.mark.parametrize("text", TEXTS)
def test_any_text_reads_back(text: str) -> None:
    document = {"key": text, "list": [text, {"a": text}], text.replace("on", "On"): 1}
    assert yaml.safe_load(to_yaml(document)) == document


@pytest.mark.parametrize("text", ["a\nb\n", "a\n\nb\n", "if x; then\n  y\nfi\n", "# a\n- b: c\n"])
def test_lines_are_a_literal_block(text: str) -> None:
    written = to_yaml({"run": text, "list": [text]})
    assert "run: |\n" in written
    assert yaml.safe_load(written) == {"run": text, "list": [text]}


def test_nested_data_reads_back() -> None:
    document = {
        "a": [{"b": [1, True, None, {"c": "d"}]}, ["e", ["f"]]],
        "empty": {},
        "none": [],
        "off": False,
    }
    assert yaml.safe_load(to_yaml(document)) == document


def test_comments_stand_above_and_behind_and_are_no_data() -> None:
    written = to_yaml(
        {
            "# Above.": None,
            "jobs": [{"# Of the first.": None, "uses": Told("a@1", comment="v1"), "b": 2}],
        }
    )
    assert written == "# Above.\njobs:\n  # Of the first.\n  - uses: a@1 # v1\n    b: 2\n"
    assert yaml.safe_load(written) == {"jobs": [{"uses": "a@1", "b": 2}]}


def test_keys_are_quoted_where_they_have_to_be() -> None:
    assert to_yaml({"on": 1, "**": 2, "a b": 3}) == "on: 1\n'**': 2\na b: 3\n"

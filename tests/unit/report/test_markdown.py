"""report.md: short enough for any CI, and nothing in it is markup of others."""

from __future__ import annotations

import re

import pytest

from keelway.report.markdown import LIMIT_BYTES, markdown
from keelway.report.markdown_text import Block, cell, code, fenced
from tests.support.sample_report import LOGIN, delivered_report, sample_report


def test_the_reasons_come_first() -> None:
    text = markdown(sample_report())
    headings = re.findall(r"^### (.*)", text, re.MULTILINE)
    assert headings[:4] == [
        "shop 1.4.0: refused",
        "The gate refuses for 2 reasons",
        "Passed by an exception",
        "Tests",
    ]
    assert text.index("expected 201, got 503") < text.index("### Findings")
    assert 'FATAL: role "orders" does not exist' in text


def test_a_release_tells_what_was_published_and_how_to_verify_it() -> None:
    text = markdown(delivered_report())
    assert "<code>localhost:5000/shop/orders:1.4.0@sha256:" in text
    assert "```sh\nkeelway verify localhost:5000/shop/orders@sha256:" in text


def test_it_is_smaller_than_what_a_ci_takes_and_tells_how_much_is_missing() -> None:
    report = sample_report(findings=11_000)
    text = markdown(report)
    assert len(text.encode()) <= LIMIT_BYTES < 1024 * 1024
    rows = re.findall(r"^\| \w+ \| CVE-2025-", text, re.MULTILINE)
    assert len(rows) + _left_out(text) == 11_002
    assert "| build | done | 31.0 s |" in text, "what comes after the cut is there"


@pytest.mark.parametrize("limit", [3_000, 4_000, 10_000, 100_000])
def test_it_fits_into_what_is_left(limit: int) -> None:
    text = markdown(sample_report(findings=500), limit)
    assert len(text.encode()) <= limit


def _left_out(text: str) -> int:
    numbers = re.findall(r"([\d,]+) more left out", text)
    return sum(int(number.replace(",", "")) for number in numbers)


def test_what_others_wrote_is_no_markup() -> None:
    text = markdown(sample_report(hostile=True))
    assert "pa55word" not in text
    assert LOGIN not in text
    outside = re.sub(r"^(`{3,})\w*\n.*?^\1$", "", text, flags=re.DOTALL | re.MULTILINE)
    assert set(re.findall(r"<(\w+)", outside)) <= {"code", "details", "summary"}


def test_a_fence_cannot_be_left() -> None:
    text = fenced("```\n````\n<script>")
    assert text.startswith("`````text\n")
    assert text.endswith("\n`````\n")


def test_a_cell_is_one_line_of_text() -> None:
    assert cell("a\n| b *c* [d](e) `f` <g>") == r"a \| b \*c\* \[d\](e) \`f\` &lt;g&gt;"
    assert code("a|`b`\n<c>") == "<code>a&#124;&#96;b&#96; &#60;c&#62;</code>"


def test_a_block_is_cut_between_rows() -> None:
    block = Block(title="T", rows=("one\n", "two\n", "three\n"), fold="see")
    text, used = block.filled(8)
    assert used == 8
    assert "one\ntwo\n\n1 more left out here" in text
    assert text.endswith("</details>\n")
    assert block.filled(100)[0].count("more left out") == 0

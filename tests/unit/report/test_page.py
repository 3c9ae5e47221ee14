"""report.html as text; `tests/integration/test_report_page.py` looks at it in a browser."""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING

from keelway.report.markdown import markdown
from keelway.report.page import lists
from keelway.report.page.markup import file_link, link, tag
from keelway.report.page.page import html_page
from tests.support.sample_report import HOSTILE, LOGIN, delivered_report, sample_report

if TYPE_CHECKING:
    import pytest


class Outline(HTMLParser):
    """Checks that elements are closed in order, and keeps what it saw."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))
        if tag not in {"meta", "br", "input"}:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_is_well_formed_whatever_is_in_it() -> None:
    for report in (
        sample_report(), delivered_report(), sample_report(hostile=True), sample_report(findings=0),
    ):  # fmt: skip
        assert Outline(html_page(report)).seen[0][0] == "html"


def test_nothing_is_fetched_and_only_its_own_script_may_run() -> None:
    text = html_page(sample_report(hostile=True))
    seen = Outline(text).seen
    (policy,) = [a["content"] for _, a in seen if a.get("http-equiv") == "Content-Security-Policy"]
    assert policy is not None
    assert policy.startswith("default-src 'none';")
    for name in ("style", "script"):
        (content,) = re.findall(f"<{name}>(.*?)</{name}>", text, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{name}-src 'sha256-{digest}'" in policy
    assert not [name for name, _ in seen if name in {"link", "img", "iframe", "object"}]
    assert not [a for _, a in seen if "src" in a or "style" in a or any(k[:2] == "on" for k in a)]


def test_what_others_wrote_is_escaped_and_secrets_are_masked() -> None:
    text = html_page(sample_report(hostile=True))
    assert HOSTILE not in text
    assert text.count("&lt;script&gt;window.hacked=1&lt;/script&gt;") > 40
    assert LOGIN not in text
    assert "https://***@registry.test/" in text


def test_links_lead_to_the_web_or_beside_the_page_and_nowhere_else() -> None:
    assert link("javascript:alert(1)", "x") == "x"
    assert link("https://example.com/?a=1&b=2", "x").startswith(
        '<a href="https://example.com/?a=1&amp;b=2"'
    )
    assert 'href="./javascript%3Aalert%281%29"' in file_link("javascript:alert(1)")
    assert 'href="./integration/db%20%231.log"' in file_link("integration/db #1.log")


def test_control_characters_do_not_come_through() -> None:
    assert (
        tag("p", "a\x00\x1b[31mb\n", title="\x07") == '<p title="\ufffd">a\ufffd\ufffd[31mb\n</p>'
    )


def test_a_page_says_what_is_not_there_and_why() -> None:
    text = html_page(
        sample_report(scan=None, sbom=None, tests=None, load=None, policy=None, verdict=None)
    )
    assert "Nothing was searched for: it did not come to its end." in text
    assert "The images are not signed" not in text
    assert "Nothing was published: the run ended before it." in text
    skipped = {
        "name": "scan", "status": "skipped", "reason": "scan.enabled is false", "seconds": None,
        "started_at": sample_report().started_at, "error": None,
    }  # fmt: skip
    text = html_page(sample_report(scan=None, stages=[skipped]))
    assert "Nothing was searched for: scan.enabled is false." in text


def test_a_run_that_failed_says_so_first() -> None:
    error = {"type": "ToolError", "message": "make failed", "diagnostics": "make failed\nwhy: x"}
    text = html_page(
        sample_report(
            outcome="failed", exit_code=5, error=error, verdict=None, images=None, policy=None
        )
    )
    assert "ToolError, exit code 5" in text
    assert text.index("make failed\nwhy: x") < text.index('id="findings"')


def test_layers_are_shown_with_what_made_them() -> None:
    text = html_page(sample_report())
    assert text.count("Layers of orders (linux/") == 2
    assert "<code>COPY --from=build /venv /venv</code>" in text
    assert "74.8 MB" in text


def test_the_waterfall_has_stages_what_they_worked_on_and_steps() -> None:
    text = html_page(sample_report())
    assert '<span class="item">orders (linux/arm64)</span>' in text
    assert text.count('<rect class="bar') + text.count('class="bar') >= 7 + 2 + 12
    assert "12 were cached (27 %), 1 failed." in text
    assert "32 shorter ones are left out." in text


def test_rows_beyond_the_most_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lists, "MOST_ROWS", 50)
    text = html_page(sample_report(findings=60))
    assert text.count('data-severity="') == 50
    assert "12 more rows are left out of this page; report.json has them all." in text


def test_commands_verify_what_was_published() -> None:
    text = html_page(delivered_report())
    assert "keelway verify localhost:5000/shop/orders@sha256:" in text
    assert "cosign verify --key cosign.pub --allow-http-registry localhost:5000/shop" in text
    unsigned = html_page(delivered_report(signatures=None))
    assert "The images are not signed" in unsigned
    assert "cosign verify" not in unsigned


def test_faults_are_told_with_what_was_answered_meanwhile() -> None:
    for text in (html_page(sample_report()), markdown(sample_report())):
        assert "Fault injection" in text
        assert "killed db by SIGKILL" in text
        assert "503 (4), none (1), at most 1.2 s" in text
        assert "after 2.5 s, allowed 10 s" in text
    assert "<strong>proxy</strong> in no-db" in html_page(sample_report())


def test_load_is_held_against_the_last_release() -> None:
    text = html_page(sample_report())
    assert "Figures beside those of the last release" in text
    assert re.search(r"\+27% <span[^>]*>worse", text)
    assert re.search(r"\+8% <span[^>]*>better", text)

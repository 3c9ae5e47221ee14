"""report.html in a real browser: it reads, filters and sorts, and asks nobody for anything."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import pytest

from keelway.report.page.page import html_page
from tests.support.browser import Browser, Page, browser
from tests.support.sample_report import delivered_report, sample_report

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from keelway.report.document import ReportDocument

PHONE, DESK = 390, 1280

# Texts that can be seen whose colour is too near to what is behind them (WCAG 2.2, 1.4.3).
CONTRASTS = """
(() => {
  const rgb = (text) => (text.match(/[\\d.]+/g) || []).map(Number);
  const light = (c) => {
    const [r, g, b] = c.slice(0, 3).map((v) => {
      v /= 255;
      return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const c = rgb(getComputedStyle(at).backgroundColor);
      if (c.length === 3 || c[3] === 1) return c;
    }
    return [255, 255, 255];
  };
  const poor = [];
  for (const element of document.querySelectorAll("body *")) {
    const text = [...element.childNodes].some((n) => n.nodeType === 3 && n.data.trim());
    if (!text || !element.checkVisibility() || element.closest("svg, script")) continue;
    const [a, b] = [light(rgb(getComputedStyle(element).color)), light(behind(element))];
    const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (contrast < 4.5) poor.push(element.tagName + "." + element.className + " " + contrast);
  }
  return poor;
})()
"""
SHOWN = "[...document.querySelectorAll('#finding-list tbody tr')].filter(r => !r.hidden)"
OPEN_ALL = "document.querySelectorAll('details').forEach(d => { d.open = true })"


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with browser(tmp_path_factory.mktemp("browser")) as opened:
        yield opened


def opened(
    chromium: Browser,
    folder: Path,
    report: ReportDocument,
    *,
    width: int = DESK,
    dark: bool = False,
    scripts: bool = True,
) -> Page:
    file = folder / "report.html"
    file.write_text(html_page(report), encoding="utf-8")
    return Page(chromium, file, width=width, dark=dark, scripts=scripts)


def chosen(page: Page, name: str, value: str) -> list[str]:
    """Choose in a filter of the findings, and return the ids that are left."""
    page.run(
        f"""(() => {{ const s = document.querySelector('form select[data-filter="{name}"]');
        s.value = {value!r}; s.dispatchEvent(new Event('input', {{bubbles: true}})); }})()"""
    )
    return ids(page)


def ids(page: Page) -> list[str]:
    found: list[str] = page.run(f"{SHOWN}.map(r => r.cells[1].querySelector('a').textContent)")
    return found


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [PHONE, DESK])
def test_it_is_readable(chromium: Browser, tmp_path: Path, *, width: int, dark: bool) -> None:
    for report in (sample_report(), delivered_report()):
        page = opened(chromium, tmp_path, report, width=width, dark=dark)
        assert page.complaints() == []
        page.run(OPEN_ALL)
        wide: list[str] = page.run(
            "[...document.querySelectorAll('body *')].filter(e => e.checkVisibility()"
            " && !e.closest('nav, pre, .skip, thead')"
            f" && e.getBoundingClientRect().right > {width} + 1)"
            ".map(e => e.tagName + '.' + e.className)"
        )
        assert wide == []
        assert page.run("document.documentElement.scrollWidth") <= width
        assert page.run(CONTRASTS) == []


def test_it_asks_for_nothing_but_itself(chromium: Browser, tmp_path: Path) -> None:
    page = opened(chromium, tmp_path, sample_report(hostile=True))
    assert [address.rpartition("/")[2] for address in page.asked_for()] == ["report.html"]
    assert page.complaints() == []


def test_what_others_wrote_is_text(chromium: Browser, tmp_path: Path) -> None:
    page = opened(chromium, tmp_path, sample_report(hostile=True))
    assert page.run("typeof window.hacked") == "undefined"
    assert (
        page.run("document.querySelectorAll('img, iframe, body script:not(:last-child)').length")
        == 0
    )
    links: list[str] = page.run("[...document.querySelectorAll('a')].map(a => a.protocol)")
    assert set(links) <= {"file:", "https:"}
    assert "<script>window.hacked=1</script>" in page.run("document.body.innerText")
    assert "pa55word" not in page.run("document.documentElement.outerHTML")


def test_findings_are_filtered(chromium: Browser, tmp_path: Path) -> None:
    page = opened(chromium, tmp_path, sample_report())
    assert len(ids(page)) == 14, "two are judged differently on the two platforms"
    assert chosen(page, "severity", "critical") == [
        "CVE-2025-1000",
        "CVE-2025-1000",
        "CVE-2025-1007",
    ]
    assert chosen(page, "gate", "refused") == ["CVE-2025-1000"]
    assert "1 of 14 rows" in page.run("document.querySelector('form output').textContent")
    page.run("document.querySelector('form').reset()")
    page.run("new Promise(done => setTimeout(done, 0))")
    assert len(ids(page)) == 14
    only_trivy = chosen(page, "scanner", "grype")
    assert only_trivy
    assert all(int(name[-1]) % 2 == 0 for name in only_trivy)
    assert chosen(page, "fix", "no fix") == []


def test_findings_are_searched(chromium: Browser, tmp_path: Path) -> None:
    page = opened(chromium, tmp_path, sample_report())
    page.run(
        "(() => { const s = document.querySelector('form input'); s.value = 'LIBC hole';"
        " s.dispatchEvent(new Event('input', {bubbles: true})); })()"
    )
    assert ids(page) == ["CVE-2025-1002"]


def test_findings_are_sorted(chromium: Browser, tmp_path: Path) -> None:
    page = opened(chromium, tmp_path, sample_report())

    def sorted_by(column: int) -> list[str]:
        heading = f"document.querySelectorAll('#finding-list thead th')[{column}]"
        page.run(f"{heading}.querySelector('button').click()")
        told: str = page.run(f"{heading}.getAttribute('aria-sort')")
        return [told, *ids(page)]

    up, down = sorted_by(1), sorted_by(1)
    assert (up[0], up[1], up[-1]) == ("ascending", "CVE-2025-1000", "CVE-2025-1011")
    assert (down[0], down[1], down[-1]) == ("descending", "CVE-2025-1011", "CVE-2025-1000")
    assert sorted_by(0)[1:4] == ["CVE-2025-1000", "CVE-2025-1000", "CVE-2025-1007"]


def test_thousands_of_findings_stay_quick(chromium: Browser, tmp_path: Path) -> None:
    page = opened(chromium, tmp_path, sample_report(findings=2000))
    assert len(ids(page)) == 200, "the rest is laid out when somebody asks for it"
    told = page.run("document.querySelector('form output').textContent")
    assert told == "2002 of 2002 rows, the first 200 shown"
    page.run("document.querySelector('#finding-list + .more').click()")
    assert len(ids(page)) == 400
    page.run(
        "(() => { const s = document.querySelector('form input'); s.value = 'cve-2025-2777';"
        " s.dispatchEvent(new Event('input', {bubbles: true})); })()"
    )
    assert ids(page) == ["CVE-2025-2777"]


def test_it_is_all_there_without_a_script(chromium: Browser, tmp_path: Path) -> None:
    page = opened(chromium, tmp_path, sample_report(), scripts=False)
    assert page.run(f"{SHOWN}.length") == 14
    assert page.run("document.querySelectorAll('form:not([hidden])').length") == 0


def test_it_can_be_used_by_keyboard_and_read_aloud(chromium: Browser, tmp_path: Path) -> None:
    page = opened(chromium, tmp_path, sample_report())
    levels: list[int] = page.run(
        "[...document.querySelectorAll('h1, h2, h3, h4')].map(h => Number(h.tagName[1]))"
    )
    assert levels.count(1) == 1
    assert all(later - earlier <= 1 for earlier, later in itertools.pairwise(levels))
    unnamed: dict[str, Any] = page.run(
        """({
          tables: [...document.querySelectorAll('table')].filter(t => !t.caption).length,
          headings: document.querySelectorAll('th:not([scope])').length,
          fields: [...document.querySelectorAll('input, select')].filter(
            f => !f.labels.length).length,
          pictures: document.querySelectorAll('svg:not([aria-hidden])').length,
          sections: [...document.querySelectorAll('section')].filter(
            s => !document.getElementById(s.getAttribute('aria-labelledby'))).length,
          twice: (ids => ids.length - new Set(ids).size)(
            [...document.querySelectorAll('[id]')].map(e => e.id)),
          targets: [...document.querySelectorAll('nav a')].filter(
            a => !document.querySelector(a.getAttribute('href'))).length,
        })"""
    )
    assert set(unnamed.values()) == {0}, unnamed
    reached: str = page.run(
        "(() => { const b = document.querySelector('#finding-list th button'); b.focus();"
        " return document.activeElement === b ? 'reached' : 'not'; })()"
    )
    assert reached == "reached"


def test_a_failure_shows_its_reason_at_once(chromium: Browser, tmp_path: Path) -> None:
    page = opened(chromium, tmp_path, sample_report())
    text: str = page.run("document.querySelector('#tests').innerText")
    for told in (
        'role "orders" does not exist',
        "exited, exit code 1",
        "it waits for db, which never got healthy",
        "exit code 2: no response",
        "expected 201, got 503",
    ):
        assert told in text, "it is seen without a click"


def test_commands_can_be_copied(chromium: Browser, tmp_path: Path) -> None:
    page = opened(chromium, tmp_path, delivered_report())
    buttons: list[str] = page.run(
        "[...document.querySelectorAll('[data-copy] .copy')].map(b => { b.click(); return b.type })"
    )
    assert buttons == ["button", "button"]
    assert "cosign verify --key cosign.pub --allow-http-registry" in page.run(
        "document.querySelector('#release').innerText"
    )

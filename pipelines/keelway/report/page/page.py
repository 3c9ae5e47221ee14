"""The whole page, from `report.json` alone.

It asks the network for nothing and lets nothing else do so: its policy allows the one style and the
one script that are in it, by their digests, and no other.
"""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

from keelway.report.page.delivery import delivery, files
from keelway.report.page.findings import findings
from keelway.report.page.images import images, policy
from keelway.report.page.load import load
from keelway.report.page.markup import Html, join, tag
from keelway.report.page.overview import OUTCOMES, heading, verdict
from keelway.report.page.packages import packages
from keelway.report.page.tests import tests
from keelway.report.page.timings import timings

if TYPE_CHECKING:
    from keelway.report.document import ReportDocument

PAGE_FILE = "report.html"

_SECTIONS = {
    "verdict": "Verdict",
    "tests": "Tests",
    "policy": "Policy",
    "findings": "Findings",
    "images": "Images",
    "load": "Load",
    "release": "Release",
    "timings": "Timings",
    "packages": "Packages",
    "files": "Files",
}


def html_page(report: ReportDocument) -> str:
    """Return the page."""
    style, script = _asset("page.css"), _asset("page.js")
    policy_text = (
        f"default-src 'none'; style-src '{_digest(style)}'; script-src '{_digest(script)}'; "
        "base-uri 'none'; form-action 'none'"
    )
    word, _ = OUTCOMES[report.outcome]
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=policy_text),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("meta", name="referrer", content="no-referrer"),
        tag("meta", name="robots", content="noindex"),
        tag("title", f"{report.project} {report.version or ''}: {word}"),
        tag("style", Html(style)),
    )
    body = tag(
        "body",
        tag("a", "Skip to the verdict", href="#verdict", cls="skip"),
        heading(report),
        _navigation(),
        tag("main", _sections(report), id="main"),
        tag("footer", tag("p", f"Made by keelway {report.keelway} from report.json.")),
        tag("script", Html(script)),
    )
    return f"<!DOCTYPE html>\n{tag('html', head, body, lang='en')}\n"


def _navigation() -> Html:
    links = [tag("li", tag("a", title, href=f"#{name}")) for name, title in _SECTIONS.items()]
    return tag("nav", tag("ul", links), aria_label="Sections")


def _sections(report: ReportDocument) -> Html:
    return join(
        verdict(report),
        tests(report),
        policy(report),
        findings(report),
        images(report),
        load(report),
        delivery(report),
        timings(report),
        packages(report),
        files(report),
    )


@cache
def _asset(name: str) -> str:
    return resources.files("keelway.report.page").joinpath(name).read_text(encoding="utf-8")


def _digest(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"sha256-{base64.b64encode(digest).decode()}"

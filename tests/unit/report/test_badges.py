"""Badges: pictures that are well formed, and what shields.io's endpoint badge asks for."""

from __future__ import annotations

import json
from xml.etree import ElementTree as ET

from keelway.report.badges import BAD, GOOD, LABEL, NEUTRAL, WARN, Badge, badge_files, badges, svg
from tests.support.sample_report import HOSTILE, delivered_report, sample_report

SVG = "{http://www.w3.org/2000/svg}"


def told(name: str, **changes: object) -> tuple[str, str]:
    badge = badges(delivered_report(**changes))[name]
    return badge.message, badge.colour


def test_each_badge_says_how_it_stands() -> None:
    assert {name: badge.message for name, badge in badges(sample_report()).items()} == {
        "build": "passed 1.4.0",
        "gate": "refused",
        "findings": "4 critical, 4 high",
        "size": "53.8 MB",
        "signed": "no",
    } | {"findings": "2 critical, 2 high"}
    assert told("gate") == ("passed", GOOD)
    assert told("signed") == ("by key", GOOD)
    assert told("build", images=None, outcome="failed") == ("failed", BAD)
    assert told("build", images=None, outcome="cancelled") == ("stopped", WARN)


def test_what_is_not_known_has_no_badge() -> None:
    names = set(badges(delivered_report(scan=None, policy=None, verdict=None)))
    assert names == {"build", "signed"}


def test_a_picture_is_well_formed_and_says_in_words_what_it_shows() -> None:
    for name, text in badge_files(sample_report()).items():
        if name.endswith(".svg"):
            picture = ET.fromstring(text)  # noqa: S314 - made here
            assert picture.tag == f"{SVG}svg"
            title = picture.find(f"{SVG}title")
            assert title is not None
            assert title.text == picture.get("aria-label")
            assert picture.get("role") == "img"


def test_texts_are_as_wide_as_they_were_reckoned_to_be() -> None:
    short, long = (
        ET.fromstring(svg(Badge(label="gate", message=text, colour=GOOD)))  # noqa: S314 - our own text
        for text in ("ok", "refused for 17 reasons")
    )
    assert int(short.get("width", "0")) < int(long.get("width", "0"))
    assert all(text.get("textLength") for text in long.iter(f"{SVG}text"))


def test_texts_of_others_are_escaped_and_cut() -> None:
    text = svg(Badge(label="build", message=HOSTILE * 10, colour=GOOD))
    assert "<script" not in text
    assert len(text) < 1500


def test_the_endpoint_form_is_the_one_that_shields_reads() -> None:
    read = json.loads(badge_files(sample_report())["badges/gate.json"])
    assert read == {
        "schemaVersion": 1,
        "label": "gate",
        "message": "refused",
        "color": BAD,
        "labelColor": LABEL,
    }


def test_white_letters_are_readable_on_every_colour() -> None:
    def light(colour: str) -> float:
        parts = [int(colour[at : at + 2], 16) / 255 for at in (0, 2, 4)]
        linear = [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    for colour in (GOOD, BAD, WARN, NEUTRAL, LABEL):
        assert 1.05 / (light(colour) + 0.05) >= 4.5, colour

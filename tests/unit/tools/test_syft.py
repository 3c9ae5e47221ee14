"""Syft's command line, and its documents settled."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from keelway._tools.syft import sbom_argv, settle
from keelway.errors import ToolOutputError
from keelway.model.sbom import Package, SbomFormat

ASSETS = Path(__file__).parents[2] / "assets"
FORMATS = {SbomFormat.SPDX_JSON: "syft.spdx.json", SbomFormat.CYCLONEDX_JSON: "syft.cdx.json"}


def text_of(form: SbomFormat) -> str:
    return (ASSETS / FORMATS[form]).read_text()


def test_the_whole_command_line() -> None:
    outputs = {SbomFormat.SPDX_JSON: "/w/a.spdx", SbomFormat.CYCLONEDX_JSON: "/w/a.cdx"}
    assert " ".join(sbom_argv("/in/a.tar", outputs, name="orders")) == (
        "scan oci-archive:/in/a.tar --source-name orders"
        " -o spdx-json=/w/a.spdx -o cyclonedx-json=/w/a.cdx --quiet"
    )


@pytest.mark.parametrize("form", SbomFormat)
def test_what_syft_makes_up_each_time_does_not_matter(form: SbomFormat) -> None:
    text = text_of(form)
    other = (
        text.replace("8d4b0dbf-7179-4249-b81d-da94cbb8508b", "11111111-1111-4111-8111-111111111111")
        .replace("3b26c23a-dcc8-48c6-87e6-655a2e38697d", "22222222-2222-4222-8222-222222222222")
        .replace("2026-11-21T04:11:48Z", "2027-01-01T00:00:00Z")
    )
    assert other != text
    first = settle(text, form, version="1.18.1", epoch=7)
    assert first == settle(other, form, version="1.18.1", epoch=7)


@pytest.mark.parametrize("form", SbomFormat)
@pytest.mark.parametrize("change", ["digest", "version", "epoch"])
def test_another_image_tool_or_time_is_another_document(form: SbomFormat, change: str) -> None:
    text = text_of(form)
    first = settle(text, form, version="1.18.1", epoch=7)
    other = text.replace("4d6ac2b4", "5d6ac2b4") if change == "digest" else text
    version = "1.19.0" if change == "version" else "1.18.1"
    second = settle(other, form, version=version, epoch=8 if change == "epoch" else 7)
    assert identity(first.text) != identity(second.text)


def identity(text: str) -> str:
    document = json.loads(text)
    return str(document.get("documentNamespace") or document["serialNumber"])


def test_the_rest_stays_as_syft_wrote_it() -> None:
    before = json.loads(text_of(SbomFormat.SPDX_JSON))
    settled = settle(text_of(SbomFormat.SPDX_JSON), SbomFormat.SPDX_JSON, version="1", epoch=0)
    after = json.loads(settled.text)
    assert after["documentNamespace"].startswith("https://anchore.com/syft/image/orders-")
    for document in (before, after):
        del document["documentNamespace"], document["creationInfo"]["created"]
    assert before == after


def test_without_an_epoch_time_stands_at_its_beginning() -> None:
    settled = settle(text_of(SbomFormat.SPDX_JSON), SbomFormat.SPDX_JSON, version="1", epoch=None)
    assert json.loads(settled.text)["creationInfo"]["created"] == "1970-01-01T00:00:00Z"


@pytest.mark.parametrize("form", SbomFormat)
@pytest.mark.parametrize("text", ["", "[]", "{}", '{"packages": [1]}', '{"metadata": null}'])
def test_anything_else_is_an_error_with_the_text(form: SbomFormat, text: str) -> None:
    with pytest.raises(ToolOutputError) as raised:
        settle(text, form, version="1", epoch=0)
    assert raised.value.text == text


@pytest.mark.parametrize("form", SbomFormat)
def test_packages_are_read_from_either_format(form: SbomFormat) -> None:
    document = json.loads(text_of(form))
    purl = "pkg:deb/debian/adduser@3.134?arch=all"
    if form is SbomFormat.SPDX_JSON:
        reference = {"referenceType": "purl", "referenceLocator": purl}
        document["packages"][0] |= {"externalRefs": [reference], "licenseDeclared": "GPL-2.0-only"}
    else:
        licenses = [{"license": {"id": "GPL-2.0-only"}}]
        document["components"][0] |= {"purl": purl, "licenses": licenses}
    settled = settle(json.dumps(document), form, version="1.18.1", epoch=7)
    package = Package(name="adduser", version="3.134", kind="deb", licenses=("GPL-2.0-only",))
    assert settled.contents == (package,)
    assert settled.packages == 1


@pytest.mark.parametrize("form", SbomFormat)
def test_packages_that_tell_little_are_listed(form: SbomFormat) -> None:
    settled = settle(text_of(form), form, version="1.18.1", epoch=7)
    assert settled.contents == (Package(name="adduser", version="3.134"),)

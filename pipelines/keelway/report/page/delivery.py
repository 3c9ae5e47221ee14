"""What left the house: tags with their rules, digests, evidence, and how to verify all that."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from keelway.report.page.markup import Html, file_link, join, tag
from keelway.report.page.shown import absent, fold, mark, section, table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from keelway.report.document import FilePart, PublishedPart, ReportDocument, SignedPart

_LOOPBACK = ("localhost", "127.0.0.1", "[::1]")


def delivery(report: ReportDocument) -> Html:
    """Return the tags, where the images are, and how anybody can verify them."""
    published = report.published
    return section(
        "release",
        "Release",
        _tags(report),
        absent(report, "publish", "Nothing was published")
        if not published
        else join(
            [_image(image) for image in published],
            _verifying(report),
            _evidence("Signatures", report.signatures),
            _evidence("Statements", report.attestations),
        ),
    )


def _tags(report: ReportDocument) -> Html | None:
    if not report.tag_rules:
        tags = [join(tag("code", name), " ") for name in report.tags]
        return tag("p", "Tags: ", tags) if tags else tag("p", "No rule gave a tag.", cls="absent")
    unused = table(
        "Rules that gave no tag",
        ("Rule", "Reason"),
        [(tag("code", one.rule), one.reason) for one in report.unused_rules],
    )
    return join(
        table(
            "Tags and the rules that gave them",
            ("Tag", "Rule", "Moves", "Notes"),
            [
                (
                    tag("code", one.tag),
                    tag("code", one.rule),
                    "with later releases" if one.floats else "",
                    "; ".join(one.notes),
                )
                for one in report.tag_rules
            ],
        ),
        fold(f"Rules that gave no tag ({len(report.unused_rules)})", unused)
        if report.unused_rules
        else None,
    )


def _image(image: PublishedPart) -> Html:
    return tag(
        "article",
        tag("h3", image.name),
        tag("p", f"For {', '.join(image.platforms)}, as ", tag("code", image.digest)),
        commands(f"References of {image.name}", "\n".join(image.references)),
    )


def commands(title: str, text: str) -> Html:
    """Return lines to copy; the script adds a button to it."""
    return tag(
        "figure",
        tag("figcaption", title),
        tag("pre", tag("code", text), tabindex=0),
        cls="commands",
        data_copy=True,
    )


def verify_commands(report: ReportDocument) -> tuple[str, ...]:
    """Return what verifies each published image, once a repository; none where none is signed."""
    if report.signatures is None:
        return ()
    return tuple(_commands(report, report.signatures))


def _commands(report: ReportDocument, signed: SignedPart) -> Iterator[str]:
    for image in report.published or ():
        names = dict.fromkeys(one.partition("@")[0].rpartition(":")[0] for one in image.references)
        for name in names:
            reference = f"{name}@{image.digest}"
            yield shlex.join(["keelway", "verify", reference])
            if signed.verify_with:
                plain = ["--allow-http-registry"] if name.startswith(_LOOPBACK) else []
                words = ["cosign", "verify", *signed.verify_with, *plain, reference]
                yield shlex.join(words)


def _verifying(report: ReportDocument) -> Html | None:
    lines = verify_commands(report)
    if not lines:
        return absent(report, "sign", "The images are not signed")
    told = (
        "keelway asks what keelway.toml asks, cosign asks for the signature alone. A file such as "
        "cosign.pub is the signer's to give."
    )
    return join(commands("Verify what was published", "\n".join(lines)), tag("p", told))


def _evidence(title: str, signed: SignedPart | None) -> Html | None:
    if signed is None:
        return None
    rows = [
        (
            " ".join(filter(None, (one.image, one.platform or "(index)"))),
            one.predicate_type,
            tag("code", one.subject),
            tag("code", one.reference),
        )
        for one in signed.evidence
    ]
    columns = ("Image", "What", "About", "Kept as")
    by = f"{title} by {signed.signer} ({len(rows)})"
    return fold(by, table(by, columns, rows, cls="digests"))


def files(report: ReportDocument) -> Html:
    """Return links to everything that the run left beside this page."""
    listed = [
        (file_link("report.json"), "all of this, for programs", ""),
        *(_file(file) for file in report.files),
    ]
    columns = ("File", "What", "About")
    return section("files", "Files", table("Files beside this page", columns, listed))


def _file(file: FilePart) -> tuple[Html | str, ...]:
    left_out = mark(f"{file.left_out:,} results left out", "warn") if file.left_out else None
    about = " ".join(filter(None, (file.image, file.platform or None, file.category)))
    return (file_link(file.path), join(file.kind, " ", left_out), about)

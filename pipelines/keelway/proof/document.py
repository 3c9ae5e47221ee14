"""The file that a proof is: what was built, what was found, and the digest of each byte of it.

Whoever has the digest of this file, from where nobody else can write, has the digests of all that
it speaks of.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal

from keelway.model.findings import Findings
from keelway.model.image import Digest
from keelway.model.load import LoadReport
from keelway.model.sbom import Sboms
from keelway.model.tests import TestResults

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic import TypeAdapter

    from keelway.model.outcome import Skipped
    from keelway.model.platform import Platform
    from keelway.model.policy import PolicyReport

FORM: Final = 1
PROOF_FILE = "proof.json"
PROOF_FOLDER = "proof"
"""Under the report directory, with a folder for each set of platforms in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProvedImage:
    """One image for one platform."""

    name: str
    platform: Platform
    archive: str
    """The archive, beside the proof."""
    archive_digest: Digest
    """Of the archive."""
    manifest: Digest
    """What a registry will know it by."""
    config: Digest
    """The image's id: what scanners tell of what they scanned."""
    asked: Digest
    """Of how it was asked for: arguments, labels, annotations."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """What something was made from."""

    keelway: str
    """The version."""
    project: str
    commit: str
    """Its name; empty where there is none."""
    config: Digest
    """Of the whole configuration, whatever of it was done here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What one machine proved."""

    form: Literal[1] = FORM
    source: Source
    images: tuple[ProvedImage, ...]
    policy: PolicyReport | Skipped
    findings: Findings | Skipped
    sboms: Sboms | Skipped
    tests: TestResults | Skipped
    load: LoadReport | Skipped
    files: dict[str, Digest] = field(default_factory=dict[str, Digest])
    """What these speak of, by its path under the report directory."""

    def named_files(self) -> Iterator[str]:
        """Yield the paths, under the report directory, that results speak of."""
        if isinstance(self.findings, Findings):
            for target in self.findings.targets:
                yield target.report
                yield from (second.report for second in target.second_opinions)
        if isinstance(self.sboms, Sboms):
            yield from (document.path for document in self.sboms.documents)
        if isinstance(self.tests, TestResults):
            for suite in self.tests.suites:
                logs = (suite.log, *(service.log for service in suite.services))
                yield from (log for log in logs if log is not None)
        if isinstance(self.load, LoadReport):
            yield from (self.load.summary, self.load.log)


@functools.cache
def form() -> TypeAdapter[Proof]:
    """Return what reads and writes proofs."""
    from pydantic import TypeAdapter  # noqa: PLC0415 - not for a plan

    adapter = TypeAdapter(Proof, config=None)
    adapter.rebuild(force=True, _types_namespace=_names())
    return adapter


def _names() -> dict[str, Any]:
    """Return what annotations of the models name, whichever of their modules they stand in."""
    import datetime as dt  # noqa: PLC0415 - not for a plan
    from collections.abc import Mapping  # noqa: PLC0415 - likewise

    from keelway.model import (  # noqa: PLC0415 - likewise
        exemption,
        faults,
        findings,
        image,
        load,
        outcome,
        platform,
        policy,
        sbom,
        tests,
        tool,
    )

    modules = (
        tool, image, platform, outcome, faults, exemption, findings, policy, sbom, tests, load,
    )  # fmt: skip
    found: dict[str, Any] = {}
    for module in modules:
        found |= {name: value for name, value in vars(module).items() if name[:1].isupper()}
    return found | {"Mapping": Mapping, "date": dt.date, "datetime": dt.datetime}

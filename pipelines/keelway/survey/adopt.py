"""A configuration for a repository that has none: looked, decided, written down and proved."""

from __future__ import annotations

import difflib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from keelway._replacing import replace_file
from keelway.config.loader import CONFIG_FILE, PROJECT_FILE, has_table
from keelway.errors import ConfigError, ConfigProblem, KeelwayError
from keelway.model.platform import parse_platform
from keelway.survey.decide import decide
from keelway.survey.look import survey
from keelway.survey.prove import Unplanned, prove
from keelway.survey.render import render

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from keelway.planning import Plan
    from keelway.survey.draft import Draft
    from keelway.survey.findings import Findings


@dataclass(frozen=True, slots=True, kw_only=True)
class Adoption:
    """What the configuration of a repository would be."""

    file: Path
    findings: Findings
    draft: Draft
    text: str
    planned: Plan | Unplanned
    present: str | None
    """What stands in the file now; nothing where there is none."""

    @property
    def is_there(self) -> bool:
        """Return whether the very same file is there already."""
        return self.present == self.text

    def difference(self) -> str:
        """Return what would change in a file that is there."""
        lines = difflib.unified_diff(
            (self.present or "").splitlines(),
            self.text.splitlines(),
            f"{self.file.name} as it is",
            f"{self.file.name} as `keelway init` would write it",
            lineterm="",
        )
        return "\n".join(lines)


def adopt(folder: Path, environ: Mapping[str, str], platforms: Sequence[str] = ()) -> Adoption:
    """Return what the configuration of a folder would be; nothing is written.

    Args:
        folder: The repository, or a part of it.
        environ: The environment.
        platforms: Those to build for; as they were found when empty.

    Raises:
        ConfigError: There is no such folder, or no Dockerfile in it, or `pyproject.toml` configures
            keelway already.
        PlanError: A platform cannot be built for.
    """
    asked = tuple(parse_platform(one) for one in platforms)
    if not folder.is_dir():
        raise _error(str(folder), "there is no such folder", "name a folder: keelway init PATH")
    file = folder.absolute() / CONFIG_FILE
    project = folder / PROJECT_FILE
    if project.is_file() and has_table(project):
        text = "has a [tool.keelway] table already"
        raise _error(PROJECT_FILE, text, "edit that table; `keelway plan` shows what it does")
    findings = survey(folder.absolute(), environ)
    if not findings.dockerfiles:
        raise _nothing_to_build(findings)
    draft = decide(findings)
    if asked:
        images = tuple(replace(image, platforms=asked) for image in draft.images)
        draft = replace(draft, images=images)
    text = render(draft)
    return Adoption(
        file=file,
        findings=findings,
        draft=draft,
        text=text,
        planned=prove(text, file.parent, environ),
        present=_present(file),
    )


def write(adoption: Adoption, *, replace_other: bool = False) -> bool:
    """Write the file, whole or not at all, and return whether that was needed.

    Args:
        adoption: What to write.
        replace_other: Whether a file that says something else may be replaced.

    Raises:
        ConfigError: There is such a file.
        KeelwayError: It cannot be written.
    """
    if adoption.is_there:
        return False
    if adoption.present is not None and not replace_other:
        raise _error(
            adoption.file.name,
            "is there already and says something else; it is left as it is",
            "take over by hand what you want of the difference, or write it anew with --force",
        )
    try:
        replace_file(adoption.file, adoption.text)
    except OSError as error:
        raise KeelwayError(
            f"cannot write {adoption.file}: {error.strerror}",
            next_step="make the folder writable, or take the text from `keelway init --stdout`",
        ) from error
    return True


def _present(file: Path) -> str | None:
    try:
        return file.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _error(file.name, f"cannot be read: {error.strerror}", "mend or remove it") from error


def _nothing_to_build(findings: Findings) -> ConfigError:
    left_out = "".join(f"; {one.path} does not count: {one.reason}" for one in findings.left_out)
    kinds = ", ".join(dict.fromkeys(one.language for one in findings.manifests))
    said = f" This looks like {kinds}." if kinds else ""
    return _error(
        "Dockerfile",
        f"not found in {findings.folder} or below it{left_out}",
        f"keelway builds images from Dockerfiles.{said} Write one, or name the folder that has it: "
        "keelway init PATH",
    )


def _error(file: str, text: str, next_step: str) -> ConfigError:
    return ConfigError(
        [ConfigProblem(file=file, line=None, key="", text=text)], next_step=next_step
    )

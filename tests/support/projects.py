"""A project of a user: a folder with a commit, a Dockerfile and `keelway.toml`, and the command."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent
from typing import TYPE_CHECKING, Any

from tests.support.missing import missing, need
from tests.support.shell import write_tree

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

COMMAND_TIMEOUT_S = 240
AUTHOR = {
    "GIT_AUTHOR_NAME": "test",
    "GIT_AUTHOR_EMAIL": "test@example.org",
    "GIT_COMMITTER_NAME": "test",
    "GIT_COMMITTER_EMAIL": "test@example.org",
    "GIT_AUTHOR_DATE": "2024-05-01T12:00:00Z",
    "GIT_COMMITTER_DATE": "2024-05-01T12:00:00Z",
}
# What a CI, or the shell that runs the tests, says must not steer the command.
NOT_INHERITED = ("DAGGER_", "KEELWAY_", "_EXPERIMENTAL_DAGGER_", "OTEL_", "GITHUB_", "CI_")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a command ended."""

    code: int
    out: str
    err: str

    def text(self) -> str:
        """Return all that a person would have seen."""
        return f"{self.out}\n{self.err}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """A folder that `keelway` is called in, with a store of its own."""

    folder: Path
    environment: Mapping[str, str]

    def write(self, files: Mapping[str, str]) -> None:
        """Write files of the project; the text may be indented."""
        write_tree(self.folder, {name: dedent(text) for name, text in files.items()})

    def commit(self) -> str:
        """Commit everything and return the commit's full name."""
        git = need("git", package="git")
        for words in (["init", "-q", "-b", "main"], ["add", "-A"], ["commit", "-q", "-m", "x"]):
            subprocess.run([git, *words], cwd=self.folder, env=self.surroundings(), check=True)
        named = subprocess.run(
            [git, "rev-parse", "HEAD"], cwd=self.folder, capture_output=True, text=True, check=True
        )
        return named.stdout.strip()

    def keelway(self, *words: str, **more: str) -> Outcome:
        """Run the command and wait for its end; `more` are environment variables."""
        done = subprocess.run(
            [str(program()), *words],
            cwd=self.folder,
            env={**self.surroundings(), **more},
            capture_output=True,
            text=True,
            timeout=COMMAND_TIMEOUT_S,
            check=False,
        )
        return Outcome(code=done.returncode, out=done.stdout, err=done.stderr)

    @contextlib.contextmanager
    def keelway_started(self, *words: str) -> Iterator[subprocess.Popen[str]]:
        """Start the command; it is ended with the block, if it has not ended before."""
        with (self.folder / "started.log").open("w") as log:
            process = subprocess.Popen(
                [str(program()), *words],
                cwd=self.folder,
                env=self.surroundings(),
                stdout=log,
                stderr=log,
                text=True,
            )
        try:
            yield process
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGKILL)
            process.wait(timeout=30)

    def report(self) -> dict[str, Any]:
        """Return the report of the last run."""
        found: dict[str, Any] = json.loads((self.folder / ".keelway" / "report.json").read_text())
        return found

    def reports(self) -> list[Path]:
        """Return what the last run left for people and programs about all of it."""
        return sorted((self.folder / ".keelway").glob("report.*"))

    def surroundings(self) -> dict[str, str]:
        """Return the environment of every command: what a person has, and nothing of a CI."""
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(NOT_INHERITED) and name != "CI"
        }
        # The tools of the `tools` extra lie beside the interpreter.
        tools = str(Path(sys.executable).parent)
        path = f"{tools}:{kept.get('PATH', '')}:/usr/sbin:/sbin"
        # Of these projects the CI that runs the tests knows nothing.
        return {**kept, **AUTHOR, "PATH": path, "KEELWAY_CI": "none", **self.environment}


def program() -> Path:
    """Return the installed command."""
    found = Path(sys.executable).parent / "keelway"
    if not found.exists():
        missing("the command keelway beside the interpreter (pip install -e '.[engine,tools]')")
    return found

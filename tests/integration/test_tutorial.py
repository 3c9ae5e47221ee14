"""The tutorial, typed by a machine: every command works, and prints what the page says."""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.support.docs import ROOT, blocks
from tests.support.missing import need
from tests.support.projects import Project

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.docs import Block
    from tests.support.registry import Registry
    from tests.support.sample_images import SampleImages

PAGE = ROOT / "docs" / "tutorial.md"
NOT_TYPED = {
    "python3 -m venv ~/keelway": "the tests have an environment",
    'export PATH="$HOME/keelway/bin:$PATH"': "the tests have an environment",
    "pip install 'keelway[engine,tools]'": "the wheel is installed by test_importers.py",
    "keelway doctor": "tells of the machine: tests/contract/test_small_commands.py has it",
    "docker run --detach --publish 5000:5000 registry:3": "the tests have a registry",
}
"""Lines that are left out, each with the reason."""
_MARK = "=== typed ==="
_MORE = "…"


def typed(block: Block) -> Iterator[str]:
    """Yield what a reader types for a block: each command of a console, a script, or a file."""
    if block.file:
        yield f"cat >{block.file} <<'END-OF-FILE'\n{block.text}END-OF-FILE"
    elif block.language == "console":
        yield from (line[2:] for line in block.text.splitlines() if line.startswith("$ "))
    elif block.language == "sh":
        yield "\n".join(line for line in block.text.splitlines() if line not in NOT_TYPED)


def promised(block: Block) -> list[str]:
    """Return what the page says that each command of a console prints."""
    if block.language != "console":
        return [_MORE for _ in typed(block)]
    return [
        part.partition("\n")[2] for part in re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]
    ]


def agrees(said: str, promise: str) -> bool:
    """Return whether the output is what is promised; `…` stands for anything."""
    lines = [re.escape(line.rstrip()).replace(_MORE, ".*") for line in promise.splitlines()]
    pattern = "".join("(?:.*\n)*" if line == ".*" else f"{line} *\n" for line in lines)
    return re.fullmatch(pattern, said) is not None


@pytest.mark.timeout(600)
def test_everything_that_is_typed_prints_what_the_page_says(
    tmp_path: Path, store: Path, registry: Registry, samples: SampleImages,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    for program, package in (("cosign", "scripts/go-tools"), ("trivy", "tools"), ("syft", "tools")):
        need(program, package=package)
    monkeypatch.setenv("HOME", str(tmp_path))
    steps = [
        (text, promise)
        for block in blocks(PAGE)
        for text, promise in zip(typed(block), promised(block), strict=True)
    ]
    script = "set -eu\n" + "".join(f"{text}\necho '{_MARK}'\n" for text, _ in steps)
    for name, real in (("docker.io/library/busybox:1.37", samples.busybox),
                       ("localhost:5000", registry.address)):  # fmt: skip
        assert name in script
        script = script.replace(name, real)
    project = Project(folder=tmp_path, environment={"KEELWAY_STORE": str(store)})
    done = subprocess.run(
        ["/bin/bash", "-c", script], cwd=tmp_path, env=project.surroundings(),
        capture_output=True, text=True, timeout=580, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    said = done.stdout.replace(registry.address, "localhost:5000").split(f"{_MARK}\n")
    for (text, promise), output in zip(steps, said, strict=False):
        if promise != _MORE:
            assert agrees(output, promise), f"$ {text}\n{output}\nis not\n{promise}"
    assert "keelway verify" in steps[-1][0]


def test_nothing_is_left_out_that_is_not_there() -> None:
    text = PAGE.read_text()
    assert all(f"{line}\n" in text for line in NOT_TYPED)


def test_output_is_compared() -> None:
    assert agrees("a 1\nb\nc\n", "a …\n…\nc")
    assert not agrees("a 1\nb\n", "a …\nc")
    assert not agrees("a 1\nb\n", "a …")

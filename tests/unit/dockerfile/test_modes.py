"""Modes of `--chmod`, compared with what chmod(1) makes of the same text."""

from __future__ import annotations

import re
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from keelway.dockerfile.errors import SyntaxProblem
from keelway.dockerfile.modes import parse_mode

if TYPE_CHECKING:
    from pathlib import Path

TEXTS = [
    "755",
    "0640",
    "4711",
    "+x",
    "-x",
    "a=r",
    "u=rwX,go=rX",
    "g=u",
    "g=u,o-r",
    "o=g-w",
    "u+s,g+s,+t",
    "ug-s,-t",
    "u=",
    "go-rwx,u+X",
    "=rx",
    "u+rw-x",
]
MODES = [0o600, 0o644, 0o755, 0o2750, 0o4711, 0o1777]


@pytest.mark.parametrize("text", TEXTS)
def test_modes_are_those_of_chmod(text: str, tmp_path: Path) -> None:
    chmod = shutil.which("chmod")
    assert chmod is not None
    for directory in (False, True):
        if directory and text.isdecimal():
            continue  # chmod(1) keeps a folder's set-id bits then, the Dockerfile does not
        for mode in MODES:
            path = tmp_path / f"{directory}-{mode:o}"
            if directory:
                path.mkdir()
            else:
                path.touch()
            path.chmod(mode)
            # Without a `who` chmod minds the umask, which a build must not.
            script = f'umask 0; "{chmod}" "$1" "$2"'
            subprocess.run(["sh", "-c", script, "sh", text, str(path)], check=True)
            expected = path.stat().st_mode & 0o7777
            found = parse_mode(text).applied(mode, directory=directory)
            assert f"{found:o}" == f"{expected:o}", f"{text} of {mode:o}"


@pytest.mark.parametrize("text", ["999", "17777", "rwx", "u", "u+q", "755,u+x", "u+x,", "0o755"])
def test_text_that_is_no_mode_is_told(text: str) -> None:
    with pytest.raises(SyntaxProblem, match=re.escape(f"invalid chmod parameter: '{text}'")):
        parse_mode(text)

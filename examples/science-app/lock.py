"""Makes the locks out of the environments: conda's form in, pip's with hashes out.

    python lock.py            write requirements.txt and requirements-test.txt (needs pip-tools)
    python lock.py --check    say whether they are what the environments ask for (no network)

`numpy=2.2` of conda is `numpy==2.2.*` of pip; names are those of PyPI once `_` is written `-`.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
LOCKS = {"environment.yml": "requirements.txt", "environment-test.yml": "requirements-test.txt"}
_SPEC = re.compile(r"^  - (?P<name>[A-Za-z0-9_.-]+)(?P<exact>==?)(?P<version>[0-9][0-9.]*)$")
_PIN = re.compile(r"^(?P<name>[A-Za-z0-9_.-]+)==(?P<version>[^ ;\\]+)", re.MULTILINE)


class LockError(Exception):
    """An environment that this can't read, or a lock that is not what it asks for."""


def wanted(environment: str) -> dict[str, str]:
    """Return the versions that an environment asks for, by name; `2.2` means any `2.2.x`."""
    _, _, listed = environment.partition("\ndependencies:\n")
    found: dict[str, str] = {}
    for line in filter(str.strip, listed.splitlines()):
        spec = _SPEC.match(line)
        if spec is None:
            raise LockError(f"only NAME=VERSION is understood, and this is not: {line.strip()}")
        found[_normal(spec["name"])] = spec["version"]
    found.pop("python", None)
    return found


def locked(lock: str) -> dict[str, str]:
    """Return the versions of a lock, by name."""
    return {_normal(pin["name"]): pin["version"] for pin in _PIN.finditer(lock)}


def problems(environment: str, lock: str) -> list[str]:
    """Return what a lock does not have as its environment asks for it."""
    pins = locked(lock)
    said = []
    for name, version in wanted(environment).items():
        pin = pins.get(name)
        if pin is None:
            said.append(f"{name} is not locked")
        elif not f"{pin}.".startswith(f"{version}."):
            said.append(f"{name} is locked at {pin}, and the environment asks for {version}")
    unhashed = set(pins) - {
        _normal(name) for name in re.findall(r"^([A-Za-z0-9_.-]+)==[^\n]*\\\n +--hash=", lock, re.M)
    }
    return [*said, *(f"{name} has no hash" for name in sorted(unhashed))]


def write(source: Path, target: Path, constraint: Path | None) -> None:
    """Write a lock; `constraint` is the lock of what it is installed beside."""
    lines = [f"{name}=={version}.*" for name, version in wanted(source.read_text()).items()]
    if constraint is not None:
        lines.append(f"-c {constraint}")
    with tempfile.TemporaryDirectory() as folder:
        asked = Path(folder) / "asked.in"
        asked.write_text("\n".join(lines) + "\n")
        subprocess.run(
            [sys.executable, "-m", "piptools", "compile", "--quiet", "--upgrade",
             "--generate-hashes", "--strip-extras", "--allow-unsafe", "--no-header",
             "--no-annotate", "--no-emit-index-url", "--no-emit-find-links",
             "--no-emit-trusted-host", str(asked), "--output-file", str(target)],
            check=True,
        )  # fmt: skip
    target.write_text(f"# Made by lock.py from {source.name}\n{target.read_text()}")


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def main(words: list[str]) -> int:
    """Do what is asked."""
    if words == ["--check"]:
        said = [
            f"{lock}: {problem}"
            for source, lock in LOCKS.items()
            for problem in problems((HERE / source).read_text(), (HERE / lock).read_text())
        ]
        print("\n".join(said) or "the locks are what the environments ask for")
        return 1 if said else 0
    first = None
    for source, lock in LOCKS.items():
        write(HERE / source, HERE / lock, first)
        first = HERE / lock
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

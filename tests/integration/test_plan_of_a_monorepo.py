"""A repository of a thousand images: its plan is quick and small, and says what is built."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.support.repositories import Repository, new_repository

IMAGES = 1000
BASES = 10
WHOLE = 500
"""As many have the whole repository for a context."""
REGISTRY = "localhost:5000/shop"

# The goal is 2 s for each command, which a machine of its own keeps: it takes one. Tests share
# theirs, so what counts here is the processor's time, of the command with all that it starts, and
# the best of a few runs; where twenty others run, the same work takes nearly twice that time.
CPU_S = 3.0
MEMORY_MIB = 300
RUNS = 3

HEAD = f"""\
[project]
name = "shop"
[[registries]]
url = "{REGISTRY}"
[tags]
rules = ["type=sha"]
[scan]
enabled = false
[sbom]
enabled = false
[base.python]
suite = "bookworm"
packages = ["python3"]
repository = "{REGISTRY}/base-python"
"""
LOCK = f"""\
[base.python]
reference = "{REGISTRY}/base-python@sha256:{"1" * 64}"
inputs = "x"
"""
DOCKERFILE = """\
ARG PYTHON
FROM ${{PYTHON}} AS build
WORKDIR /opt/app
COPY {folder}requirements.txt ./
RUN --mount=type=cache,target=/root/.cache python3 -m pip install -r requirements.txt
COPY {folder}app app
COPY {shared} shared
RUN python3 -m compileall app
FROM {base}
ARG VERSION=0
ENV VERSION=$VERSION PATH=/opt/venv/bin:/usr/bin:/bin
COPY --from=build /opt/app /opt/app
USER 65532:65532
HEALTHCHECK CMD ["python3", "-m", "app", "health"]
ENTRYPOINT ["python3", "-m", "app"]
"""


@dataclass(frozen=True, kw_only=True)
class Spent:
    """What a command gave and took."""

    out: str
    cpu_s: float
    memory_mib: float


# What a process had in memory before it became another program counts as that one's: between this
# large process and the measured one stands a small one.
MEASURE = """
import json, resource, subprocess, sys
done = subprocess.run(sys.argv[1:], stdout=subprocess.PIPE, check=True)
usage = resource.getrusage(resource.RUSAGE_CHILDREN)
spent = {"cpu_s": usage.ru_utime + usage.ru_stime, "memory_mib": usage.ru_maxrss / 1024}
print(json.dumps({"out": done.stdout.decode(), **spent}))
"""


def keelway(folder: Path, *words: str) -> Spent:
    """Run the command with all that it starts, and measure it."""
    command = str(Path(sys.executable).parent / "keelway")
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "GIT_CONFIG_NOSYSTEM": "1"}
    done = subprocess.run(
        [sys.executable, "-S", "-c", MEASURE, command, *words],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        check=True,
    )
    return Spent(**json.loads(done.stdout))


def name_of(number: int) -> str:
    return f"service-{number:04}"


def image(number: int) -> tuple[str, dict[str, str]]:
    """Return an image's table of the configuration, and its files."""
    name = name_of(number)
    folder = f"services/{name}"
    is_whole, is_base = number >= IMAGES - WHOLE, number < BASES
    base = "${PYTHON}" if is_base else f"{REGISTRY}/{name_of(number % BASES)}:latest"
    dockerfile = DOCKERFILE.format(
        folder=f"{folder}/" if is_whole else "",
        shared="libraries/common" if is_whole else "README.md",
        base=base,
    )
    where = f"{folder}/Dockerfile" if is_whole else "Dockerfile"
    context = "." if is_whole else folder
    table = f"""
[images.{name}]
context = "{context}"
dockerfile = "{where}"
platforms = ["linux/amd64"]
build_args = {{ VERSION = "1.{number}" }}
bases = {{ PYTHON = "python" }}
"""
    files = {f"{folder}/app/{module}.py": f"{module} = {number}\n" for module in "abc"}
    files |= {
        f"{folder}/Dockerfile": dockerfile,
        f"{folder}/.dockerignore": "**/*.md\n!README.md\ntests\n",
        f"{folder}/requirements.txt": "flask==3.1.0\n",
        f"{folder}/README.md": f"{name}\n",
        f"{folder}/tests/test_app.py": "",
    }
    return table, files


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """A repository of a thousand images with some history."""
    made = new_repository(tmp_path_factory.mktemp("monorepo") / "shop")
    config, files = [HEAD], {"keelway.lock": LOCK, "libraries/common/log.py": "one"}
    for number in range(IMAGES):
        table, its = image(number)
        config.append(table)
        files |= its
    files["keelway.toml"] = "".join(config)
    made.commit({".dockerignore": "**/tests\n", ".gitignore": "__pycache__\n.keelway\n", **files})
    made.git("tag", "start")
    for number in range(30, 40):
        made.commit({f"services/{name_of(number)}/app/a.py": "changed"})
    return made


def cheapest(folder: Path, *words: str) -> Spent:
    return min((keelway(folder, *words) for _ in range(RUNS)), key=lambda spent: spent.cpu_s)


def changes(shop: Repository, since: str) -> dict[str, Any]:
    data = json.loads(keelway(shop.path, "plan", "--since", since, "--json").out)
    assert len(data["changes"]["images"]) == IMAGES
    return {
        name: told["causes"] for name, told in data["changes"]["images"].items() if told["built"]
    }


@pytest.mark.parametrize("words", [(), ("--since", "HEAD~1"), ("--since", "start")])
def test_it_is_quick_and_small(words: tuple[str, ...], shop: Repository) -> None:
    spent = cheapest(shop.path, "plan", *words)
    assert spent.cpu_s < CPU_S
    assert spent.memory_mib < MEMORY_MIB


def test_a_change_to_one_builds_one(shop: Repository) -> None:
    changed = f"services/{name_of(39)}/app/a.py"
    assert changes(shop, "HEAD~1") == {name_of(39): [{"kind": "file", "name": changed}]}
    assert list(changes(shop, "start")) == [name_of(number) for number in range(30, 40)]


def test_a_base_takes_those_along_that_are_built_on_it(shop: Repository) -> None:
    file = shop.path / "services" / name_of(3) / "app/b.py"
    before = file.read_text()
    file.write_text("changed")
    built = changes(shop, "HEAD")
    file.write_text(before)
    assert list(built) == [name_of(number) for number in range(3, IMAGES, BASES)]
    assert built[name_of(13)] == [{"kind": "image", "name": name_of(3)}]


def test_a_shared_folder_takes_those_along_that_copy_it(shop: Repository) -> None:
    file = shop.path / "libraries/common/new.py"
    file.write_text("changed")
    built = changes(shop, "HEAD")
    file.unlink()
    assert list(built) == [name_of(number) for number in range(IMAGES - WHOLE, IMAGES)]
    cause = {"kind": "file", "name": "libraries/common/new.py"}
    assert all(causes == [cause] for causes in built.values())

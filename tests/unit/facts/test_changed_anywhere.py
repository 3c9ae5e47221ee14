"""Repositories changed at random: an image is in the plan exactly when its inputs differ.

What an image is made of is computed here plainly, with the standard library alone, in the work tree
and in a checkout of the older commit.
"""

from __future__ import annotations

import glob
import hashlib
import os
import random
from dataclasses import dataclass
from pathlib import Path

import pytest

from keelway.config import load_config
from keelway.facts.changed import find_changes
from tests.support.repositories import Repository, new_repository
from tests.support.two_images import ENVIRONMENT

REGISTRY = "localhost:5000/shop"
FOLDERS = ("app", "conf", "docs", "lib")
NAMES = ("a.py", "b.conf", "c.md", "d.txt")
SOURCES = ("app", "app/a.py", "conf/*.conf", "lib", "*/d.txt", "current", "docs", ".", "[ac]*")
IGNORES: dict[str, list[str]] = {
    "": [],
    "docs\n": ["docs"],
    "**/*.md\n": ["*.md", "*/*.md", "*/*/*.md", "*/*/*/*.md"],
    "lib\n**/d.txt\n": ["lib", "d.txt", "*/d.txt", "*/*/d.txt", "*/*/*/d.txt"],
}


@dataclass(frozen=True, kw_only=True)
class Made:
    """One image, as it was written down."""

    name: str
    context: str
    sources: tuple[str, ...]
    base: str = ""
    """Another image that it is built on."""


def write(folder: Path, image: Made, argument: str, ignore: str) -> None:
    place = folder / image.context
    place.mkdir(parents=True, exist_ok=True)
    base = f"{REGISTRY}/{image.base}:latest" if image.base else "scratch"
    lines = [f"FROM {base}", *(f"COPY {source} /{at}/" for at, source in enumerate(image.sources))]
    (place / f"{image.name}.Dockerfile").write_text("\n".join([*lines, f"# {argument}"]) + "\n")
    (place / f"{image.name}.Dockerfile.dockerignore").write_text(ignore)


def configuration(images: list[Made], arguments: dict[str, str]) -> str:
    text = f'[project]\nname = "shop"\n[[registries]]\nurl = "{REGISTRY}"\n'
    for image in images:
        text += (
            f'[images.{image.name}]\ncontext = "{image.context}"\n'
            f'dockerfile = "{image.name}.Dockerfile"\n'
            f'build_args = {{ V = "{arguments[image.name]}" }}\n'
        )
    return text


def new_shop(chance: random.Random, folder: Path) -> tuple[Repository, list[Made], dict[str, str]]:
    made = new_repository(folder)
    contexts = ["services/one", "services/two", "."]
    for context in contexts:
        for part in FOLDERS:
            (folder / context / part).mkdir(parents=True)
            for name in chance.sample(NAMES, 3):
                (folder / context / part / name).write_text(f"{context} {part} {name}")
        (folder / context / "current").symlink_to(chance.choice(FOLDERS))
    names = [f"image{number}" for number in range(7)]
    images = [
        Made(
            name=name,
            context=chance.choice(contexts),
            sources=tuple(chance.sample(SOURCES, chance.randint(1, 3))),
            base=chance.choice(["", "", *names[:number]]),
        )
        for number, name in enumerate(names)
    ]
    arguments = dict.fromkeys(names, "1")
    for image in images:
        write(folder, image, "1", chance.choice(list(IGNORES)))
    (folder / "keelway.toml").write_text(configuration(images, arguments))
    return made, images, arguments


def change(  # noqa: C901, PLR0912 - as many things as can be done
    chance: random.Random, folder: Path, images: list[Made], arguments: dict[str, str]
) -> None:
    """Do one thing to a repository."""
    files = [path for path in folder.rglob("*") if path.is_file() and ".git" not in path.parts]
    plain = [path for path in files if path.parent.name in FOLDERS and not path.is_symlink()]
    image, file = chance.choice(images), chance.choice(plain)
    match chance.randrange(9):
        case 0:
            file.write_text(file.read_text() + "changed")
        case 1:
            file.unlink()
        case 2:
            file.chmod(0o755)
        case 3:
            file.rename(file.with_name(f"moved-{file.name}"))
        case 4:
            file.with_name(f"new{file.suffix}").write_text("new")
        case 5:
            link = folder / image.context / "current"
            link.unlink()
            link.symlink_to(chance.choice(FOLDERS))
        case 6:
            arguments[image.name] = "2"
            (folder / "keelway.toml").write_text(configuration(images, arguments))
        case 7:
            place = folder / image.context / f"{image.name}.Dockerfile"
            place.write_text(place.read_text() + "# changed\n")
        case _:
            file.unlink()
            file.symlink_to("../app")


def globbed(folder: Path, pattern: str) -> list[str]:
    return sorted(glob.glob(pattern, root_dir=folder))  # noqa: PTH207 - by relative names


def digests(folder: Path, images: list[Made], arguments: dict[str, str]) -> dict[str, str]:
    """Return a digest of all that each image is made of."""
    found: dict[str, str] = {}
    for image in images:
        context = folder / image.context
        dockerfile = context / f"{image.name}.Dockerfile"
        ignore = (context / f"{image.name}.Dockerfile.dockerignore").read_text()
        parts = [dockerfile.read_text(), ignore, arguments[image.name], found.get(image.base, "")]
        left_out = {path for one in IGNORES[ignore] for path in globbed(context, one)}
        for source in image.sources:
            for named in globbed(context, source):
                parts += taken(context, named, left_out, ())
        found[image.name] = hashlib.sha256("\0".join(parts).encode()).hexdigest()
    return found


def taken(context: Path, named: str, left_out: set[str], seen: tuple[str, ...]) -> list[str]:
    """Return what copying a path takes: a link that is named itself is followed."""
    inside = Path(os.path.normpath(named))
    path = context / inside
    if any(str(above) in left_out for above in (inside, *inside.parents)) or ".git" in inside.parts:
        return []
    if path.is_symlink():
        target = str(path.readlink())
        if str(inside) in seen:
            return [str(inside), target]
        return [
            str(inside),
            target,
            *taken(context, str(inside.parent / target), left_out, (*seen, str(inside))),
        ]
    if path.is_dir():
        found: list[str] = []
        for inner in sorted(path.iterdir()):
            # A link inside of what is copied is copied as a link: as if it had been seen.
            found += taken(
                context, str(inside / inner.name), left_out, (*seen, str(inside / inner.name))
            )
        return found
    return [str(inside), path.read_text(), str(os.access(path, os.X_OK))] if path.exists() else []


@pytest.mark.parametrize("seed", range(24))
def test_the_plan_has_the_images_whose_inputs_differ(seed: int, tmp_path: Path) -> None:
    chance = random.Random(seed)  # noqa: S311 - not for secrets
    shop, images, arguments = new_shop(chance, tmp_path / "shop")
    before = shop.commit({})
    then = digests(shop.path, images, arguments)
    for _ in range(chance.randint(1, 3)):
        change(chance, shop.path, images, arguments)
        if chance.random() < 0.5:
            shop.commit({})
    now = digests(shop.path, images, arguments)
    differ = {name for name in now if now[name] != then[name]}
    found = find_changes(load_config(shop.path), before, ENVIRONMENT)
    told = {one.image: one.reason for one in found.images if one.changed}
    assert differ - told.keys() == set(), told
    assert told.keys() - differ == set(), told

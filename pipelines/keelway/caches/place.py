"""Where a cache is: a folder, or an artifact in a registry. Pure.

Example:
    >>> parse_place("type=registry,ref=localhost:5000/shop/cache:main", writing=True)
    RegistryPlace(repository='localhost:5000/shop/cache', tag='main')
    >>> parse_place(".cache/engine", writing=False), parse_place("type=local,src=x", writing=False)
    (FolderPlace(path='.cache/engine'), FolderPlace(path='x'))
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from keelway.errors import PlanError
from keelway.tags.reference import BadReferenceError, parse_reference

_FORMS = (
    "a folder, REGISTRY/REPOSITORY[:TAG], type=registry,ref=REFERENCE, type=local,src=FOLDER (to "
    "take it) or type=local,dest=FOLDER (to put it)"
)
# What buildx says that is always so here.
_ALWAYS = {"mode": "max", "compression": "zstd", "oci-mediatypes": "true", "image-manifest": "true"}
_ELSEWHERE = {
    "gha": "name a folder, and let actions/cache keep it",
    "s3": "name a folder, and copy it there",
    "azblob": "name a folder, and copy it there",
    "inline": "name a registry: images stay as they are",
}


@dataclass(frozen=True, slots=True)
class FolderPlace:
    """A folder, which something else keeps."""

    path: str

    def __str__(self) -> str:
        """Return it as people write it."""
        return self.path


@dataclass(frozen=True, slots=True)
class RegistryPlace:
    """A tag of a repository."""

    repository: str
    tag: str

    def __str__(self) -> str:
        """Return it as people write it."""
        return f"{self.repository}:{self.tag}"


Place: TypeAlias = FolderPlace | RegistryPlace


def parse_place(text: str, *, writing: bool) -> Place:
    """Return the place that a text names.

    Args:
        text: As it is written.
        writing: Whether the cache is put there.

    Raises:
        PlanError: It names none.
    """
    if "=" not in text.partition(",")[0]:
        first, slash, _ = text.partition("/")
        is_host = not first.startswith(".") and ("." in first or ":" in first)
        if slash and (is_host or first == "localhost"):
            return _registry(text, text)
        return _folder(text, text)
    words = dict(_pair(word, text) for word in text.split(","))
    kind = words.pop("type", None)
    for name, value in _ALWAYS.items():
        if words.get(name, value) != value:
            raise _wrong(text, f"{name} is always {value} here")
        words.pop(name, None)
    key = {"registry": "ref", "local": "dest" if writing else "src"}.get(kind or "")
    if key is None:
        raise _wrong(
            text, "it says no type" if kind is None else f"there is no type {kind!r}",
            _ELSEWHERE.get(kind or ""),
        )  # fmt: skip
    value = words.pop(key, "")
    if words:
        raise _wrong(text, f"type={kind} has no {next(iter(words))!r} here")
    return _registry(value, text) if kind == "registry" else _folder(value, text)


def _pair(word: str, text: str) -> tuple[str, str]:
    name, is_pair, value = word.partition("=")
    if not is_pair:
        raise _wrong(text, f"{word!r} is no NAME=VALUE")
    return name.strip(), value.strip()


def _folder(path: str, text: str) -> FolderPlace:
    if not path:
        raise _wrong(text, "it names no folder")
    return FolderPlace(path)


def _registry(reference: str, text: str) -> RegistryPlace:
    try:
        parsed = parse_reference(reference)
    except BadReferenceError as error:
        raise _wrong(text, str(error)) from error
    if parsed.digest is not None:
        raise _wrong(text, "a cache has a tag, and no digest")
    return RegistryPlace(parsed.repository, parsed.tag or "latest")


def _wrong(text: str, why: str, instead: str | None = None) -> PlanError:
    return PlanError(
        f"{text!r} is no place for a cache: {why}", next_step=instead or f"write {_FORMS}"
    )

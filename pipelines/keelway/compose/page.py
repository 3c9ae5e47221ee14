"""The reference's page of compose keys, made from the table that the loader obeys."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keelway.compose.keys import PROJECT
from keelway.compose.shapes import Key, MapOf, Section, Standing, section_in, words

if TYPE_CHECKING:
    from collections.abc import Iterator

_WORDS = {
    Standing.SUPPORTED: "supported",
    Standing.IGNORED: "ignored, with a warning",
    Standing.REFUSED: "refused, with an error",
}
_HEAD = """\
# Compose files

Every key of the [Compose Specification](https://github.com/compose-spec/compose-spec), and what
keelway makes of it. `keelway compose config` prints a project as keelway reads it.

- **supported**: it does what the specification says.
- **ignored, with a warning**: the service does the same without it, or all but the same; the
  warning names file and line.
- **refused, with an error**: without it the service would not do what the file says. Of a service
  that no profile switches on, nothing is refused.

Nothing else is read: a key that is not here is an error, with its file, line and service, and so is
a value of the wrong kind. Keys that begin with `x-` are yours, and allowed in every section.
Bind mounts must lie in the project: in its git working tree, else in its folder. Several files are
merged by the specification's rules, with `!reset` and `!override`; what a file `include`s must not
differ from what the including file says of the same name. What `yes`, `010` and `1_000` mean is
what the reference implementation makes of them: a text, eight and a thousand.
"""


def keys_page() -> str:
    """Return the page, in Markdown."""
    return "\n".join([_HEAD, *_section_lines("The file", PROJECT, "")]) + "\n"


def _section_lines(title: str, section: Section, path: str) -> Iterator[str]:
    """Yield a section's table, and those of the sections inside it after it."""
    yield from (f"## {title}", "", "| key | value | | |", "| --- | --- | --- | --- |")
    for name, key in section.keys.items():
        yield _row(name, key)
    yield ""
    for name, key in section.keys.items():
        inner = section_in(key.shape)
        # What is ignored or refused as a whole needs no table of its parts.
        if inner is not None and key.standing is Standing.SUPPORTED:
            below = f"{path}.{name}" if path else name
            if isinstance(key.shape, MapOf):
                below += ".NAME"
            yield from _section_lines(f"`{below}`", inner, below)


def _row(name: str, key: Key) -> str:
    told = _WORDS[key.standing]
    if key.harmless:
        told += f", unless it is {' or '.join(f'`{one}`' for one in key.harmless)}"
    return f"| `{name}` | {words(key.shape)} | {told} | {key.reason} |"

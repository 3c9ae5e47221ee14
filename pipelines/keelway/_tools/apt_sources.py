r"""The machine's own package sources, in both of apt's forms.

Example:
    >>> text = "deb [signed-by=/k.gpg] http://mirror.example/debian bookworm main contrib\n"
    >>> [source.uri for source in parse_one_line(text)]
    ['http://mirror.example/debian']
    >>> sources_of(parse_one_line(text), "bookworm")
    ('deb [signed-by=/k.gpg] http://mirror.example/debian bookworm main',)
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_ONE_LINE = re.compile(
    r"^deb\s+(?:\[(?P<options>[^\]]*)\]\s+)?(?P<uri>\S+)\s+(?P<suite>\S+)(?P<rest>.*)$"
)
_FIELD = re.compile(r"^(?P<name>[A-Za-z-]+):\s*(?P<value>.*)$")


@dataclass(frozen=True, slots=True, kw_only=True)
class AptSource:
    """One archive, one suite."""

    uri: str
    suite: str
    components: tuple[str, ...]
    signed_by: str | None = None
    """A keyring's file."""

    def line(self) -> str:
        """Return it as a line of a sources.list; of the components only `main`."""
        option = f"[signed-by={self.signed_by}] " if self.signed_by else ""
        return f"deb {option}{self.uri} {self.suite} main"


def sources_of(sources: Iterable[AptSource], suite: str) -> tuple[str, ...]:
    """Return the lines for one release, its updates and its security fixes; each once.

    Empty when these sources do not have the release itself.
    """
    wanted = {suite, f"{suite}-updates", f"{suite}-security"}
    fitting = [
        source for source in sources if source.suite in wanted and "main" in source.components
    ]
    if all(source.suite != suite for source in fitting):
        return ()
    return tuple(dict.fromkeys(source.line() for source in fitting))


def parse_one_line(text: str) -> Iterator[AptSource]:
    """Yield the binary archives of a `.list` file."""
    for row in text.splitlines():
        found = _ONE_LINE.match(row.partition("#")[0].strip())
        if found is None:
            continue
        options = dict(
            word.split("=", 1) for word in (found["options"] or "").split() if "=" in word
        )
        yield AptSource(
            uri=found["uri"],
            suite=found["suite"],
            components=tuple(found["rest"].split()),
            signed_by=options.get("signed-by"),
        )


def parse_deb822(text: str) -> Iterator[AptSource]:
    """Yield the binary archives of a `.sources` file."""
    for stanza in re.split(r"\n\s*\n", text):
        fields = _fields(stanza)
        if "deb" not in fields.get("types", "").split():
            continue
        if fields.get("enabled", "yes").strip().lower() in {"no", "false", "0"}:
            continue
        signed_by = fields.get("signed-by", "").strip()
        for uri in fields.get("uris", "").split():
            for suite in fields.get("suites", "").split():
                yield AptSource(
                    uri=uri,
                    suite=suite,
                    components=tuple(fields.get("components", "").split()),
                    # The field may hold the key itself: mmdebstrap finds its keyring then.
                    signed_by=signed_by if signed_by.startswith("/") else None,
                )


def _fields(stanza: str) -> dict[str, str]:
    """Return the fields by lower-case name; comments may stand anywhere."""
    fields: dict[str, str] = {}
    last = ""
    for row in stanza.splitlines():
        if row.startswith("#"):
            continue
        found = _FIELD.match(row)
        if found:
            last = found["name"].lower()
            fields[last] = found["value"]
        elif row.startswith((" ", "\t")) and last:
            fields[last] += " " + row.strip()
    return fields

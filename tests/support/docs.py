"""The documentation as tests see it: blocks of code, headings and links of each page."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import yaml
from markdown_it import MarkdownIt

if TYPE_CHECKING:
    from collections.abc import Iterator

    from markdown_it.token import Token

ROOT = Path(__file__).parents[2]
SHELL = frozenset({"", "sh", "shell", "bash", "console"})
_HEREDOC = re.compile(r"<<-?\s*['\"]?(\w+)")
_NOT_IN_ANCHORS = re.compile(r"[^\w\- ]")
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=.*", re.DOTALL)
_JOINS = frozenset({"&&", "||", ";", "|", "&", "|&"})
_BEFORE = frozenset({"!", "do", "elif", "else", "exec", "if", "then", "time", "until", "while"})
_NO_COMMANDS = frozenset({"done", "esac", "fi", "for"})
_SCRIPT_KEYS = frozenset({"script", "before_script", "after_script", "run"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """One fenced block."""

    page: str
    """Relative to the repository."""
    line: int
    language: str
    file: str
    """What follows the language: the file that a reader writes the text to, where it is one."""
    text: str

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One command of a page, as the shell takes it apart."""

    place: str
    words: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.place}: {' '.join(self.words)}"


def pages() -> list[Path]:
    """Return every page: the README and all under docs."""
    return [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def blocks(page: Path) -> Iterator[Block]:
    """Yield the fenced blocks of a page; between `demo-output` marks they are output."""
    is_output = False
    for token in _tokens(page):
        if token.type == "html_block" and "demo-output:" in token.content:
            is_output = "demo-output: begin" in token.content
        if token.type == "fence":
            language, _, file = token.info.strip().partition(" ")
            yield Block(
                page=page.relative_to(ROOT).as_posix() if page.is_relative_to(ROOT) else page.name,
                line=(token.map or [0])[0] + 1,
                language="text" if is_output else language.lower(),
                file=file.strip(),
                text=token.content,
            )


def commands(block: Block) -> Iterator[Command]:
    """Yield what is typed in a block of a shell, or stands in the scripts of a block of YAML."""
    if block.language in SHELL and not block.file:
        yield from _commands(str(block), _typed(block))
    elif block.language in {"yaml", "yml"}:
        for script in _scripts(list(yaml.safe_load_all(block.text))):
            yield from _commands(str(block), script.splitlines())


@cache
def anchors(page: Path) -> set[str]:
    """Return what a page's headings are called in links, as GitHub makes it."""
    found: set[str] = set()
    tokens = list(_tokens(page))
    for opened, inline in pairwise(tokens):
        if opened.type == "heading_open":
            text = "".join(child.content for child in inline.children or ())
            name = _NOT_IN_ANCHORS.sub("", text.lower()).replace(" ", "-")
            number = sum(one == name or one.startswith(f"{name}-") for one in found)
            found.add(name if name not in found else f"{name}-{number}")
    return found


def links(page: Path) -> Iterator[str]:
    """Yield where a page's links and images lead."""
    for token in _tokens(page):
        for child in token.children or ():
            target = child.attrs.get("href") or child.attrs.get("src")
            if target is not None:
                yield str(target)


def _tokens(page: Path) -> list[Token]:
    return MarkdownIt().enable("table").parse(page.read_text(encoding="utf-8"))


def _typed(block: Block) -> list[str]:
    """Return the lines that a reader types: of a console those behind the prompt."""
    lines = block.text.splitlines()
    if block.language != "console":
        return lines
    return [line[2:] for line in lines if line.startswith(("$ ", "> "))]


def _commands(place: str, lines: list[str]) -> Iterator[Command]:
    for line in _joined(lines):
        lexer = shlex.shlex(line, posix=True, punctuation_chars=";<>|&")
        lexer.whitespace_split = True
        words: list[str] = []
        for word in [*lexer, ";"]:
            if word in _JOINS:
                if plain := tuple(_plain(words)):
                    yield Command(place=place, words=plain)
                words = []
            else:
                words.append(word)


def _joined(lines: list[str]) -> Iterator[str]:
    """Yield whole lines: continued ones in one, without what here-documents hold."""
    ending, kept = "", ""
    for line in lines:
        if ending:
            ending = "" if line.strip() == ending else ending
            continue
        kept += line
        if kept.endswith("\\"):
            kept = kept[:-1]
            continue
        found = _HEREDOC.search(kept)
        ending = found[1] if found else ""
        yield kept
        kept = ""


def _plain(words: list[str]) -> Iterator[str]:
    """Yield a command without redirections, and without what the shell has before it."""
    while words and words[0] in _BEFORE:
        words = words[1:]
    if words and words[0] in _NO_COMMANDS:
        return
    rest = iter(words)
    started = False
    for word in rest:
        if set(word) <= set("<>&") and word:
            next(rest, None)
        elif started or not _ASSIGNMENT.fullmatch(word):
            started = True
            yield word


def _scripts(node: object) -> Iterator[str]:
    """Yield the scripts of a CI's file: GitLab's `script`, GitHub's `run`."""
    if isinstance(node, list):
        for inner in node:
            yield from _scripts(inner)
    elif isinstance(node, dict):
        for key, inner in node.items():
            if key in _SCRIPT_KEYS and isinstance(inner, str):
                yield inner
            elif key in _SCRIPT_KEYS and isinstance(inner, list):
                yield from (line for line in inner if isinstance(line, str))
            else:
                yield from _scripts(inner)

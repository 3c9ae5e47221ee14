"""The sources of `ADD` that come from elsewhere: files of the web, and git repositories.

>>> found = git_source("https://host.example/a/b.git#v1:docs")
>>> found.address, found.ref, found.subdir
('https://host.example/a/b.git', 'v1', 'docs')
>>> git_source("https://host.example/a/b.tar.gz") is None
True
"""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass, replace
from urllib.parse import parse_qsl, unquote, urlsplit, urlunsplit

from keelway.dockerfile.errors import SyntaxProblem

_WEB = ("http", "https")
_GIT = ("git", "ssh")
_SCP = re.compile(r"[\w.-]+@[\w.-]+:(?!//)[^?#]+")
_UNNAMED = "__unnamed__"
_TRUE = {"", "1", "t", "true"}
_FALSE = {"0", "f", "false"}


@dataclass(frozen=True, slots=True, kw_only=True)
class GitAddress:
    """A repository, and what of it is wanted."""

    address: str
    """What git is given: neither fragment nor query are in it."""
    ref: str = ""
    """A branch, a tag, a full ref or a commit; empty for what HEAD is at."""
    subdir: str = ""
    checksum: str = ""
    """The commit that the ref must be at, or the start of it."""
    keep_git_dir: bool = False
    submodules: bool = True


def is_web_file(source: str) -> bool:
    """Say whether a source is a file to be downloaded."""
    return source.startswith(("http://", "https://")) and git_source(source) is None


def file_name(url: str) -> str:
    """Return what a downloaded file is called where the destination is a folder."""
    name = posixpath.basename(unquote(urlsplit(url).path).rstrip("/"))
    return _UNNAMED if name in {"", ".", ".."} else name


def git_source(source: str) -> GitAddress | None:
    """Return the repository that a source names; None when it is no address of one.

    By http and https a repository's path ends in `.git`. Behind a `#` stand the ref and, after
    a colon, a folder; the same and more may be said in the query.

    Raises:
        SyntaxProblem: The query says something unknown, or something twice.
    """
    parts = urlsplit(source)
    if parts.scheme in _WEB and not parts.path.endswith(".git"):
        return None
    if parts.scheme in (*_WEB, *_GIT) and parts.netloc:
        address = urlunsplit((parts.scheme, parts.netloc, parts.path, "", ""))
        return _with_options(address, parts.query, unquote(parts.fragment))
    match = _SCP.match(source)
    if match is None:
        return None
    rest, _, fragment = source[match.end() :].partition("#")
    return _with_options(match.group(), rest.removeprefix("?"), fragment)


def _with_options(address: str, query: str, fragment: str) -> GitAddress:
    ref, _, subdir = fragment.partition(":")
    found = GitAddress(address=address, ref=ref, subdir=posixpath.normpath(f"/{subdir}").strip("/"))
    seen: set[str] = set()
    for name, value in parse_qsl(query, keep_blank_values=True):
        if name in seen:
            raise SyntaxProblem(f'query "{name}" has multiple values')
        seen.add(name)
        found = _with_option(found, name, value)
    return found


def _with_option(  # noqa: C901, PLR0911, PLR0912 - one case an option
    found: GitAddress, name: str, value: str
) -> GitAddress:
    match name:
        case "keep-git-dir":
            return replace(found, keep_git_dir=_boolean(name, value))
        case "submodules":
            return replace(found, submodules=_boolean(name, value))
        case "fetch-by-commit":
            _boolean(name, value)  # how it is fetched makes no difference here
            return found
        case "mtime" if value in {"checkout", "commit"}:
            return found  # files are dated as the commit is: so the same commit is the same tree
        case "ref" | "tag" | "branch" | "subdir" | "checksum" | "commit" if not value:
            raise SyntaxProblem(f'query "{name}" has no value')
        case "ref":
            return replace(found, ref=_one("ref", found.ref, value))
        case "tag":
            full = value if value.startswith("refs/tags/") else f"refs/tags/{value}"
            return replace(found, ref=_one("ref", found.ref, full))
        case "branch":
            full = value if value.startswith("refs/heads/") else f"refs/heads/{value}"
            return replace(found, ref=_one("ref", found.ref, full))
        case "subdir":
            clean = posixpath.normpath(f"/{value}").strip("/")
            return replace(found, subdir=_one("subdir", found.subdir, clean))
        case "checksum" | "commit":
            return replace(found, checksum=_one("checksum", found.checksum, value))
        case "mtime":
            raise SyntaxProblem(f'invalid mtime value: "{value}" (use checkout or commit)')
        case _:
            raise SyntaxProblem(f'unexpected query "{name}"')


def _one(what: str, before: str, value: str) -> str:
    if before not in {"", value}:
        raise SyntaxProblem(f'{what} conflicts: "{before}" vs "{value}"')
    return value


def _boolean(name: str, value: str) -> bool:
    if value.lower() not in _TRUE | _FALSE:
        raise SyntaxProblem(f'invalid {name} value: "{value}"')
    return value.lower() in _TRUE

"""`search` in directories and files."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from keelway.engine.errors import EngineError
from keelway.engine.schema.registry import Resolvers
from keelway.engine.solve.search import Search, limited, search, search_file

if TYPE_CHECKING:
    from keelway.engine.graph.values import Directory, File
    from keelway.engine.schema.registry import Arguments
    from keelway.engine.schema.session import Session
    from keelway.engine.solve.search import SearchResult, SearchSubmatch

SEARCH = Resolvers()
SEARCH.record("SearchResult", "filePath", "lineNumber", "absoluteOffset", "matchedLines")
SEARCH.record("SearchSubmatch", "text", "start", "end")


def _asked(args: Arguments) -> Search:
    return Search(
        pattern=args["pattern"],
        globs=tuple(args.get("globs") or ()),
        literal=args.get("literal", False),
        multiline=args.get("multiline", False),
        dotall=args.get("dotall", False),
        insensitive=args.get("insensitive", False),
        skip_ignored=args.get("skipIgnored", False),
        skip_hidden=args.get("skipHidden", False),
        files_only=args.get("filesOnly", False),
        limit=args.get("limit"),
    )


@SEARCH.field("SearchResult", "submatches")
def submatches(parent: SearchResult, _args: Arguments, _session: Session) -> list[SearchSubmatch]:
    """Return each match in the lines."""
    return list(parent.submatches)


@SEARCH.field("Directory", "search")
def in_directory(parent: Directory, args: Arguments, session: Session) -> list[SearchResult]:
    """Return the lines that match, by path."""
    with session.trees.opened(parent.node, parent.path) as top:
        if not top.is_dir():
            raise EngineError(f"path {parent.path} is a file, not a directory")
        return search(top, args.get("paths") or (), _asked(args))


@SEARCH.field("File", "search")
def in_file(parent: File, args: Arguments, session: Session) -> list[SearchResult]:
    """Return the lines that match."""
    what = _asked(args)
    expression = what.expression()
    name = posixpath.basename(parent.path)
    with session.trees.opened(parent.node, parent.path) as path:
        if path.is_dir():
            raise EngineError(f"path {parent.path} is a directory, not a file")
        return limited(search_file(path, name, expression, what), what)

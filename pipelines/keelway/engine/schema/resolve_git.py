"""Git repositories and refs: `Query.git`, `Directory.asGit`, `GitRepository`, `GitRef`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from keelway.engine.errors import EngineError
from keelway.engine.graph.git import GitKind, GitLogin, GitRef, GitRepository
from keelway.engine.graph.node import Node
from keelway.engine.graph.sources import GitTree
from keelway.engine.graph.values import Directory
from keelway.engine.schema.registry import Resolvers
from keelway.engine.schema.request import current_request, inside, own_client
from keelway.engine.solve.gitssh import NO_SOCKET, is_ssh

if TYPE_CHECKING:
    from urllib.parse import SplitResult

    from keelway.engine.schema.registry import Arguments
    from keelway.engine.schema.session import Session

GIT = Resolvers()

_SCHEMES = {"http", "https", "ssh", "git", "file"}
_SCP = re.compile(r"(?:[\w.-]+@)?[\w.-]+:(?!//|:)\S")
_HOST = re.compile(r"(?:localhost|[\w-]+(?:\.[\w-]+)+)(?::\d+)?/\S")


@GIT.field("Query", "git")
def git(_parent: object, args: Arguments, session: Session) -> GitRepository:
    """Return the repository at an address; nothing is asked of it yet."""
    service = args.get("experimentalServiceHost")
    address, account = address_of(args["url"], session)
    token, header = (_handle(args, name, session) for name in ("httpAuthToken", "httpAuthHeader"))
    user, colon, password = account.partition(":")
    if password and not token and not header:
        token = session.new_secret(
            password.encode(), identity=f"value:{session.keyed_hash(password.encode())}"
        ).handle
    if (token or header) and not address.startswith(("http://", "https://")):
        raise EngineError("httpAuthToken and httpAuthHeader are for http and https URLs only")
    agent = "" if args.get("sshAuthSocket") is None else session.socket(args["sshAuthSocket"]).path
    nested = current_request().nested
    if nested and is_ssh(address) and not agent:
        raise EngineError(f"git authentication failed: {NO_SOCKET}")
    login = GitLogin(
        username=args.get("httpAuthUsername") or (user if colon else ""),
        token=token,
        header=header,
        known_hosts=args.get("sshKnownHosts") or "",
        agent=agent,
        nested=nested,
    )
    return GitRepository(
        address=address,
        login=login,
        service=None if service is None else session.service(service).node,
        keep_git_dir=args.get("keepGitDir", True),
    )


def address_of(url: str, session: Session) -> tuple[str, str]:
    """Return what git is given for a URL, and the `user:password` that was in it.

    A path (`/x`, `./x`, `~/x`) is one of the host; a URL without a scheme is https; the user of
    an ssh server is `git` unless it is named.

    Raises:
        EngineError: It is no address of a repository.
    """
    if url.startswith(("/", "./", "../", "~/")) or url in {".", ".."}:
        container = inside()
        return str(session.host_path(url) if container is None else container.repository(url)), ""
    if "://" not in url and not _HOST.match(url):
        if not _SCP.match(url):
            raise EngineError(f"failed to parse Git URL {url!r}: it has no host")
        return (url if "@" in url.partition(":")[0] else f"git@{url}"), ""
    return _of_scheme(urlsplit(url if "://" in url else f"https://{url}"))


def _of_scheme(parts: SplitResult) -> tuple[str, str]:
    named = "@" in parts.netloc
    match parts.scheme:
        case "http" | "https" if named:
            account, _, host = parts.netloc.rpartition("@")
            return parts._replace(netloc=host, fragment="").geturl(), unquote(account)
        case "ssh" if not named:
            return parts._replace(netloc=f"git@{parts.netloc}").geturl(), ""
        case "file":
            own_client("Query.git of file://")
        case scheme if scheme not in _SCHEMES:
            raise EngineError(f"failed to parse Git URL: unsupported scheme {scheme!r}")
        case _:
            pass
    return parts.geturl(), ""


def _handle(args: Arguments, name: str, session: Session) -> str:
    return "" if args.get(name) is None else session.secret(args[name]).handle


@GIT.field("Directory", "asGit")
def as_git(parent: Directory, _args: Arguments, _session: Session) -> GitRepository:
    """Return the repository that a directory is."""
    return GitRepository(directory=parent)


# --- GitRepository ---------------------------------------------------------------------------


@GIT.field("GitRepository", "url")
def url(parent: GitRepository, _args: Arguments, _session: Session) -> str | None:
    """Return the address, None for a directory."""
    return parent.address or None


@GIT.field("GitRepository", "head")
def head(parent: GitRepository, _args: Arguments, _session: Session) -> GitRef:
    """Return what HEAD is at."""
    return GitRef(repository=parent, kind=GitKind.HEAD)


@GIT.field("GitRepository", "branch")
def branch(parent: GitRepository, args: Arguments, _session: Session) -> GitRef:
    """Return a branch."""
    return GitRef(repository=parent, kind=GitKind.BRANCH, name=args["name"])


@GIT.field("GitRepository", "tag")
def tag(parent: GitRepository, args: Arguments, _session: Session) -> GitRef:
    """Return a tag."""
    return GitRef(repository=parent, kind=GitKind.TAG, name=args["name"])


@GIT.field("GitRepository", "ref")
def ref(parent: GitRepository, args: Arguments, _session: Session) -> GitRef:
    """Return a ref by any of its names."""
    return GitRef(repository=parent, kind=GitKind.REF, name=args["name"])


@GIT.field("GitRepository", "commit")
def commit(parent: GitRepository, args: Arguments, _session: Session) -> GitRef:
    """Return a commit by its hash."""
    return GitRef(repository=parent, kind=GitKind.COMMIT, name=args["id"])


@GIT.field("GitRepository", "latestVersion")
def latest_version(parent: GitRepository, _args: Arguments, session: Session) -> GitRef:
    """Return the tag of the highest version."""
    name = session.git.refs(parent).latest_version()
    return GitRef(repository=parent, kind=GitKind.TAG, name=name)


@GIT.field("GitRepository", "tags")
def tags(parent: GitRepository, args: Arguments, session: Session) -> list[str]:
    """Return the names of tags."""
    return session.git.refs(parent).tags(args.get("patterns") or ())


@GIT.field("GitRepository", "branches")
def branches(parent: GitRepository, args: Arguments, session: Session) -> list[str]:
    """Return the names of branches."""
    return session.git.refs(parent).branches(args.get("patterns") or ())


# --- GitRef ----------------------------------------------------------------------------------


@GIT.field("GitRef", "commit")
def ref_commit(parent: GitRef, _args: Arguments, session: Session) -> str:
    """Return the commit's hash."""
    return session.git.find(parent).commit


@GIT.field("GitRef", "ref")
def ref_name(parent: GitRef, _args: Arguments, session: Session) -> str:
    """Return the full name."""
    return session.git.find(parent).ref


@GIT.field("GitRef", "tree")
def tree(parent: GitRef, args: Arguments, session: Session) -> Directory:
    """Return the files; the commit that the ref is at now counts for the whole session."""
    return ref_tree(
        parent,
        session,
        discard=args.get("discardGitDir", False) or not parent.repository.keep_git_dir,
        depth=max(0, args.get("depth", 1)),
        tags=args.get("includeTags", False),
    )


def ref_tree(
    parent: GitRef, session: Session, *, discard: bool, depth: int = 1, tags: bool = False
) -> Directory:
    """Return the files of a ref."""
    found = session.git.find(parent)
    source = session.git.source(parent.repository)
    if discard:
        op = GitTree(commit=found.commit, source=source, discard=True)
    else:
        op = GitTree(
            commit=found.commit,
            source=source,
            discard=False,
            ref="" if found.ref == found.commit else found.ref,
            origin=parent.repository.address,
            depth=depth,
            tags=tags,
        )
    return Directory(node=Node.of(op))


@GIT.field("GitRef", "commonAncestor")
def common_ancestor(parent: GitRef, args: Arguments, session: Session) -> GitRef:
    """Return the best commit that both histories have."""
    return session.git.common_ancestor(parent, session.git_ref(args["other"]))

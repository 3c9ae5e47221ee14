"""What is done when a file changes: the rules of `develop.watch`, with what is ignored.

Example:
    >>> from keelway.compose.project import Place, Watch
    >>> place = Place(file=Path("/shop/compose.yaml"), line=7)
    >>> watch = Watch(
    ...     path=Path("/shop/src"), action=WatchAction.SYNC, target="/app", ignore=("*.o",)
    ... )
    >>> rule = Rule(service="web", watch=watch, place=place)
    >>> rule.takes(Path("/shop/src/main.c")), rule.takes(Path("/shop/src/main.o"))
    (True, False)
    >>> rule.goal(Path("/shop/src/main.c"))
    '/app/main.c'
"""

from __future__ import annotations

import posixpath
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from keelway.compose.project import MountKind, Notice, WatchAction
from keelway.develop.orders import Order
from keelway.dockerfile.errors import DockerfileError
from keelway.dockerfile.ignore import IgnoreFile
from keelway.errors import ConfigError
from keelway.stack.objections import problem

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from keelway.compose.project import Place, Project, Service, Watch
    from keelway.errors import ConfigProblem

_NEVER = IgnoreFile.parse(
    "**/.git\n**/.keelway\n"
    # What editors leave beside a file while it is edited.
    "**/*.swp\n**/*.swx\n**/*~\n**/.#*\n**/#*#\n**/4913\n**/*___jb_tmp___\n**/*___jb_old___\n"
)
_SYNCS = frozenset({WatchAction.SYNC, WatchAction.SYNC_RESTART, WatchAction.SYNC_EXEC})


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One entry of `develop.watch`, with what its service leaves out of its build."""

    service: str
    watch: Watch
    place: Place
    context: Path | None = None
    """The folder that `left_out` is relative to."""
    left_out: IgnoreFile = field(default_factory=IgnoreFile)
    """The `.dockerignore` of the service's build."""

    @cached_property
    def _ignored(self) -> IgnoreFile:
        return IgnoreFile.parse("\n".join(self.watch.ignore))

    @cached_property
    def _included(self) -> IgnoreFile | None:
        return IgnoreFile.parse("\n".join(self.watch.include)) if self.watch.include else None

    @property
    def syncs(self) -> bool:
        """Whether files are brought to the container."""
        return self.watch.action in _SYNCS

    def takes(self, path: Path) -> bool:
        """Return whether a change of this file matters."""
        if self._is_ignored(path):
            return False
        inner = self._inner(path)
        return inner is None or self._included is None or self._included.matches(inner)

    def skips(self, folder: Path) -> bool:
        """Return whether nothing in a folder can matter, so that it need not be looked into."""
        takes_back = any(one.negative for one in (*self._ignored.patterns, *self.left_out.patterns))
        return not takes_back and self._is_ignored(folder)

    def goal(self, path: Path) -> str:
        """Return where a file belongs in the container."""
        inner = self._inner(path)
        target = self.watch.target or "/"
        return posixpath.normpath(target if inner is None else posixpath.join(target, inner))

    def _is_ignored(self, path: Path) -> bool:
        inner = self._inner(path)
        if inner is not None and (_NEVER.matches(inner) or self._ignored.matches(inner)):
            return True
        if self.context is None or not path.is_relative_to(self.context):
            return False
        return self.left_out.matches(path.relative_to(self.context).as_posix())

    def _inner(self, path: Path) -> str | None:
        """Return a file's path relative to what is watched; nothing for that itself."""
        inner = path.relative_to(self.watch.path).as_posix()
        return None if inner == "." else inner


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What is done to one service, because files have changed."""

    service: str
    rebuild: bool = False
    orders: tuple[Order, ...] = ()
    """In this order; none when it is built anew, which has all files in it."""
    files: int = 0
    """So many files have changed."""

    @property
    def told(self) -> str:
        """Return what is done, in a few words."""
        files = f"{self.files} file{'s' if self.files != 1 else ''} changed"
        if self.rebuild:
            return f"{files}: building it anew"
        parts = [
            "synchronized" if any(one.put or one.gone for one in self.orders) else "",
            "a command run" if any(one.command for one in self.orders) else "",
            "restarted" if any(one.restart for one in self.orders) else "",
        ]
        return f"{files}: {', '.join(part for part in parts if part)}"


def plan_rules(project: Project, built: Collection[str]) -> tuple[Rule, ...]:
    """Return the rules of all services.

    Args:
        project: The project.
        built: Services that are images of this build.

    Raises:
        ConfigError: A rule that cannot be carried out; names file, line and service.
    """
    problems: list[ConfigProblem] = []
    rules: list[Rule] = []
    for service in project.services.values():
        for watch in service.watch:
            place = watch.place or service.place
            against = _objection(service, watch, is_built=service.name in built)
            if against is not None:
                problems.append(problem(place, f"services.{service.name}.develop.watch", against))
                continue
            context, left_out = _left_out(service)
            rules.append(
                Rule(
                    service=service.name,
                    watch=watch,
                    place=place,
                    context=context,
                    left_out=left_out,
                )
            )
    if problems:
        raise ConfigError(problems, next_step="change it, or run without --watch")
    return tuple(rules)


def rule_notices(rules: Iterable[Rule]) -> Iterator[Notice]:
    """Yield what of the rules will do nothing for now."""
    for rule in rules:
        if not rule.watch.path.exists():
            reason = f"there is no file or folder {rule.watch.path} yet"
            key = f"services.{rule.service}.develop.watch"
            yield Notice(key=key, reason=reason, place=rule.place)


def _objection(service: Service, watch: Watch, *, is_built: bool) -> str | None:
    action = watch.action
    if action is WatchAction.REBUILD and service.build is None and not is_built:
        return "it has no build, and so there is nothing to rebuild"
    if action is WatchAction.SYNC_EXEC and not watch.exec_command:
        return "the key 'exec' with a command is required to sync+exec, and it is missing"
    if action in _SYNCS:
        target = watch.target or ""
        if not target.startswith("/"):
            return f"the target {target!r} is no absolute path in the container"
        if service.read_only and not _is_writable(service, target):
            return f"nothing can be written to {target}: the service is read_only"
    try:
        for patterns in (watch.ignore, watch.include):
            _ = IgnoreFile.parse("\n".join(patterns))
    except DockerfileError as error:
        return f"a pattern is malformed: {error}"
    return None


def _is_writable(service: Service, target: str) -> bool:
    roots = [
        mount.target
        for mount in service.mounts
        if mount.kind is not MountKind.BIND or not mount.read_only
    ]
    return any(Path(target).is_relative_to(root) for root in roots)


def _left_out(service: Service) -> tuple[Path | None, IgnoreFile]:
    """Return the build's folder and its `.dockerignore`, as far as it has one that can be read."""
    build = service.build
    if build is None or "://" in build.context or build.context.startswith("git@"):
        return None, IgnoreFile()
    context = Path(build.context)
    file = context / ".dockerignore"
    try:
        return context, IgnoreFile.parse(file.read_text(encoding="utf-8", errors="replace"))
    except (OSError, DockerfileError):
        return context, IgnoreFile()  # one that is wrong is told by the build


def decide(changes: Mapping[Rule, Collection[Path]], gone: Collection[Path]) -> list[Work]:
    """Return what is done to each service.

    A service that is built anew needs nothing else. For the others all files are brought first,
    then commands are run, then the service is started again, once.

    Args:
        changes: The files that have changed, by the rules that take them.
        gone: Those of them that are not there any more.
    """
    services = dict.fromkeys(rule.service for rule, paths in changes.items() if paths)
    return [_work(service, changes, gone) for service in services]


def _work(service: str, changes: Mapping[Rule, Collection[Path]], gone: Collection[Path]) -> Work:
    own = {rule: paths for rule, paths in changes.items() if rule.service == service and paths}
    files = len({path for paths in own.values() for path in paths})
    actions = {rule.watch.action for rule in own}
    if WatchAction.REBUILD in actions:
        return Work(service=service, rebuild=True, files=files)
    put: dict[str, Path] = {}
    taken: dict[str, None] = {}
    for rule, paths in own.items():
        for path in sorted(paths) if rule.syncs else ():
            if path in gone:
                taken[rule.goal(path)] = None
            else:
                put[rule.goal(path)] = path
    commands = dict.fromkeys(rule.watch.exec_command for rule in own if rule.watch.exec_command)
    restart = bool(actions & {WatchAction.RESTART, WatchAction.SYNC_RESTART})
    orders = [
        Order(service=service, put=put, gone=tuple(taken)),
        *(Order(service=service, command=command) for command in commands),
        Order(service=service, restart=restart),
    ]
    return Work(
        service=service, files=files, orders=tuple(one for one in orders if not one.is_empty)
    )

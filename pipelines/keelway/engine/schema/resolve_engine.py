"""`Engine`: what the store holds, and making room in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keelway.engine.graph.records import CacheEntries, CacheEntry
from keelway.engine.policy import SPACES, Policy, disk_size, with_spaces
from keelway.engine.schema.registry import Resolvers

if TYPE_CHECKING:
    from keelway.engine.schema.registry import Arguments
    from keelway.engine.schema.session import Session

ENGINE = Resolvers()
ENGINE.record(
    "EngineCacheEntry",
    "description",
    diskSpaceBytes="size",
    createdTimeUnixNano="created",
    mostRecentUseTimeUnixNano="used",
    activelyUsed="active",
    recordType="kind",
)


@ENGINE.field("Query", "engine")
def engine(_parent: object, _args: Arguments, _session: Session) -> str:
    """Return the engine; there is one."""
    return "engine"


@ENGINE.field("Engine", "name")
def name(_parent: object, _args: Arguments, _session: Session) -> str:
    """Return what kind of engine this is."""
    return "keelway-engine"


@ENGINE.field("Engine", "clients")
def clients(_parent: object, _args: Arguments, session: Session) -> list[str]:
    """Return an ID of each that may speak to the session now: the client, and nested ones."""
    return [caller.id for caller in session.clients.all()]


@ENGINE.field("Engine", "localCache")
def local_cache(_parent: object, _args: Arguments, _session: Session) -> str:
    """Return the store; there is one."""
    return "store"


@ENGINE.field("EngineCache", "entrySet")
def entry_set(_parent: object, _args: Arguments, session: Session) -> CacheEntries:
    """Return the parts of the store as they are now."""
    return CacheEntries(
        entries=tuple(
            CacheEntry(
                name=part.name,
                description=part.description,
                size=part.size,
                created=part.created,
                used=part.used,
                active=part.active,
                kind=part.kind,
            )
            for part in session.store.du()
        )
    )


@ENGINE.field("EngineCacheEntrySet", "entries")
def entries(parent: CacheEntries, _args: Arguments, _session: Session) -> list[CacheEntry]:
    """Return each part."""
    return list(parent.entries)


@ENGINE.field("EngineCacheEntrySet", "entryCount")
def entry_count(parent: CacheEntries, _args: Arguments, _session: Session) -> int:
    """Return how many parts there are."""
    return len(parent.entries)


@ENGINE.field("EngineCacheEntrySet", "diskSpaceBytes")
def disk_space(parent: CacheEntries, _args: Arguments, _session: Session) -> int:
    """Return what all parts take."""
    return sum(entry.size for entry in parent.entries)


@ENGINE.field("EngineCacheEntry", "recordTypes")
def record_types(parent: CacheEntry, _args: Arguments, _session: Session) -> list[str]:
    """Return the kind, as a list."""
    return [parent.kind]


@ENGINE.field("EngineCache", "maxUsedSpace")
def max_used(_parent: object, _args: Arguments, session: Session) -> int:
    """Return how large the store may be, in bytes."""
    return session.store.policy.max_used or 0


@ENGINE.field("EngineCache", "minFreeSpace")
def min_free(_parent: object, _args: Arguments, session: Session) -> int:
    """Return how much of the disk should be free."""
    return session.store.policy.min_free or 0


@ENGINE.field("EngineCache", "reservedSpace")
def reserved(_parent: object, _args: Arguments, session: Session) -> int:
    """Return how much may always stay."""
    return session.store.policy.reserved


@ENGINE.field("EngineCache", "targetSpace")
def target(_parent: object, _args: Arguments, session: Session) -> int:
    """Return the size that the store shrinks to."""
    return session.store.policy.target or 0


@ENGINE.field("EngineCache", "prune")
def prune(_parent: object, args: Arguments, session: Session) -> None:
    """Remove what the sizes have no room for, never what is in use."""
    store = session.store
    policy = store.policy if args.get("useDefaultPolicy") else Policy()
    spaces = {name: args[name] for name in SPACES if args.get(name)}
    store.prune(with_spaces(policy, spaces, disk=disk_size(store.root)))

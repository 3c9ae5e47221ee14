"""What runs beside a command that fails: it ends, unless somebody else waits for it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import dagger
import pytest

from tests.support.shell import output, settle, shell

if TYPE_CHECKING:
    from collections.abc import Callable


def beside(
    base: dagger.Container, dag: dagger.Client, nonce: str, script: str
) -> tuple[dagger.Container, Callable[[str], dagger.Container]]:
    """Return a command with a cache volume at `/seen`, and what makes others with it."""
    seen = base.with_mounted_cache("/seen", dag.cache_volume(nonce))
    return shell(seen, script), lambda text: shell(seen, f"{text} # {nonce}")


async def test_sibling_of_a_failure_is_ended(
    base: dagger.Container, dag: dagger.Client, nonce: str
) -> None:
    running = "touch /seen/begun; while :; do date +%s >/seen/beat; usleep 200000; done"
    endless, other = beside(base, dag, nonce, running)
    failing = other("until test -e /seen/begun; do usleep 50000; done; exit 7")
    both = base.with_directory("/a", endless.directory("/etc")).with_directory(
        "/b", failing.directory("/etc")
    )
    with pytest.raises(dagger.ExecError, match="exit code: 7"):
        await asyncio.wait_for(settle(both), timeout=30)
    still = "cp /seen/beat /old; sleep 3; cmp /seen/beat /old && echo ended"
    assert await other(f"sleep 1; {still}").stdout() == "ended\n"


async def test_sibling_that_somebody_else_waits_for_goes_on(
    base: dagger.Container, dag: dagger.Client, nonce: str
) -> None:
    lasting = "touch /seen/begun; until test -e /seen/failed; do usleep 50000; done; sleep 1; pwd"
    wanted, other = beside(base, dag, nonce, lasting)
    waiting = asyncio.create_task(wanted.stdout())
    failing = other("until test -e /seen/begun; do usleep 50000; done; sleep 1; exit 7")
    both = base.with_directory("/a", wanted.directory("/etc")).with_directory(
        "/b", failing.directory("/etc")
    )
    with pytest.raises(dagger.ExecError, match="exit code: 7"):
        await asyncio.wait_for(settle(both), timeout=30)
    await settle(other("touch /seen/failed"))
    assert await asyncio.wait_for(waiting, timeout=30) == "/\n"


async def test_what_was_ended_can_be_had_later(
    base: dagger.Container, dag: dagger.Client, nonce: str
) -> None:
    slow = "touch /seen/begun; test -e /seen/again && echo done && exit; sleep 60"
    wanted, other = beside(base, dag, nonce, slow)
    failing = other("until test -e /seen/begun; do usleep 50000; done; exit 7")
    both = base.with_directory("/a", wanted.directory("/etc")).with_directory(
        "/b", failing.directory("/etc")
    )
    with pytest.raises(dagger.ExecError, match="exit code: 7"):
        await asyncio.wait_for(settle(both), timeout=30)
    await settle(other("touch /seen/again"))
    assert await asyncio.wait_for(wanted.stdout(), timeout=30) == "done\n"
    assert await output(base.with_directory("/a", wanted.directory("/etc")), "pwd") == "/\n"

"""Images pushed by the engine: with the registry's login, and again after what can pass."""

from __future__ import annotations

import functools
import random
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import anyio

from keelway._registries import stage_keyring
from keelway._secrets import open_secret, read_secret
from keelway._stage import failures_of
from keelway.errors import StageError
from keelway.model.image import Digest

if TYPE_CHECKING:
    from collections.abc import Sequence

    import dagger

    from keelway._stage import Run
    from keelway.model.image import BuiltImage
    from keelway.model.registry import RegistrySpec, RetrySpec
    from keelway.registry.keyring import Keyring

_SHOWN = 200
"""So many characters of a reason are told before the next attempt; the last one is told whole."""

_STAGE = "publish"
_DIGEST = re.compile(r"@(sha256:[0-9a-f]{64})$")


@functools.cache
def _transient() -> re.Pattern[str]:
    """Return what network errors, 5xx and 429 look like; compiled when the first one is judged."""
    return re.compile(
        r"""connection\ (refused|reset|timed\ out)|broken\ pipe|timeout|timed\ out|unexpected\ EOF
        |no\ such\ host|name\ resolution|network\ is\ unreachable|no\ route\ to\ host|\bEOF$
        |cannot\ be\ reached
        |too\ ?many\ ?requests|(\bstatus|code\b|\bhttp\b)[^\n]{0,40}?\b(429|5\d\d)\b
        |\b5\d\d\ (internal\ server\ error|bad\ gateway|service\ unavailable|gateway\ time-?out)""",
        re.IGNORECASE | re.VERBOSE,
    )


def is_transient(message: str) -> bool:
    """Return whether trying again can help: the network, a 5xx or a 429."""
    return _transient().search(message) is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenRegistry:
    """A registry that is pushed to, with whom to log in as."""

    run: Run
    spec: RegistrySpec
    pusher: dagger.Container
    """An empty container that has the login, where that does not end."""
    secrets: tuple[str, ...] = ()
    """What must not be shown."""
    keyring: Keyring | None = None
    """Where the login comes from otherwise."""

    async def push(self, address: str, variants: Sequence[BuiltImage], retry: RetrySpec) -> Digest:
        """Push an image of all its platforms, and return the digest that the tag names then.

        Args:
            address: `host[:port]/path:tag`.
            variants: The image for each platform.
            retry: How often what can pass is tried.

        Raises:
            StageError: The registry does not take it.
        """
        for attempt in range(1, retry.attempts):
            try:
                return await self._push_once(address, variants)
            except StageError as error:
                if not is_transient(error.message):
                    raise
                delay = min(retry.delay_s * 2 ** (attempt - 1), retry.longest_delay_s)
                reason = error.message[:_SHOWN]
                self.run.say(_STAGE, f"{address}: {reason}; trying again in {delay:g} s")
                # Not all that wait at the same moment: they would make it busy again.
                await anyio.sleep(delay * random.uniform(0.8, 1.2))  # noqa: S311 - no secret
        try:
            return await self._push_once(address, variants)
        except StageError as error:
            if retry.attempts > 1 and is_transient(error.message):
                error.message += f" (tried {retry.attempts} times)"
            raise

    async def _push_once(self, address: str, variants: Sequence[BuiltImage]) -> Digest:
        pusher, secrets = await self._logged_in(address.rpartition(":")[0])
        with failures_of(_STAGE, "the push", secrets):
            answer = await pusher.publish(
                address, platform_variants=[variant.container for variant in variants]
            )
        found = _DIGEST.search(answer)
        if found is None:
            raise StageError(f"the engine answered no digest: {answer!r}", stage=_STAGE)
        return Digest(found[1])

    async def _logged_in(self, repository: str) -> tuple[dagger.Container, tuple[str, ...]]:
        """Return what pushes, and what must not be shown; a login that ends is fetched anew."""
        from keelway.registry.logins import TOKEN_USER  # noqa: PLC0415 - not for a plan

        login = None if self.keyring is None else await self.keyring.find(repository)
        # Identity tokens are of the machine's own logins, which the engine's client reads itself.
        if login is None or login.username == TOKEN_USER:
            return self.pusher, self.secrets
        secret = self.run.dag.set_secret(f"login of {self.spec.host}", login.password)
        pusher = self.pusher.with_registry_auth(self.spec.host, login.username, secret)
        return pusher, (login.password,)


async def open_registry(run: Run, files: Sequence[str], spec: RegistrySpec) -> OpenRegistry:
    """Return a registry with its login, which is looked for before anything is pushed.

    Args:
        run: The run.
        files: Docker's configurations, the first that exists counts.
        spec: The registry.

    Raises:
        PlanError: A password cannot be read, or a login that is asked for is missing.
        RegistryError: Who gives logins refuses.
    """
    pusher = run.dag.container()
    login = spec.login
    if login is None:
        return OpenRegistry(run=run, spec=spec, pusher=pusher)
    if login.username is not None and login.password is not None:
        what = f"the password for {spec.url}"
        value = await read_secret(run, login.password, stage=_STAGE, what=what)
        secret = open_secret(run, login.password)
        pusher = pusher.with_registry_auth(spec.host, login.username, secret)
        return OpenRegistry(run=run, spec=spec, pusher=pusher, secrets=(value,))
    keyring = stage_keyring(run, registries=(spec,), files=files, stage=_STAGE)
    await keyring.find(spec.repository("image"))
    return OpenRegistry(run=run, spec=spec, pusher=pusher, keyring=keyring)

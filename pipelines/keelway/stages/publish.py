"""Publish every image: one multi-platform index, under every tag, in every registry.

Publishing the same images again changes nothing: the same bytes have the same digest. When one
registry fails the others are finished, and the error says what is done and what is not.

Example:
    >>> from keelway.model.registry import RegistrySpec
    >>> spec = PublishSpec(registries=(RegistrySpec(url="localhost:5000/demo"),), tags=("1.0",))
    >>> spec.registries[0].repository("orders")
    'localhost:5000/demo/orders'
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

import anyio

from keelway._registries import plan_registries, stage_keyring
from keelway._secrets import open_secret, read_secret
from keelway._stage import Run, failures_of, stage
from keelway._tagging import annotate_tag, held_tags, push_archives
from keelway._together import each
from keelway.errors import PublishError, RegistryError, StageError
from keelway.facts.release import (
    image_labels,
    release_annotations,
    release_floating,
    release_names,
)
from keelway.model.image import BuiltImage, Digest
from keelway.model.outcome import Skipped
from keelway.model.registry import RetrySpec
from keelway.tags.moving import hold_back

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import dagger

    from keelway.config import Config
    from keelway.facts import Facts
    from keelway.model.published import Published, PublishedTag
    from keelway.model.registry import RegistrySpec
    from keelway.model.verdict import Verified
    from keelway.registry.keyring import Keyring
    from keelway.tags.annotations import Annotations
    from keelway.tags.moving import Floating

_SHOWN = 200
"""So many characters of a reason are told before the next attempt; the last one is told whole."""

_PUSHING = "the push"

_DIGEST = re.compile(r"@(sha256:[0-9a-f]{64})$")


@functools.cache
def _transient() -> re.Pattern[str]:
    """Return what network errors, 5xx and 429 look like; compiled when the first one is judged."""
    return re.compile(
        r"""connection\ (refused|reset|timed\ out)|broken\ pipe|timeout|timed\ out|unexpected\ EOF
        |no\ such\ host|name\ resolution|network\ is\ unreachable|no\ route\ to\ host|\bEOF$
        |too\ ?many\ ?requests|(\bstatus|code\b|\bhttp\b)[^\n]{0,40}?\b(429|5\d\d)\b
        |\b5\d\d\ (internal\ server\ error|bad\ gateway|service\ unavailable|gateway\ time-?out)""",
        re.IGNORECASE | re.VERBOSE,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishSpec:
    """Where images are published, and under which tags."""

    registries: tuple[RegistrySpec, ...] = ()
    """Where images go."""
    tags: tuple[str, ...] = ("latest",)
    """What they are called there."""
    retry: RetrySpec = RetrySpec()  # noqa: RUF009 - frozen
    """How often it is tried."""
    moving: tuple[Floating, ...] = ()
    """Those of the tags that only move forward, against what each registry has."""
    login_files: tuple[str, ...] = ()
    """Where logins of this machine may be, for what Dagger's API does not do."""
    annotations: Mapping[str, Annotations] = field(default_factory=dict[str, "Annotations"])
    """What is added to an image's index, by image."""


def plan_publish(config: Config, facts: Facts) -> PublishSpec | Skipped:
    """Return where images are published and under which tags, or why they are not.

    Raises:
        PlanError: When a password is missing.
    """
    if not config.registries:
        return Skipped("no registry is configured")
    if facts.untrusted is not None:
        return Skipped(facts.untrusted)
    names = release_names(config, facts)
    if not names.tags:
        reasons = "; ".join(f"{unused.rule}: {unused.reason}" for unused in names.unused)
        return Skipped(f"no tag rule gives a tag here ({reasons or 'there are no rules'})")
    moving = release_floating(config, facts, names)
    held = {one.tag: one.reason for one in hold_back(moving, ())}
    tags = tuple(tag for tag in names.tags if tag not in held)
    if not tags:
        return Skipped("; ".join(held.values()))
    return PublishSpec(
        registries=plan_registries(config, facts),
        tags=tags,
        moving=tuple(one for one in moving if one.tag in tags),
        login_files=facts.login_files,
        annotations=_plan_annotations(config, facts),
    )


def _plan_annotations(config: Config, facts: Facts) -> dict[str, Annotations]:
    """Return what is added to the index of each image, where anything is."""
    found = {
        name: release_annotations(config, facts, image_labels(name, config, facts))
        for name in config.images
    }
    return {name: one for name, one in found.items() if one.index or one.descriptor}


@stage("publish")
async def publish(run: Run, spec: PublishSpec, verified: Verified) -> Published:
    """Return what is in the registries now: for each image the digest that every tag names.

    Args:
        run: The run.
        spec: The registries and the tags.
        verified: The proof: images that were not judged cannot be published.

    Raises:
        PlanError: A password cannot be read.
        PublishError: Some image did not reach some registry, or registries disagree on a digest.
    """
    registries = await each(partial(_open, run, spec), spec.registries)
    jobs = [
        _Job(run=run, spec=spec, image=name, variants=verified.images.of(name), registry=registry)
        for name in verified.images.names()
        for registry in registries
    ]
    outcomes = await each(_push, jobs)
    published = _published(verified, outcomes)
    failed = [failure for outcome in outcomes for failure in outcome.failed]
    failed += _disagreements(outcomes)
    if failed:
        more = f" (and {len(failed) - 1} more)" if len(failed) > 1 else ""
        raise PublishError(
            f"not everything was published: {failed[0].address} failed{more}",
            failed=[str(failure) for failure in failed],
            done=[tag.reference for image in published.images for tag in image.tags],
            partial=published,
            next_step="correct the registry or the login and run again: "
            "what is published already is found there and not sent twice",
        )
    return published


@dataclass(frozen=True, slots=True, kw_only=True)
class _Registry:
    spec: RegistrySpec
    pusher: dagger.Container
    """An empty container that has the login, where that does not end."""
    secrets: tuple[str, ...] = ()
    keyring: Keyring | None = None
    """Where the login comes from otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Job:
    """One image for one registry, under all tags."""

    run: Run
    spec: PublishSpec
    image: str
    variants: tuple[BuiltImage, ...]
    registry: _Registry

    @property
    def repository(self) -> str:
        return self.registry.spec.repository(self.image)


@dataclass(frozen=True, slots=True)
class _Failure:
    """What is not there, and why."""

    address: str
    reason: str

    def __str__(self) -> str:
        return f"{self.address}: {self.reason}"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Outcome:
    image: str
    done: tuple[PublishedTag, ...]
    failed: tuple[_Failure, ...]


async def _open(run: Run, publishing: PublishSpec, spec: RegistrySpec) -> _Registry:
    """Return the registry with its login, which is looked for before anything is pushed."""
    pusher = run.dag.container()
    login = spec.login
    if login is not None and login.username is not None and login.password is not None:
        what = f"the password for {spec.url}"
        value = await read_secret(run, login.password, stage="publish", what=what)
        secret = open_secret(run, login.password)
        pusher = pusher.with_registry_auth(spec.host, login.username, secret)
        return _Registry(spec=spec, pusher=pusher, secrets=(value,))
    if login is None:
        return _Registry(spec=spec, pusher=pusher)
    keyring = stage_keyring(run, registries=(spec,), files=publishing.login_files, stage="publish")
    await keyring.find(spec.repository("image"))
    return _Registry(spec=spec, pusher=pusher, keyring=keyring)


async def _logged_in(job: _Job) -> tuple[dagger.Container, tuple[str, ...]]:
    """Return what pushes, and what must not be shown; a login that ends is fetched anew."""
    from keelway.registry.logins import TOKEN_USER  # noqa: PLC0415 - not for a plan

    registry = job.registry
    login = None if registry.keyring is None else await registry.keyring.find(job.repository)
    # Identity tokens are of the machine's own logins, which the engine's client reads itself.
    if login is None or login.username == TOKEN_USER:
        return registry.pusher, registry.secrets
    secret = job.run.dag.set_secret(f"login of {registry.spec.host}", login.password)
    pusher = registry.pusher.with_registry_auth(registry.spec.host, login.username, secret)
    return pusher, (login.password,)


async def _push(job: _Job) -> _Outcome:
    """Push one image to one registry, tag after tag: only the first one sends layers."""
    from keelway.model.published import PublishedTag  # noqa: PLC0415 - not for a plan

    done: list[PublishedTag] = []
    tags, failed = await _movable(job)
    pushed: Digest | None = None
    for position, tag in enumerate(tags):
        address = f"{job.repository}:{tag}"
        try:
            pushed, digest = await _name(job, address, pushed)
        except StageError as error:
            failed.append(_Failure(address, error.message))
            left = tags[position + 1 :]
            if left and is_transient(error.message):  # nobody there: more tags change nothing
                failed.append(_Failure(job.repository, f"not tried: {', '.join(left)}"))
                break
        else:
            done.append(PublishedTag(repository=job.repository, tag=tag, digest=digest))
            job.run.say("publish", f"{address}@{digest}")
    return _Outcome(image=job.image, done=tuple(done), failed=tuple(failed))


async def _movable(job: _Job) -> tuple[list[str], list[_Failure]]:
    """Return the tags that may name this release in the registry, and what hindered the look."""
    tags, spec = list(job.spec.tags), job.spec
    try:
        held = await held_tags(
            job.run,
            job.repository,
            spec.moving,
            registries=spec.registries,
            files=spec.login_files,
        )
    except RegistryError as error:
        moving = {one.tag for one in spec.moving}
        why = f'{error.message}; what it has decides on this tag, unless tags.moving is "free"'
        failed = [_Failure(f"{job.repository}:{tag}", why) for tag in tags if tag in moving]
        return [tag for tag in tags if tag not in moving], failed
    return [tag for tag in tags if tag not in held], []


async def _name(job: _Job, address: str, pushed: Digest | None) -> tuple[Digest, Digest]:
    """Return the digest that was pushed, and the one that the address names now.

    With annotations of the index that is another one: then only the first tag is pushed, and all
    of them are given to the annotated index.
    """
    more = job.spec.annotations.get(job.image)
    if more is None or pushed is None:
        pushed = await _push_tag(job, address)
    if more is None:
        return pushed, pushed
    spec = job.spec
    named = await annotate_tag(
        job.run, address, pushed, more, registries=spec.registries, files=spec.login_files
    )
    return pushed, named


async def _push_tag(job: _Job, address: str) -> Digest:
    """Return the digest that the tag names now; what cannot last is tried again."""
    retry = job.spec.retry
    for attempt in range(1, retry.attempts):
        try:
            return await _push_once(job, address)
        except StageError as error:
            if not is_transient(error.message):
                raise
            delay = min(retry.delay_s * 2 ** (attempt - 1), retry.longest_delay_s)
            reason = error.message[:_SHOWN]
            job.run.say("publish", f"{address}: {reason}; trying again in {delay:g} s")
            await anyio.sleep(delay)
    try:
        return await _push_once(job, address)
    except StageError as error:
        if retry.attempts > 1 and is_transient(error.message):
            error.message += f" (tried {retry.attempts} times)"
        raise


async def _push_once(job: _Job, address: str) -> Digest:
    archives = [variant.archive for variant in job.variants if variant.archive is not None]
    if archives:  # others built them: their bytes go as they are
        spec = job.spec
        return await push_archives(
            job.run, address, archives, registries=spec.registries, files=spec.login_files
        )
    variants = [variant.container for variant in job.variants]
    pusher, secrets = await _logged_in(job)
    with failures_of("publish", _PUSHING, secrets):
        answer = await pusher.publish(address, platform_variants=variants)
    found = _DIGEST.search(answer)
    if found is None:
        raise StageError(f"the engine answered no digest: {answer!r}", stage="publish")
    return Digest(found[1])


def is_transient(message: str) -> bool:
    """Return whether trying again can help: the network, a 5xx or a 429."""
    return _transient().search(message) is not None


def _published(verified: Verified, outcomes: Sequence[_Outcome]) -> Published:
    from keelway.model.published import Published, PublishedImage  # noqa: PLC0415 - not for a plan

    images: list[PublishedImage] = []
    for name in verified.images.names():
        tags = tuple(tag for outcome in outcomes if outcome.image == name for tag in outcome.done)
        if tags:
            platforms = tuple(variant.platform for variant in verified.images.of(name))
            images.append(
                PublishedImage(name=name, digest=tags[0].digest, platforms=platforms, tags=tags)
            )
    return Published(images=tuple(images))


def _disagreements(outcomes: Sequence[_Outcome]) -> list[_Failure]:
    """Return one failure for each image whose tags do not all name the same digest."""
    digests: dict[str, dict[Digest, str]] = {}
    for outcome in outcomes:
        for tag in outcome.done:
            where = f"{tag.repository}:{tag.tag}"
            digests.setdefault(outcome.image, {}).setdefault(tag.digest, where)
    return [
        _Failure(
            image,
            "the same image got different digests: "
            + ", ".join(f"{where} is {digest}" for digest, where in sorted(found.items())),
        )
        for image, found in digests.items()
        if len(found) > 1
    ]

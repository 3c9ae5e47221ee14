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

from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

from keelway._pushing import OpenRegistry, is_transient, open_registry
from keelway._registries import plan_registries
from keelway._stage import Run, stage
from keelway._tagging import (
    Access,
    annotate_tag,
    held_tags,
    named_already,
    push_archives,
    put_back,
)
from keelway._together import each
from keelway.config.naming import published_name
from keelway.errors import PublishError, RegistryError, StageError
from keelway.facts.release import (
    release_floating,
    release_names,
    release_texts,
)
from keelway.model.outcome import Skipped
from keelway.model.registry import PublishedName, RetrySpec
from keelway.tags.moving import hold_back

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from keelway.config import Config
    from keelway.facts import Facts
    from keelway.model.image import BuiltImage, Digest
    from keelway.model.published import Published, PublishedTag
    from keelway.model.registry import RegistrySpec
    from keelway.model.verdict import Verified
    from keelway.tags.annotations import Annotations
    from keelway.tags.moving import Floating


_EARLIER = "the commit was released before, as another image, and its tag names that one"


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
    lasting: tuple[str, ...] = ()
    """Those that never name another image: each names a commit by all its digits."""
    login_files: tuple[str, ...] = ()
    """Where logins of this machine may be, for what Dagger's API does not do."""
    annotations: Mapping[str, Annotations] = field(default_factory=dict[str, "Annotations"])
    """What is added to an image's index, by image."""
    names: Mapping[str, PublishedName] = field(default_factory=dict[str, "PublishedName"])
    """What images are called, by image, where that is not their own name with the tags."""

    def name_of(self, image: str) -> PublishedName:
        """Return what an image is called in every registry."""
        return self.names.get(image, PublishedName(repository=image))


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
        lasting=tuple(
            one.tag for one in names.named if one.whole_sha and config.tags.moving == "forward"
        ),
        login_files=facts.login_files,
        annotations=_plan_annotations(config, facts),
        names={name: published_name(config, name) for name in config.images},
    )


def _plan_annotations(config: Config, facts: Facts) -> dict[str, Annotations]:
    """Return what is added to the index of each image, where anything is."""
    texts = release_texts(config, facts)
    found = {name: texts.annotations(name) for name in config.images}
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
    registries = await each(partial(open_registry, run, spec.login_files), spec.registries)
    jobs = [
        _Job(run=run, spec=spec, image=name, variants=verified.images.of(name), registry=registry)
        for name in verified.images.names()
        for registry in registries
    ]
    outcomes = await each(_push, jobs)
    missing = _missing(outcomes)
    published = _published(verified, outcomes, missing)
    for failure in missing:
        run.say("publish", f"missing: {failure}")
    failed = [one for outcome in outcomes for one in outcome.failed if one not in missing]
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
class _Job:
    """One image for one registry, under all tags."""

    run: Run
    spec: PublishSpec
    image: str
    variants: tuple[BuiltImage, ...]
    registry: OpenRegistry

    @property
    def repository(self) -> str:
        return self.registry.spec.repository(self.name.repository)

    @property
    def access(self) -> Access:
        """How registries are spoken to directly."""
        return {"registries": self.spec.registries, "files": self.spec.login_files}

    @property
    def name(self) -> PublishedName:
        return self.spec.name_of(self.image)

    @property
    def moving(self) -> tuple[Floating, ...]:
        """Those of its tags that only move forward."""
        name = self.name
        return tuple(
            replace(one, tag=name.tag(one.tag), suffix=f"{one.suffix}{name.suffix}")
            for one in self.spec.moving
        )


@dataclass(frozen=True, slots=True)
class _Failure:
    """What is not there, and why."""

    address: str
    reason: str
    passing: bool = False
    """Whether nobody answered: what was asked for is not refused."""

    def __str__(self) -> str:
        return f"{self.address}: {self.reason}"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Outcome:
    image: str
    registry: RegistrySpec
    done: tuple[PublishedTag, ...]
    failed: tuple[_Failure, ...]


async def _push(job: _Job) -> _Outcome:
    """Push one image to one registry, tag after tag: only the first one sends layers."""
    from keelway.model.published import PublishedTag  # noqa: PLC0415 - not for a plan

    done: list[PublishedTag] = []
    tags, lasting, failed = await _movable(job)
    pushed: Digest | None = None
    for position, tag in enumerate(tags):
        address = f"{job.repository}:{tag}"
        try:
            if done and lasting.get(tag, done[-1].digest) != done[-1].digest:
                job.run.say("publish", f"{address} stays where it is: {_EARLIER}")
                continue
            pushed, digest = await _name(job, address, pushed)
            if lasting.get(tag, digest) != digest:
                await put_back(job.run, address, lasting[tag], **job.access)
                failed.append(_Failure(address, f"it is {lasting[tag]}: {_EARLIER}"))
                continue
        except StageError as error:
            gone = is_transient(error.message)
            failed.append(_Failure(address, error.message, gone))
            left = tags[position + 1 :]
            if left and gone:  # nobody there: more tags change nothing
                failed.append(_Failure(job.repository, f"not tried: {', '.join(left)}", gone))
                break
        else:
            done.append(PublishedTag(repository=job.repository, tag=tag, digest=digest))
            job.run.say("publish", f"{address}@{digest}")
    registry = job.registry.spec
    return _Outcome(image=job.image, registry=registry, done=tuple(done), failed=tuple(failed))


async def _movable(job: _Job) -> tuple[list[str], dict[str, Digest], list[_Failure]]:
    """Return the tags that may name this release in the registry, and what hindered the look.

    Between them is what those name by now that never name another image; they come last, as by
    the others it is known which image this is.
    """
    tags, spec = [job.name.tag(tag) for tag in job.spec.tags], job.spec
    lasting = [job.name.tag(tag) for tag in spec.tags if tag in spec.lasting]
    try:
        held = await held_tags(job.run, job.repository, job.moving, **job.access)
        there = await named_already(job.run, job.repository, lasting, **job.access)
    except RegistryError as error:
        looked = {*lasting, *(one.tag for one in job.moving)}
        why = f'{error.message}; what it has decides on this tag, unless tags.moving is "free"'
        gone = is_transient(error.message)
        failed = [_Failure(f"{job.repository}:{tag}", why, gone) for tag in tags if tag in looked]
        return [tag for tag in tags if tag not in looked], {}, failed
    return sorted((tag for tag in tags if tag not in held), key=there.__contains__), there, []


async def _name(job: _Job, address: str, pushed: Digest | None) -> tuple[Digest, Digest]:
    """Return the digest that was pushed, and the one that the address names now.

    With annotations of the index that is another one: then only the first tag is pushed, and all
    of them are given to the annotated index.
    """
    more = job.spec.annotations.get(job.image)
    if more is None or pushed is None:
        pushed = await _push_first(job, address)
    if more is None:
        return pushed, pushed
    named = await annotate_tag(job.run, address, pushed, more, **job.access)
    return pushed, named


async def _push_first(job: _Job, address: str) -> Digest:
    """Push the image, and return its digest."""
    archives = [variant.archive for variant in job.variants if variant.archive is not None]
    if not archives:
        return await job.registry.push(address, job.variants, job.spec.retry)
    # Others built them: their bytes go as they are.
    return await push_archives(job.run, address, archives, **job.access)


def _missing(outcomes: Sequence[_Outcome]) -> list[_Failure]:
    """Return what is in a fall-back alone, as its own registry did not answer: that is no failure.

    What a registry refuses is one, and what the fall-back has not either.
    """
    kept = {(one.image, one.registry.fallback_of) for one in outcomes if not one.failed}
    return [
        failure
        for one in outcomes
        if (one.image, one.registry.url) in kept and all(other.passing for other in one.failed)
        for failure in one.failed
    ]


def _published(
    verified: Verified, outcomes: Sequence[_Outcome], missing: Sequence[_Failure]
) -> Published:
    from keelway.model.published import Published, PublishedImage  # noqa: PLC0415 - not for a plan

    images: list[PublishedImage] = []
    for name in verified.images.names():
        tags = tuple(tag for outcome in outcomes if outcome.image == name for tag in outcome.done)
        if tags:
            platforms = tuple(variant.platform for variant in verified.images.of(name))
            images.append(
                PublishedImage(name=name, digest=tags[0].digest, platforms=platforms, tags=tags)
            )
    return Published(images=tuple(images), missing=tuple(str(one) for one in missing))


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

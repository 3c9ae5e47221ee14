"""Which images have inputs that changed since another commit, and which follow them.

The inputs of an image are what its Dockerfile reads of its context, the Dockerfile and its ignore
file, named contexts, what the configuration and the lock file say of it, and other images of the
configuration that it is built on. What lies outside of git, as a tag of others that moved, is none:
a release of everything, nightly say, finds that.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from keelway.config.naming import published_name
from keelway.facts.configured import Configured, configured_anew
from keelway.facts.difference import Unknown, read_difference
from keelway.facts.following import followers
from keelway.facts.inputs import ChangedInputs
from keelway.model.changes import Cause, Changes, ImageChange, ImageInputs

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from keelway.config.loader import Loaded
    from keelway.facts.difference import Difference


def find_changes(loaded: Loaded, since: str, environ: Mapping[str, str]) -> Changes:
    """Return which images of a configuration have inputs that changed.

    Args:
        loaded: The configuration with the place it came from.
        since: The commit to compare with: a branch, a tag, digits.
        environ: The environment that git runs in.

    Raises:
        PlanError: When there is no such commit, or an ignore file is malformed.
    """

    def configured(found: Difference) -> Configured:
        return configured_anew(loaded, found)

    return compare(image_inputs(loaded), loaded.root, since, environ, also=configured)


def image_inputs(loaded: Loaded) -> tuple[ImageInputs, ...]:
    """Return what the images of a configuration are made of."""
    config = loaded.config
    reports = loaded.root / config.report.directory
    tested = {(suite.build, suite.target or "") for suite in config.integration.suites}
    found: list[ImageInputs] = []
    for name, image in config.images.items():
        # Links stay as they are: they are inputs too.
        context = Path(os.path.abspath(loaded.root / image.context))  # noqa: PTH100
        pinned = {
            argument: loaded.pins[base].reference
            for argument, base in image.bases.items()
            if base in loaded.pins
        }
        targets = [image.target or "", *(target for built, target in tested if built == name)]
        found.append(
            ImageInputs(
                image=name,
                context=context,
                dockerfile=image.dockerfile,
                targets=tuple(dict.fromkeys(targets)),
                build_args={**image.build_args, **pinned},
                repositories=tuple(
                    f"{registry.url.rstrip('/')}/{published_name(config, name).repository}"
                    for registry in config.registries
                ),
                exclude=_reports(reports, context),
            )
        )
    return tuple(found)


def _reports(reports: Path, context: Path) -> tuple[str, ...]:
    """Return what the build leaves out of a context whatever its ignore file says."""
    text, folder = os.path.normpath(reports), f"{context}/"
    return (".git", text[len(folder) :]) if text.startswith(folder) else (".git",)


def compare(
    inputs: Sequence[ImageInputs],
    directory: Path,
    since: str,
    environ: Mapping[str, str],
    *,
    also: Callable[[Difference], Configured] | None = None,
) -> Changes:
    """Return which of the images have inputs that changed.

    Args:
        inputs: What each image is made of.
        directory: Anywhere inside the working tree.
        since: The commit to compare with: a branch, a tag, digits.
        environ: The environment that git runs in.
        also: Gives more causes by image, for those that are not in the files of its inputs.

    Raises:
        PlanError: When there is no such commit, or an ignore file is malformed.
    """
    found = read_difference(directory, since, environ)
    if isinstance(found, Unknown):
        note = f"every image is built: {found.reason}"
        causes = (Cause(kind="unknown", name=found.reason),)
        every = [
            ImageChange(image=one.image, changed=True, reason=found.reason, causes=causes)
            for one in inputs
        ]
        return Changes(since=since, images=tuple(every), note=note)
    more = Configured() if also is None else also(found)
    changed = ChangedInputs(found)
    known = {one.image: (*changed.causes(one), *more.causes.get(one.image, ())) for one in inputs}
    following = followers(inputs, [name for name, causes in known.items() if causes])
    for name, others in following.items():
        known[name] = tuple(Cause(kind="image", name=other) for other in others)
    shown = since if since == found.base else f"{since} ({found.short_base})"
    return Changes(
        since=since,
        images=tuple(
            ImageChange(
                image=name,
                changed=bool(causes),
                reason=told(causes) or f"no input changed since {shown}",
                causes=causes,
            )
            for name, causes in known.items()
        ),
        base=found.base,
        removed=more.removed,
    )


def told(causes: Sequence[Cause]) -> str:
    """Return causes as a sentence; nothing where there are none.

    >>> told([Cause(kind="file", name="a"), Cause(kind="file", name="b")])
    'a and 1 more changed'
    """
    by_kind: dict[str, list[str]] = {}
    for cause in causes:
        by_kind.setdefault(cause.kind, []).append(cause.name)
    return "; ".join(_SENTENCES[kind](names) for kind, names in by_kind.items())


def _more(names: list[str]) -> str:
    return f"{names[0]} and {len(names) - 1} more" if len(names) > 1 else names[0]


_SENTENCES: dict[str, Callable[[list[str]], str]] = {
    "file": lambda names: f"{_more(names)} changed",
    "key": lambda names: f"{_more(names)} of the configuration changed",
    "base": lambda names: f"its base image {', '.join(names)} is pinned anew",
    "image": lambda names: f"it is built on {', '.join(names)}, which changed",
    "unknown": "; ".join,
}

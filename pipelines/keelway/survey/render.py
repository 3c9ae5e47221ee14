r"""A draft as the text of `keelway.toml`. Pure.

Example:
    >>> from keelway.survey.draft import Draft, DraftImage
    >>> image = DraftImage(
    ...     name="shop", context=".", dockerfile="Dockerfile", platforms=("linux/amd64",)
    ... )
    >>> print("\n".join(render(Draft(name="shop", images=(image,))).splitlines()[3:9]))
    [project]
    name = "shop"
    <BLANKLINE>
    [images.shop]
    platforms = ["linux/amd64"]
    <BLANKLINE>
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from keelway.survey.draft import Draft, DraftImage, DraftRegistry

_BARE = re.compile(r"^[A-Za-z0-9_-]+$")
_HEAD = """\
# What keelway releases. Written by `keelway init` from what it found here; it is yours now.
# Look first with `keelway plan`; every key with its meaning: `keelway schema`.
"""
_REPORTED = """\
# A beginning: only critical vulnerabilities that have a fix stop a release, the rest is reported.
# Tighten it once the report is quiet.
[gate]
severity = "critical"
only_fixable = true
"""
_NO_DATABASE = """\
# Trivy's database of vulnerabilities could not be reached from the machine that wrote this, so they
# are not looked for. Remove this table where it can be reached ("download" is the default).
[scan]
database = "none"
"""
_NO_REGISTRY = """\
# Nothing is published without a registry; the image's name is appended to its url:
# [[registries]]
# url = "ghcr.io/OWNER"
# username = "ci"
# password = "env://REGISTRY_TOKEN"
"""
_SIGN = """\
# Signs what is published with the identity of the CI's job; or give a key: key = "env://COSIGN_KEY"
# [sign]
# enabled = true
"""


def render(draft: Draft) -> str:
    """Return the text of the configuration."""
    parts = [
        _HEAD,
        _table("project", _project(draft)),
        *(_image(image) for image in draft.images),
        *_tags(draft),
        *([_registry(one) for one in draft.registries] or [_NO_REGISTRY]),
        _SIGN,
        *([] if draft.has_database else [_NO_DATABASE]),
        _REPORTED,
        *_policy(draft.warned),
        *_suites(draft),
    ]
    return "\n".join(parts)


def quoted(text: str) -> str:
    r"""Return a text as TOML's basic string.

    >>> print(quoted('a "b" \\ c'))
    "a \"b\" \\ c"
    """
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _key(text: str) -> str:
    return text if _BARE.match(text) else quoted(text)


def _value(value: str | tuple[str, ...] | dict[str, str]) -> str:
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, dict):
        pairs = ", ".join(f"{_key(name)} = {quoted(one)}" for name, one in value.items())
        return f"{{ {pairs} }}"
    return f"[{', '.join(quoted(one) for one in value)}]"


def _table(name: str, keys: Iterable[tuple[str, str | tuple[str, ...] | dict[str, str]]]) -> str:
    lines = [f"[{name}]", *(f"{_key(key)} = {_value(value)}" for key, value in keys if value)]
    return "\n".join(lines) + "\n"


def _comment(text: str) -> str:
    """Return a text as one line of a comment: names of files may hold anything."""
    plain = "".join(one if one.isprintable() else " " for one in text)
    return f"# {' '.join(plain.split())}\n"


def _project(draft: Draft) -> Iterator[tuple[str, str]]:
    yield "name", draft.name
    yield "description", draft.description
    yield "source", draft.source
    yield "licenses", draft.licenses


def _image(image: DraftImage) -> str:
    keys: list[tuple[str, str | tuple[str, ...] | dict[str, str]]] = []
    if image.context != ".":
        keys.append(("context", image.context))
    if image.dockerfile != "Dockerfile":
        keys.append(("dockerfile", image.dockerfile))
    keys += [
        ("target", image.target),
        ("platforms", image.platforms),
        ("build_args", dict(image.build_args)),
    ]
    comments = "".join(_comment(one) for one in image.comments)
    hints = "".join(_comment(f"{one}  # the Dockerfile mounts it") for one in image.hints)
    return comments + _table(f"images.{_key(image.name)}", keys) + hints


def _tags(draft: Draft) -> Iterator[str]:
    if not draft.rules:
        return
    rules = "".join(f"  {quoted(rule)},\n" for rule in draft.rules)
    yield f"{_comment(f'As in {draft.rules_from}.')}[tags]\nrules = [\n{rules}]\n"


def _registry(registry: DraftRegistry) -> str:
    lines = ["[[registries]]", f"url = {quoted(registry.url)}"]
    if registry.active:
        return _comment(registry.comment) + "\n".join(lines) + "\n"
    lines += ['username = "ci"', 'password = "env://REGISTRY_TOKEN"']
    return _comment(registry.comment) + "".join(f"# {line}\n" for line in lines)


def _policy(warned: Mapping[str, str]) -> Iterator[str]:
    if not warned:
        return
    lines = "".join(f'{_comment(reason)}{_key(rule)} = "warn"\n' for rule, reason in warned.items())
    yield (
        "# These rules do not hold here yet, or nobody knows: each is only told for now. Remove a\n"
        "# line once it holds, and breaking it stops a release.\n[policy.rules]\n" + lines
    )


def _suites(draft: Draft) -> Iterator[str]:
    for service, file in draft.suites:
        lines = (
            f"Tests beside their neighbours, by the service {service} of {file}:",
            "[integration]",
            f"files = [{quoted(file)}]",
            "[[integration.suites]]",
            f"name = {quoted(service)}",
            f"service = {quoted(service)}",
        )
        yield "".join(_comment(line) for line in lines)

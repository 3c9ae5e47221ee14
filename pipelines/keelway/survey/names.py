"""Names of projects and images, made of what people call their folders and files."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

_NOT_PLAIN = re.compile(r"[^a-z0-9]+")
LONGEST = 100


def plain_name(text: str) -> str:
    """Return the text as a name that images may have; nothing where none of it may be in one.

    >>> [plain_name(text) for text in ("My Shop", "web_v2", "---", "@acme/api")]
    ['my-shop', 'web-v2', '', 'acme-api']
    """
    return _NOT_PLAIN.sub("-", text.lower())[:LONGEST].strip("-")


def name_of_path(path: str, project: str) -> str:
    """Return what the image of a Dockerfile is called by where it lies.

    >>> [name_of_path(p, "shop") for p in ("Dockerfile", "api/Dockerfile", "Dockerfile.worker")]
    ['shop', 'api', 'worker']
    >>> name_of_path("services/api/docker/Dockerfile", "shop"), name_of_path("a.Dockerfile", "shop")
    ('api', 'a')
    """
    place = PurePosixPath(path)
    words = place.name.split(".")
    own = [word for word in words if word.lower() not in {"dockerfile", "containerfile"}]
    if own:
        return plain_name("-".join(own)) or project
    folders = [part for part in place.parent.parts if part.lower() not in _FOR_DOCKER]
    return (plain_name(folders[-1]) if folders else "") or project


_FOR_DOCKER = frozenset({"docker", "build", "deploy", "container", "containers", "images"})

"""What was published, as `sha256sum` writes it: for attesting actions and for people. Pure.

Example:
    >>> from keelway.model.image import Digest
    >>> from keelway.model.published import Published, PublishedImage, PublishedTag
    >>> digest = Digest("sha256:" + "a" * 64)
    >>> tag = PublishedTag(repository="localhost:5000/orders", tag="1.0", digest=digest)
    >>> image = PublishedImage(name="orders", digest=digest, platforms=(), tags=(tag, tag))
    >>> digest_lines(Published(images=(image,))).split()[1]
    'localhost:5000/orders'
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from keelway.model.published import Published


def digest_lines(published: Published) -> str:
    """Return `HEX  REPOSITORY` for each image in each repository, each line once, sorted by name.

    The name is a repository without a tag: what `actions/attest` calls the subject of an image.
    """
    lines = {
        f"{tag.digest.removeprefix('sha256:')}  {tag.repository}\n"
        for image in published.images
        for tag in image.tags
    }
    return "".join(sorted(lines, key=lambda line: line.partition("  ")[2]))

"""Build those images of a repository whose inputs changed: python build_changed.py origin/main."""

import os
import sys

import anyio

import keelway as kw

PLATFORMS = (kw.parse_platform("linux/amd64"),)
IMAGES = (
    kw.ImageSpec(name="api", context="services/api", platforms=PLATFORMS),
    kw.ImageSpec(name="worker", context="services/worker", platforms=PLATFORMS),
)
# Files outside of its context count as inputs too where they are named, as a shared lock file.
ALSO = {"worker": ("prices.txt",)}


async def main() -> None:
    changes = await kw.changed_images(IMAGES, sys.argv[1], os.environ, also=ALSO)
    for one in changes.images:
        print(f"{one.image}: {'built' if one.changed else 'left out'}: {one.reason}")
    wanted = tuple(image for image in IMAGES if image.name in changes.changed())
    if not wanted:
        return
    async with kw.open_session() as session:
        images = await kw.build(kw.Run(session.client), kw.BuildSpec(images=wanted))
    print(f"done: {', '.join(images.names())}")


anyio.run(main)

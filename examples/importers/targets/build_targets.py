"""Build several targets of one Dockerfile for several platforms, all side by side."""

import anyio

import keelway as kw

TARGETS = ("api", "worker")
PLATFORMS = tuple(kw.parse_platform(name) for name in ("linux/amd64", "linux/arm64"))


async def main() -> None:
    spec = kw.BuildSpec(
        images=tuple(
            kw.ImageSpec(name=f"shop-{target}", target=target, platforms=PLATFORMS)
            for target in TARGETS
        )
    )
    async with kw.open_session() as session:
        images = await kw.build(kw.Run(session.client), spec)
        for image in images.variants:
            command = " ".join(await image.container.default_args())
            print(f"{image.label}: {command}")


anyio.run(main)

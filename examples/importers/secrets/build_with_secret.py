"""Build with a secret, given by its address: python build_with_secret.py env://PACKAGES_TOKEN."""

import sys

import anyio

import keelway as kw


async def main() -> None:
    token = kw.SecretSpec(id="token", source=sys.argv[1])
    image = kw.ImageSpec(
        name="shop", platforms=(kw.parse_platform("linux/amd64"),), secrets=(token,)
    )
    async with kw.open_session() as session:
        try:
            images = await kw.build(kw.Run(session.client), kw.BuildSpec(images=(image,)))
        except kw.KeelwayError as error:
            print(error.diagnostics())
            raise SystemExit(error.exit_code) from error
        print(await images.variants[0].container.file("/used").contents())


anyio.run(main)

"""Scan an image that our own Dagger code made: one stage of keelway, and nothing else of it."""

import anyio

import keelway as kw


async def main() -> None:
    async with kw.open_session() as session:
        dag = session.client
        # Any container will do, however it was made.
        ours = (
            dag.container()
            .from_("docker.io/library/busybox:1.37")
            .with_new_file("/etc/shop.ini", "[shop]\ncurrency = EUR\n")
        )
        platform = kw.parse_platform(str(await ours.platform()))
        image = kw.BuiltImage(name="shop", platform=platform, container=ours)

        spec = kw.ScanSpec(scanners=("secret", "misconfig"), database=None)
        findings = await kw.scan(kw.Run(dag), spec, kw.Images(variants=(image,)))

    for target in findings.targets:
        print(f"{target.image}: {len(target.findings)} findings, the whole report: {target.report}")


anyio.run(main)

"""A scanner of our own, behind the interface that Trivy and Grype stand behind."""

import json
from dataclasses import dataclass

import anyio

import keelway as kw

TOOL = "docker.io/library/busybox:1.37"


@dataclass(frozen=True, kw_only=True)
class WritableFilesSpec:
    """How the scanner is asked."""

    name: str = "writable-files"

    async def open(self, run: kw.Run, *, directory: str, timeout_s: int) -> "WritableFiles":
        """Make the scanner ready: once, whatever the number of images."""
        return WritableFiles(run=run, name=self.name, directory=directory, timeout_s=timeout_s)


@dataclass(frozen=True, kw_only=True)
class WritableFiles:
    """Finds files that everybody may write to."""

    run: kw.Run
    name: str
    directory: str
    timeout_s: int

    async def scan(self, image: kw.BuiltImage) -> kw.Scanned:
        """Look at one image for one platform; the program that looks is never the image's own."""
        with anyio.fail_after(self.timeout_s):
            listed = await (
                self.run.dag.container()
                .from_(TOOL)
                .with_mounted_directory("/image", image.container.rootfs())
                .with_workdir("/image")
                .with_exec(["find", ".", "-type", "f", "-perm", "-0002"])
                .stdout()
            )
        paths = [line.removeprefix(".") for line in sorted(listed.splitlines())]
        report = json.dumps({"writable": paths}, indent=2)
        return kw.Scanned(
            findings=tuple(
                kw.Finding(
                    kind=kw.Kind.MISCONFIGURATION,
                    id="world-writable",
                    severity=kw.Severity.HIGH,
                    title="everybody may write to this file",
                    where=path,
                )
                for path in paths
            ),
            report=await kw.keep_report(self.directory, image, self.name, report),
            tool=kw.ToolVersion(name=self.name, version="1.0", source=TOOL),
        )


async def main() -> None:
    # Without `scanners` Trivy is not asked; with some, both look, and what both find counts once.
    spec = kw.ScanSpec(scanners=(), database=None, second_opinion=(WritableFilesSpec(),))
    image = kw.ImageSpec(name="shop", platforms=(kw.parse_platform("linux/amd64"),))
    async with kw.open_session() as session:
        run = kw.Run(session.client)
        images = await kw.build(run, kw.BuildSpec(images=(image,)))
        findings = await kw.scan(run, spec, images)
    for target in findings.targets:
        for finding in target.findings:
            print(f"{finding.severity.label}: {finding.where}: {finding.title}")


anyio.run(main)

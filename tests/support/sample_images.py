"""The images that the engine's tests start from, made from Debian's static busybox.

`busybox`     two platforms, two layers: programs below, `/etc` above; PATH and nothing else.
`configured`  the same below two more layers (with a whiteout and an opaque folder), and every
              setting that an image can carry, to see what is merged and what is replaced.
"""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.support import debian
from tests.support.layout import Entry, PlatformImage, tar_layer, write_layout
from tests.support.missing import need

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from tests.support.registry import Registry

ARCHITECTURES = ("amd64", "arm64")
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
APPLETS = """
[ awk base64 basename cat chgrp chmod chown cmp cp cut date dd df diff dirname du echo env expr
false find free grep groups head hostname httpd id ifconfig ip kill ln ls md5sum mkdir mkfifo mknod
mktemp mount mv nc nproc nslookup od ping printf ps pwd readlink realpath rm rmdir sed seq sh
sha256sum sleep sort stat sync tail tar tee test timeout touch tr true umount uname uniq usleep vi
wc wget which whoami xargs yes
"""
ACCOUNTS = """\
root:x:0:0:root:/root:/bin/sh
daemon:x:1:1:daemon:/usr/sbin:/bin/false
app:x:1000:1000:app:/home/app:/bin/sh
worker:x:1001:2002:worker:/home/worker:/bin/sh
"""
GROUPS = """\
root:x:0:
daemon:x:1:
app:x:1000:
staff:x:50:app
audio:x:29:app,root
team:x:2002:
"""
CONFIGURED = {
    "Entrypoint": ["/bin/echo", "entry"],
    "Cmd": ["cmd-a", "cmd-b"],
    "Env": [f"PATH={PATH}", "ORIGIN=image", "SHARED=image"],
    "User": "app",
    "WorkingDir": "/srv",
    "ExposedPorts": {"8080/tcp": {}, "5353/udp": {}},
    "Labels": {"kind": "configured", "shared": "image"},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleImages:
    """References of the pushed images."""

    busybox: str
    configured: str


def push_samples(registry: Registry, work: Path) -> SampleImages:
    """Build both images for both platforms and push each as one index."""
    programs = busybox_programs(work)
    low = {name: base_layers(data) for name, data in programs.items()}
    high = _upper_layers()
    plain = {"Env": [f"PATH={PATH}"], "Cmd": ["/bin/sh"]}
    return SampleImages(
        busybox=_push(registry, work, "busybox", low, plain),
        configured=_push(
            registry,
            work,
            "configured",
            {name: [*layers, *high] for name, layers in low.items()},
            CONFIGURED,
        ),
    )


def busybox_programs(work: Path) -> Mapping[str, bytes]:
    """Return Debian's static busybox for each architecture."""
    programs: dict[str, bytes] = {}
    for architecture, deb in debian.fetch("busybox-static", ARCHITECTURES).items():
        debian.unpack(deb, work / architecture)
        programs[architecture] = (work / architecture / "bin" / "busybox").read_bytes()
    return programs


def base_layers(program: bytes) -> list[bytes]:
    """Return the layers of an image that has one busybox, and accounts."""
    folders = [Entry(path=name) for name in ("bin", "etc", "usr", "usr/bin", "home")]
    links = [Entry(path=f"bin/{name}", link="busybox", mode=0o777) for name in APPLETS.split()]
    binaries = [*folders, Entry(path="bin/busybox", data=program), *links]
    settings = [
        Entry(path="etc/passwd", data=ACCOUNTS.encode(), mode=0o644),
        Entry(path="etc/group", data=GROUPS.encode(), mode=0o644),
        Entry(path="home/app", uid=1000, gid=1000),
        Entry(path="root", mode=0o700),
        Entry(path="tmp", mode=0o1777),
        Entry(path="var"),
    ]
    return [tar_layer(binaries), tar_layer(settings)]


def _upper_layers() -> list[bytes]:
    first = [
        Entry(path="srv", uid=1000, gid=1000),
        Entry(path="srv/kept.txt", data=b"kept\n", mode=0o644),
        Entry(path="srv/gone.txt", data=b"gone\n", mode=0o644),
        Entry(path="srv/sub"),
        Entry(path="srv/sub/old.txt", data=b"old\n", mode=0o644),
    ]
    second = [
        Entry(path="srv/.wh.gone.txt", data=b"", mode=0o644),
        Entry(path="srv/sub"),
        Entry(path="srv/sub/.wh..wh..opq", data=b"", mode=0o644),
        Entry(path="srv/sub/new.txt", data=b"new\n", mode=0o644),
    ]
    return [tar_layer(first), tar_layer(second)]


def _push(
    registry: Registry,
    work: Path,
    name: str,
    layers: Mapping[str, Sequence[bytes]],
    config: Mapping[str, object],
) -> str:
    images = [
        PlatformImage(
            architecture=architecture,
            layers=stack,
            config=config,
            variant="v8" if architecture == "arm64" else None,
        )
        for architecture, stack in layers.items()
    ]
    write_layout(work / name, images, tag="1")
    reference = f"{registry.address}/test/{name}:1"
    copy_image(f"oci:{work / name}:1", f"docker://{reference}")
    return reference


def copy_image(source: str, target: str) -> None:
    """Copy every platform of an image between two places that skopeo knows."""
    skopeo = need("skopeo", package="skopeo")
    words = [skopeo, "copy", "--quiet", "--all", "--src-tls-verify=false"]
    done = subprocess.run(
        [*words, "--dest-tls-verify=false", source, target],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"skopeo copy {source} {target}: {done.stderr.strip()}")

"""A service to deploy: small, without root, and it tells all about itself.

It answers `GET /` with its version, and `GET /health` as long as `/tmp/sick` is not there. A
version that ends with `-sick` is never well; one that ends with `-ends` writes why, and ends.
"""

from __future__ import annotations

import platform
from typing import TYPE_CHECKING

from tests.support.layout import Entry, PlatformImage, tar_layer, write_layout
from tests.support.sample_images import PATH, base_layers, busybox_programs, copy_image

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.registry import Registry

PORT = 8080
UID, GID = 1000, 1000
_NATIVE = {"x86_64": "amd64", "aarch64": "arm64"}
_SERVE = """\
#!/bin/sh
echo "version $VERSION begins"
case "$VERSION" in *-ends) echo "no database" >&2; exit 3;; esac
mkdir -p /tmp/www
echo "$VERSION $DEPLOYMENT_COLOR" >/tmp/www/index.html
case "$VERSION" in *-sick) ;; *) echo well >/tmp/www/health;; esac
exec httpd -f -p 8080 -h /tmp/www
"""
HEALTHCHECK = """\
    healthcheck:
      test: [CMD, wget, -q, -O, /dev/null, "http://127.0.0.1:8080/health"]
      interval: 500ms
      timeout: 5s
      retries: 3
"""


def push_service(registry: Registry, work: Path, repository: str, version: str) -> str:
    """Push the service for this machine's platform, and return its reference by digest."""
    native = _NATIVE[platform.machine()]
    program = busybox_programs(work)[native]
    own = [
        Entry(path="srv"),
        Entry(path="srv/serve", data=_SERVE.encode(), mode=0o755),
        Entry(path="run"),
        Entry(path="data", uid=UID, gid=GID),
    ]
    config = {
        "Env": [f"PATH={PATH}", f"VERSION={version}"],
        "Cmd": ["/srv/serve"],
        "User": "app",
        "ExposedPorts": {f"{PORT}/tcp": {}},
    }
    layers = [*base_layers(program), tar_layer(own)]
    folder = work / f"{repository.replace('/', '-')}-{version}"
    write_layout(
        folder,
        [PlatformImage(architecture=native, layers=layers, config=config, variant=None)],
        tag=version,
    )
    reference = f"{registry.address}/{repository}"
    copy_image(f"oci:{folder}:{version}", f"docker://{reference}:{version}")
    digest, _ = registry.manifest(f"{repository}:{version}")
    return f"{reference}@{digest}"

"""BusyBox: the small programs by which an image is started as the policy asks.

It is mounted into the image that is started, beside whatever that image has, so it must be static.
"""

from __future__ import annotations

from keelway._tools.tool import Tool

BUSYBOX = Tool(
    name="busybox",
    minimum=(1, 30),
    package="",
    version_argv=("--help",),
    install="`apt install busybox-static`",
    optional=True,
)

INSIDE_IMAGE = "/bin/busybox"
"""Where a tool image has it."""

"""The host's perl inside a container: a program that makes any system call, without a download."""

from __future__ import annotations

import os
import re
import subprocess
from typing import TYPE_CHECKING

from tests.support.missing import need

if TYPE_CHECKING:
    import dagger


def with_perl(dag: dagger.Client, container: dagger.Container) -> dagger.Container:
    """Return the container with `/usr/bin/perl`, its libraries, and none of its modules."""
    perl = str(need("perl", package="perl-base"))
    told = subprocess.run(["ldd", perl], check=True, capture_output=True, text=True).stdout
    container = container.with_file("/usr/bin/perl", dag.host().file(os.path.realpath(perl)))
    for library in re.findall(r"(/\S+) \(0x", told):
        container = container.with_file(library, dag.host().file(os.path.realpath(library)))
    return container

"""Configurations whose pipelines are looked at: small, with everything, and out of proofs."""

from __future__ import annotations

import tomllib
from functools import cache
from typing import TYPE_CHECKING

from keelway.ci_templates.catalog import TEMPLATES, UPDATES, render
from keelway.ci_templates.description import Surroundings, describe
from keelway.config import Config

if TYPE_CHECKING:
    from keelway.ci_templates.description import Pipeline

PLAIN = """\
[project]
name = "shop"

[images.orders]
platforms = ["linux/amd64"]

[ci]
nightly = "off"
"""
WITHOUT_SECRETS = """\
[project]
name = "shop"

[images.orders]
bases = { BASE = "python" }

[base.python]
suite = "bookworm"
packages = ["python3"]
repository = "localhost:5000/base-python"
"""
"""Base images that are pushed to a registry which asks for no account."""
FULL = """\
[project]
name = "shop"

[images.orders]
target = "runtime"
[[images.orders.secrets]]
id = "pip"
source = "env://PIP_TOKEN"

[images.worker]
platforms = ["linux/arm64"]

[[registries]]
url = "ghcr.io/example/shop"
username = "ci"
password = "env://REGISTRY_TOKEN"

[[registries]]
url = "registry.example.com/shop"
username = "ci"
password = "env://OTHER_TOKEN"

[sign]
enabled = true

[load]
target = "http://orders:8080"
[load.probe]

[[integration.suites]]
name = "api"
service = "tests"

[base.python]
suite = "bookworm"
packages = ["python3"]
repository = "ghcr.io/example/base"

[ci]
branches = ["main", "release/*"]
tags = ["v*", "shop/v*"]
timeout_minutes = 90
[ci.runners]
"linux/arm64" = "arm-machines"
"""
ASSEMBLED = FULL.replace("[ci]\n", "[ci]\nassemble = true\n")
EVERY_CI = [template.name for template in TEMPLATES]


def pipeline(text: str = FULL, **around: str) -> Pipeline:
    """Return the pipeline of a configuration."""
    config = Config.model_validate(tomllib.loads(text), strict=False)
    ecosystems = (("docker", "/"), ("pip", "/services/shop"))
    return describe(config, Surroundings(version="1.2.3", ecosystems=ecosystems, **around))


@cache
def files(text: str = FULL, *names: str, **around: str) -> dict[str, str]:
    """Return the files of some CIs, of all where none is named, by their paths."""
    chosen = [one for one in (*TEMPLATES, *UPDATES) if not names or one.name in names]
    return render(chosen, pipeline(text, **around))

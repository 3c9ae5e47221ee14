"""Every key of the Compose Specification, and what keelway makes of it.

The loader obeys this table, docs/reference/compose.md is made from it, and a test compares it with
the specification's own JSON schema.
"""

from __future__ import annotations

from keelway.compose.keys_service import JOB, SERVICE
from keelway.compose.shapes import (
    FLAG,
    NAME,
    NULL,
    OPTIONS,
    PAIRS,
    TEXT,
    TEXT_OR_TEXTS,
    TEXTS,
    WHOLE,
    ListOf,
    MapOf,
    ignored,
    one_of,
    refused,
    section,
    supported,
)

_DRIVER = "what a driver would do does not happen here"
_ADDRESSES = "the engine gives addresses; services reach each other by name"
_LABELS = "nothing looks at them here"
_EXTERNAL = one_of(FLAG, section(name=supported(TEXT)))

NETWORK = section(
    name=supported(TEXT),
    driver=supported(TEXT),
    driver_opts=ignored(OPTIONS, "networks have no drivers here"),
    ipam=ignored(
        section(
            driver=supported(TEXT),
            config=supported(
                ListOf(
                    item=section(
                        subnet=supported(TEXT),
                        ip_range=supported(TEXT),
                        gateway=supported(TEXT),
                        aux_addresses=supported(MapOf(value=TEXT)),
                    )
                )
            ),
            options=supported(MapOf(value=TEXT)),
        ),
        _ADDRESSES,
    ),
    external=supported(_EXTERNAL),
    internal=supported(FLAG),
    enable_ipv4=ignored(FLAG, _ADDRESSES, "true"),
    enable_ipv6=ignored(FLAG, _ADDRESSES, "false"),
    attachable=ignored(FLAG, "no other containers can be attached"),
    labels=ignored(PAIRS, _LABELS),
)
VOLUME = section(
    name=supported(TEXT),
    driver=supported(TEXT),
    driver_opts=refused(
        OPTIONS, "a volume is a cache volume of the engine; for a folder, mount it"
    ),
    external=supported(_EXTERNAL),
    labels=supported(PAIRS),
)
SECRET = section(
    name=supported(TEXT),
    environment=supported(TEXT),
    file=supported(TEXT),
    external=supported(_EXTERNAL),
    labels=ignored(PAIRS, _LABELS),
    driver=refused(TEXT, _DRIVER),
    driver_opts=refused(OPTIONS, _DRIVER),
    template_driver=refused(TEXT, _DRIVER),
)
CONFIG = section(
    name=supported(TEXT),
    content=supported(TEXT),
    environment=supported(TEXT),
    file=supported(TEXT),
    external=supported(_EXTERNAL),
    labels=ignored(PAIRS, _LABELS),
    template_driver=refused(TEXT, _DRIVER),
)
MODEL = section(
    name=supported(TEXT),
    model=supported(TEXT),
    context_size=supported(WHOLE),
    runtime_flags=supported(TEXTS),
    needs=("model",),
)
INCLUDE = one_of(
    TEXT,
    section(
        path=supported(TEXT_OR_TEXTS),
        env_file=supported(TEXT_OR_TEXTS),
        project_directory=supported(TEXT),
    ),
)
PROJECT = section(
    version=ignored(TEXT, "the Compose Specification has no versions: take it out"),
    name=supported(TEXT),
    include=supported(ListOf(item=INCLUDE)),
    services=supported(MapOf(names=NAME, value=SERVICE)),
    models=ignored(MapOf(names=NAME, value=MODEL), "models are not served here"),
    networks=supported(MapOf(names=NAME, value=one_of(NETWORK, NULL))),
    volumes=supported(MapOf(names=NAME, value=one_of(VOLUME, NULL))),
    secrets=supported(MapOf(names=NAME, value=SECRET)),
    configs=supported(MapOf(names=NAME, value=CONFIG)),
    jobs=ignored(MapOf(names=NAME, value=JOB), "jobs are not started here"),
)

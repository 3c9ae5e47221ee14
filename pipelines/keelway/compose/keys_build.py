"""The keys of `build`, `deploy` and `develop`, and what keelway makes of each."""

from __future__ import annotations

from keelway.compose.shapes import (
    BOOLEAN,
    FLAG,
    NULL,
    NUMBER,
    OPTIONS,
    PAIRS,
    SIZE,
    TEXT,
    TEXT_OR_TEXTS,
    TEXTS,
    VALUE,
    WHOLE,
    ListOf,
    MapOf,
    Section,
    choice,
    ignored,
    one_of,
    refused,
    section,
    supported,
)

_ONE_MACHINE = "it is for a swarm of machines; here a service is started on one"
_DEVICES = "devices of the host (GPUs) are not given to containers here"
_WINDOWS = "it is for Windows"

COMMAND = one_of(TEXT, TEXTS, NULL)
EXTRA_HOSTS = one_of(MapOf(value=one_of(TEXT, TEXTS, NULL)), TEXTS)

GRANTS = ListOf(
    item=one_of(
        TEXT,
        section(
            source=supported(TEXT),
            target=supported(TEXT),
            uid=supported(TEXT),
            gid=supported(TEXT),
            mode=supported(NUMBER, 'octal, as `0440` or `"0440"`; 0444 by default'),
        ),
    )
)

ULIMITS = MapOf(
    value=one_of(
        WHOLE, section(soft=supported(WHOLE), hard=supported(WHOLE), needs=("soft", "hard"))
    )
)

DEVICE_KEYS = {
    "capabilities": supported(TEXTS),
    "count": supported(WHOLE),
    "device_ids": supported(TEXTS),
    "driver": supported(TEXT),
    "options": supported(PAIRS),
}

BUILD = one_of(
    TEXT,
    section(
        context=supported(TEXT, "a folder, or the URL of a git repository"),
        dockerfile=supported(TEXT),
        dockerfile_inline=supported(TEXT),
        entitlements=refused(TEXTS, "builds have no privileges here"),
        args=supported(PAIRS),
        ssh=supported(PAIRS),
        labels=supported(PAIRS),
        cache_from=supported(TEXTS),
        cache_to=supported(TEXTS),
        no_cache=supported(FLAG),
        no_cache_filter=ignored(TEXT_OR_TEXTS, "the engine caches by content"),
        additional_contexts=supported(PAIRS),
        network=supported(TEXT),
        provenance=ignored(one_of(TEXT, FLAG), "keelway attests what it publishes", "false"),
        sbom=ignored(one_of(TEXT, FLAG), "keelway makes the SBOMs of what it publishes", "false"),
        pull=supported(FLAG),
        target=supported(TEXT),
        shm_size=supported(SIZE),
        extra_hosts=supported(EXTRA_HOSTS),
        isolation=ignored(TEXT, _WINDOWS, "default"),
        privileged=refused(FLAG, "builds have no privileges here", "false"),
        secrets=supported(GRANTS),
        tags=supported(TEXTS),
        ulimits=ignored(ULIMITS, "builds run with the limits of the engine"),
        platforms=supported(TEXTS),
    ),
)

_ROLLING = section(
    parallelism=supported(WHOLE),
    delay=supported(TEXT),
    failure_action=supported(TEXT),
    monitor=supported(TEXT),
    max_failure_ratio=supported(NUMBER),
    order=supported(choice("start-first", "stop-first")),
)

DEPLOY = one_of(
    section(
        mode=ignored(TEXT, _ONE_MACHINE, "replicated"),
        endpoint_mode=ignored(TEXT, _ONE_MACHINE, "vip"),
        replicas=supported(WHOLE),
        labels=ignored(PAIRS, _ONE_MACHINE),
        rollback_config=ignored(_ROLLING, _ONE_MACHINE),
        update_config=ignored(_ROLLING, _ONE_MACHINE),
        resources=supported(
            section(
                limits=supported(
                    section(cpus=supported(NUMBER), memory=supported(SIZE), pids=supported(WHOLE))
                ),
                reservations=supported(
                    section(
                        cpus=supported(NUMBER),
                        memory=supported(SIZE),
                        generic_resources=ignored(
                            ListOf(
                                item=section(
                                    discrete_resource_spec=supported(
                                        section(kind=supported(TEXT), value=supported(NUMBER))
                                    )
                                )
                            ),
                            _ONE_MACHINE,
                        ),
                        devices=refused(
                            ListOf(item=Section(keys=DEVICE_KEYS, required=("capabilities",))),
                            _DEVICES,
                        ),
                    )
                ),
            )
        ),
        restart_policy=supported(
            section(
                condition=supported(TEXT, "what `restart` says goes first"),
                delay=ignored(TEXT, "services are started again at once"),
                max_attempts=supported(WHOLE),
                window=ignored(TEXT, "a service that ended well counts as ended"),
            )
        ),
        placement=ignored(
            section(
                constraints=supported(TEXTS),
                preferences=supported(ListOf(item=section(spread=supported(TEXT)))),
                max_replicas_per_node=supported(WHOLE),
            ),
            _ONE_MACHINE,
        ),
    ),
    NULL,
)

_HOOK = "hooks run as the service does"
HOOK = section(
    command=supported(COMMAND),
    user=refused(TEXT, _HOOK),
    privileged=refused(FLAG, _HOOK, "false"),
    working_dir=refused(TEXT, _HOOK),
    environment=refused(PAIRS, _HOOK),
    needs=("command",),
)

DEVELOP = one_of(
    section(
        watch=supported(
            ListOf(
                item=section(
                    ignore=supported(TEXT_OR_TEXTS),
                    include=supported(TEXT_OR_TEXTS),
                    path=supported(TEXT),
                    action=supported(
                        choice("rebuild", "sync", "restart", "sync+restart", "sync+exec")
                    ),
                    target=supported(TEXT),
                    exec=supported(HOOK),
                    initial_sync=supported(BOOLEAN),
                    needs=("path", "action"),
                )
            ),
            "`keelway up --watch` acts on it; tests and load tests do not watch files",
        )
    ),
    NULL,
)

GPUS = one_of(choice("all"), ListOf(item=Section(keys=DEVICE_KEYS)))
MODELS = one_of(
    TEXTS,
    MapOf(value=one_of(section(endpoint_var=supported(TEXT), model_var=supported(TEXT)), NULL)),
)
PROVIDER = section(
    type=supported(TEXT),
    options=supported(MapOf(value=one_of(VALUE, ListOf(item=VALUE)))),
    needs=("type",),
)
LOGGING = section(driver=supported(TEXT), options=supported(OPTIONS))
DEVICES_REASON = _DEVICES
WINDOWS_REASON = _WINDOWS

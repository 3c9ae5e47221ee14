"""The keys of a service, and what keelway makes of each."""

from __future__ import annotations

import re

from keelway.compose.keys_build import (
    BUILD,
    COMMAND,
    DEPLOY,
    DEVELOP,
    DEVICES_REASON,
    EXTRA_HOSTS,
    GPUS,
    GRANTS,
    HOOK,
    LOGGING,
    MODELS,
    PROVIDER,
    ULIMITS,
    WINDOWS_REASON,
)
from keelway.compose.shapes import (
    BOOLEAN,
    FLAG,
    NAME,
    NULL,
    NUMBER,
    OPTIONS,
    PAIRS,
    SIZE,
    TEXT,
    TEXT_OR_TEXTS,
    TEXTS,
    WHOLE,
    Key,
    Leaf,
    ListOf,
    MapOf,
    Section,
    Shape,
    choice,
    ignored,
    one_of,
    refused,
    section,
    supported,
)

_KERNEL = "the engine leaves this to the kernel"
_ADDRESS = "the engine gives addresses; services reach each other by name"
_OWN = "the engine keeps the namespaces of services apart"
_HOOKS = "what runs beside a service is a service: use depends_on and healthcheck"
_MOUNT_DETAIL = "it changes nothing for what is mounted here"
_NUMBER_OR_TEXT = Leaf(kinds=frozenset({str, int, float}), words="a text or a number")

_BLKIO_LIMITS = ListOf(item=section(path=supported(TEXT), rate=supported(SIZE)))
_BLKIO = section(
    device_read_bps=supported(_BLKIO_LIMITS),
    device_read_iops=supported(_BLKIO_LIMITS),
    device_write_bps=supported(_BLKIO_LIMITS),
    device_write_iops=supported(_BLKIO_LIMITS),
    weight=supported(WHOLE),
    weight_device=supported(ListOf(item=section(path=supported(TEXT), weight=supported(WHOLE)))),
)
_NETWORKS = one_of(
    TEXTS,
    MapOf(
        names=NAME,
        value=one_of(
            section(
                aliases=supported(TEXTS),
                interface_name=ignored(TEXT, "the engine names interfaces"),
                ipv4_address=ignored(TEXT, _ADDRESS),
                ipv6_address=ignored(TEXT, _ADDRESS),
                link_local_ips=ignored(TEXTS, _ADDRESS),
                mac_address=ignored(TEXT, _ADDRESS),
                driver_opts=ignored(OPTIONS, "networks have no drivers here"),
                priority=supported(NUMBER),
                gw_priority=ignored(NUMBER, "the engine chooses the gateway"),
                use_service_name_alias=ignored(FLAG, "a service is always known by name", "true"),
            ),
            NULL,
        ),
    ),
)
_VOLUMES = ListOf(
    item=one_of(
        TEXT,
        section(
            type=supported(
                choice("bind", "volume", "tmpfs", "cluster", "npipe", "image"),
                "`bind`, `volume` and `tmpfs`; `cluster`, `npipe` and `image` are refused",
            ),
            source=supported(TEXT, "a path outside of the project is refused"),
            target=supported(TEXT),
            read_only=supported(FLAG),
            consistency=ignored(TEXT, _MOUNT_DETAIL),
            bind=supported(
                section(
                    propagation=ignored(TEXT, _MOUNT_DETAIL, "private", "rprivate"),
                    create_host_path=supported(FLAG),
                    recursive=ignored(
                        choice("enabled", "disabled", "writable", "readonly"),
                        _MOUNT_DETAIL,
                        "enabled",
                    ),
                    selinux=ignored(choice("z", "Z"), "nothing is relabelled for SELinux here"),
                )
            ),
            volume=supported(
                section(
                    labels=ignored(PAIRS, "a volume is a cache volume of the engine"),
                    nocopy=supported(FLAG),
                    subpath=supported(TEXT),
                )
            ),
            tmpfs=supported(section(size=supported(SIZE), mode=supported(NUMBER))),
            image=refused(section(subpath=supported(TEXT)), "images are not mounted here"),
            needs=("type",),
        ),
    )
)
_CONTAINER: dict[str, Key] = {
    "annotations": supported(PAIRS),
    "blkio_config": ignored(_BLKIO, _KERNEL),
    "cap_add": supported(TEXTS),
    "cap_drop": supported(TEXTS),
    "cgroup": ignored(choice("host", "private"), _KERNEL, "private"),
    "cgroup_parent": ignored(TEXT, _KERNEL),
    "command": supported(COMMAND),
    "configs": supported(GRANTS),
    "cpu_count": ignored(WHOLE, WINDOWS_REASON),
    "cpu_percent": ignored(NUMBER, WINDOWS_REASON),
    "cpu_shares": ignored(NUMBER, _KERNEL),
    "cpu_quota": ignored(NUMBER, "write `cpus`"),
    "cpu_period": ignored(NUMBER, "write `cpus`"),
    "cpu_rt_period": ignored(NUMBER, _KERNEL),
    "cpu_rt_runtime": ignored(NUMBER, _KERNEL),
    "cpus": supported(NUMBER, "as `deploy.resources.limits.cpus`"),
    "cpuset": ignored(TEXT, _KERNEL),
    "credential_spec": refused(
        section(config=supported(TEXT), file=supported(TEXT), registry=supported(TEXT)),
        WINDOWS_REASON,
    ),
    "device_cgroup_rules": refused(TEXTS, DEVICES_REASON),
    "devices": refused(
        ListOf(
            item=one_of(
                TEXT,
                section(
                    source=supported(TEXT),
                    target=supported(TEXT),
                    permissions=supported(TEXT),
                    needs=("source",),
                ),
            )
        ),
        DEVICES_REASON,
    ),
    "dns": supported(TEXT_OR_TEXTS),
    "dns_opt": ignored(TEXTS, "the engine sets the resolver's options"),
    "dns_search": supported(TEXT_OR_TEXTS),
    "domainname": supported(TEXT),
    "entrypoint": supported(COMMAND),
    "env_file": supported(
        one_of(
            TEXT,
            ListOf(
                item=one_of(
                    TEXT,
                    section(
                        path=supported(TEXT),
                        format=supported(choice("raw"), "`raw`: nothing is unquoted or filled in"),
                        required=supported(FLAG),
                    ),
                )
            ),
        )
    ),
    "label_file": supported(TEXT_OR_TEXTS),
    "environment": supported(PAIRS),
    "extra_hosts": supported(EXTRA_HOSTS),
    "gpus": refused(GPUS, DEVICES_REASON),
    "group_add": supported(ListOf(item=_NUMBER_OR_TEXT)),
    "hostname": supported(TEXT),
    "image": supported(TEXT),
    "init": supported(FLAG),
    "ipc": refused(TEXT, _OWN, "private", "shareable", "none"),
    "isolation": ignored(TEXT, WINDOWS_REASON, "default"),
    "labels": supported(PAIRS),
    "logging": ignored(LOGGING, "keelway keeps the logs of all services as files"),
    "mac_address": ignored(TEXT, _ADDRESS),
    "mem_limit": supported(SIZE, "as `deploy.resources.limits.memory`"),
    "mem_reservation": supported(SIZE, "as `deploy.resources.reservations.memory`"),
    "mem_swappiness": ignored(WHOLE, _KERNEL),
    "memswap_limit": ignored(SIZE, _KERNEL),
    "network_mode": supported(TEXT, "`none`, `host`, `bridge`, `service:NAME`"),
    "models": refused(MODELS, "models are not served here"),
    "networks": supported(_NETWORKS),
    "oom_kill_disable": ignored(FLAG, _KERNEL, "false"),
    "oom_score_adj": ignored(WHOLE, _KERNEL),
    "pid": refused(one_of(TEXT, NULL), _OWN),
    "pids_limit": supported(NUMBER, "as `deploy.resources.limits.pids`"),
    "platform": supported(TEXT),
    "privileged": supported(FLAG),
    "pull_policy": supported(TEXT),
    "pull_refresh_after": ignored(TEXT, "an image is asked for by its digest"),
    "read_only": supported(FLAG),
    "runtime": refused(TEXT, "services run by the engine's own runtime", "runc", "crun"),
    "security_opt": supported(TEXTS),
    "shm_size": supported(SIZE),
    "secrets": supported(GRANTS),
    "sysctls": supported(PAIRS),
    "stop_grace_period": supported(TEXT),
    "stop_signal": supported(TEXT),
    "storage_opt": ignored(OPTIONS, "the engine stores layers in its own way"),
    "tmpfs": supported(TEXT_OR_TEXTS),
    "ulimits": supported(ULIMITS),
    "umask": refused(one_of(WHOLE, NULL), "the engine does not set it"),
    "use_api_socket": refused(BOOLEAN, "there is no Docker daemon here", "false"),
    "user": supported(TEXT),
    "uts": ignored(TEXT, _OWN),
    "userns_mode": ignored(TEXT, _OWN),
    "volumes": supported(_VOLUMES),
    "volumes_from": refused(TEXTS, "give both services a volume by name"),
    "working_dir": supported(TEXT),
}
HEALTHCHECK = section(
    disable=supported(FLAG),
    interval=supported(TEXT),
    retries=supported(NUMBER),
    test=supported(one_of(TEXT, TEXTS)),
    timeout=supported(TEXT),
    start_period=supported(TEXT),
    start_interval=supported(TEXT),
)
_WORKLOAD: dict[str, Key] = {
    "build": supported(BUILD),
    "depends_on": supported(
        one_of(
            TEXTS,
            MapOf(
                names=NAME,
                value=section(
                    condition=supported(
                        choice(
                            "service_started", "service_healthy", "service_completed_successfully"
                        )
                    ),
                    required=supported(BOOLEAN),
                    restart=supported(FLAG),
                    needs=("condition",),
                ),
            ),
        )
    ),
    "healthcheck": supported(HEALTHCHECK),
    "ports": supported(
        ListOf(
            item=one_of(
                _NUMBER_OR_TEXT,
                section(
                    name=supported(TEXT),
                    mode=supported(TEXT),
                    host_ip=supported(TEXT),
                    target=supported(WHOLE),
                    published=supported(WHOLE),
                    protocol=supported(TEXT),
                    app_protocol=supported(TEXT),
                ),
            )
        ),
        "`keelway up` forwards them from this machine; tests reach services by their names",
    ),
    "expose": supported(ListOf(item=_NUMBER_OR_TEXT)),
    "stdin_open": supported(FLAG),
    "tty": supported(FLAG),
}
EXTENDS: Shape = one_of(
    TEXT, section(service=supported(TEXT), file=supported(TEXT), needs=("service",))
)
_PRE_START = Section(
    keys={
        **{name: supported(key.shape) for name, key in _CONTAINER.items()},
        "per_replica": supported(FLAG),
    }
)
_SERVICE: dict[str, Key] = {
    "deploy": supported(DEPLOY),
    "develop": supported(DEVELOP),
    "profiles": supported(TEXTS),
    "restart": supported(TEXT),
    "scale": supported(WHOLE, "as `deploy.replicas`"),
    "attach": ignored(FLAG, "the logs of all services are kept"),
    "container_name": supported(TEXT),
    "provider": refused(PROVIDER, "nothing but containers is started here"),
    "extends": supported(EXTENDS),
    "links": supported(TEXTS),
    "external_links": refused(TEXTS, "a project sees no containers but its own"),
    "pre_start": refused(ListOf(item=_PRE_START), _HOOKS),
    "post_start": refused(ListOf(item=HOOK), _HOOKS),
    "pre_stop": refused(ListOf(item=HOOK), _HOOKS),
}
PULL_POLICY = re.compile(
    r"always|never|build|if_not_present|missing|refresh|daily|weekly|every_([0-9]+[wdhms])+"
)

SERVICE = Section(keys={**_CONTAINER, **_WORKLOAD, **_SERVICE})

_TRIGGERS = section(
    manual=supported(BOOLEAN),
    schedule=supported(
        ListOf(
            item=one_of(
                TEXT,
                section(
                    cron=supported(TEXT),
                    timezone=supported(TEXT),
                    concurrency=supported(choice("forbid", "queue")),
                    missed_fires=supported(choice("one", "skip")),
                    needs=("cron",),
                ),
            )
        )
    ),
)
JOB = Section(
    keys={
        **{name: supported(key.shape) for name, key in (_CONTAINER | _WORKLOAD).items()},
        "profiles": supported(TEXTS),
        "extends": supported(EXTENDS),
        "triggers": supported(_TRIGGERS),
    },
    required=("triggers",),
)

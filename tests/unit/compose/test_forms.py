"""Short and long forms of what a service has, and the values that they come to."""

from collections.abc import Callable
from pathlib import Path

import pytest

from keelway.compose.project import (
    Attachment,
    Condition,
    Dependency,
    FileGrant,
    MountKind,
    Resources,
    Service,
    WatchAction,
)
from tests.unit.compose.conftest import Load, Refuse, Write

OneService = Callable[[str], Service]


def test_long_ports_and_the_same_port_twice(service: OneService) -> None:
    web = service(
        """\
        ports:
          - 8080:80
          - {target: 80, published: 8080, name: http, app_protocol: http}
          - {target: "53", published: "5300-5305", host_ip: 127.0.0.1, protocol: udp, mode: host}
        """
    )
    first, second = web.ports
    assert (first.published, first.name, first.app_protocol) == ("8080", "http", "http")
    assert (second.target, second.published, second.mode) == (53, "5300-5305", "host")


def test_volumes_of_every_form(service: OneService, folder: Path) -> None:
    web = service(
        """\
        volumes:
          - ./data:/data:ro
          - /anonymous
          - {type: bind, source: ., target: /src/../app, bind: {create_host_path: false}}
          - {type: volume, target: /v, volume: {nocopy: true, subpath: s}}
          - {type: tmpfs, target: /t, tmpfs: {size: 64m, mode: 01777}}
        tmpfs: ["/run:size=1m,mode=700,uid=5,gid=6"]
        """
    )
    data, anonymous, app, volume, long_tmpfs, tmpfs = web.mounts
    assert (data.kind, data.source, data.read_only) == (MountKind.BIND, f"{folder}/data", True)
    assert (anonymous.kind, anonymous.source) == (MountKind.VOLUME, None)
    assert (app.source, app.target, app.create_host_path) == (str(folder), "/app", False)
    assert (volume.no_copy, volume.subpath) == (True, "s")
    assert (long_tmpfs.size, long_tmpfs.mode) == (64 * 1024**2, 0o1777)
    assert (tmpfs.size, tmpfs.mode, tmpfs.uid, tmpfs.gid) == (1024**2, 0o700, 5, 6)


def test_depends_on_with_what_links_and_shared_networks_imply(load: Load) -> None:
    project = load(
        """\
        services:
          web:
            image: web
            depends_on:
              db: {condition: service_healthy, restart: true}
              init: {condition: service_completed_successfully, required: false}
            links: ["cache:store"]
          side: {image: side, network_mode: "service:web", depends_on: [db]}
          db: {image: db}
          init: {image: init}
          cache: {image: cache}
        """
    )
    web, side = project.services["web"], project.services["side"]
    assert web.depends_on == {
        "db": Dependency(service="db", condition=Condition.HEALTHY, restart=True),
        "init": Dependency(service="init", condition=Condition.COMPLETED, required=False),
        "cache": Dependency(service="cache", restart=True),
    }
    assert web.links == {"store": "cache"}
    assert list(side.depends_on) == ["db", "web"]
    assert side.networks == {}


def test_env_files_below_environment(service: OneService, write: Write) -> None:
    write("one.env", "A=1\nB=1\nC=$TAG-$D\n")
    write("two.env", "B=2\n")
    write("raw.env", 'E="$TAG" # as it is\n')
    web = service(
        """\
        env_file:
          - one.env
          - {path: two.env}
          - {path: raw.env, format: raw}
          - {path: missing.env, required: false}
        environment: [A=3, HOME, UNSET, D=d]
        """
    )
    assert web.environment == {
        "A": "3",
        "B": "2",
        "C": "1.4-d",
        "E": '"$TAG" # as it is',
        "HOME": "/home/ann",
        "D": "d",
    }


@pytest.mark.parametrize(
    ("lines", "test"),
    [
        ("test: curl -f http://x", ("CMD-SHELL", "curl -f http://x")),
        ("test: [CMD, curl, x]", ("CMD", "curl", "x")),
        ("test: [NONE]", ("NONE",)),
        ("disable: true", ("NONE",)),
        ("interval: 1s", None),
    ],
)
def test_health_checks(service: OneService, lines: str, test: tuple[str, ...] | None) -> None:
    check = service(f"healthcheck:\n  {lines}").healthcheck
    assert check is not None
    assert check.test == test
    assert check.disabled == (test == ("NONE",))


def test_the_times_of_a_health_check(service: OneService) -> None:
    check = service(
        "healthcheck: {interval: 1m30s, timeout: 1h, retries: '3', start_period: 500us,"
        " start_interval: 1.5s}\nstop_grace_period: 1d"
    )
    assert check.healthcheck is not None
    assert (check.healthcheck.interval_s, check.healthcheck.timeout_s) == (90, 3600)
    assert (check.healthcheck.retries, check.healthcheck.start_period_s) == (3, 0.0005)
    assert (check.healthcheck.start_interval_s, check.stop_grace_period_s) == (1.5, 86400)


def test_builds_short_and_long(load: Load, folder: Path) -> None:
    project = load(
        """\
        services:
          short: {build: ./app}
          git: {build: "https://example.com/app.git#main"}
          long:
            platform: linux/arm64
            build:
              context: app
              target: runtime
              args: [A=1, TAG, UNSET]
              labels: {a: 1}
              platforms: [linux/amd64, linux/arm64]
              additional_contexts: {base: ./base, img: docker-image://alpine, app: service:short}
              ssh: [default, key=./id]
              secrets: [token, {source: token, target: other}]
          inline: {build: {dockerfile_inline: "FROM scratch\\n"}}
        secrets: {token: {environment: HOME}}
        """
    )
    builds = {name: one.build for name, one in project.services.items()}
    long = builds["long"]
    assert long is not None
    assert getattr(builds["short"], "context", None) == f"{folder}/app"
    assert getattr(builds["git"], "context", None) == "https://example.com/app.git#main"
    assert getattr(builds["inline"], "dockerfile_inline", None) == "FROM scratch\n"
    assert (long.target, long.args, long.labels) == (
        "runtime",
        {"A": "1", "TAG": "1.4"},
        {"a": "1"},
    )
    assert long.additional_contexts["base"] == f"{folder}/base"
    assert long.additional_contexts["app"] == "service:short"
    assert long.ssh == ("default", "key=./id")
    assert [grant.target for grant in long.secrets] == [None, "other"]


def test_secrets_and_configs(load: Load, folder: Path) -> None:
    project = load(
        """\
        services:
          web:
            image: web
            secrets: [one, {source: two, target: /two, uid: "5", gid: "6", mode: 0400}]
            configs: [{source: conf, mode: "0440"}]
        secrets: {one: {file: ./one.txt}, two: {environment: TAG}, other: {external: true}}
        configs: {conf: {content: "a=${TAG} $$b"}}
        """
    )
    web = project.services["web"]
    two = FileGrant(source="two", target="/two", uid="5", gid="6", mode=0o400)
    assert web.secrets == (FileGrant(source="one"), two)
    assert web.configs == (FileGrant(source="conf", mode=0o440),)
    assert project.secrets["one"].file == folder / "one.txt"
    assert (project.secrets["two"].environment, project.environment["TAG"]) == ("TAG", "1.4")
    assert (project.secrets["other"].external, project.secrets["other"].name) == (True, "other")
    assert project.configs["conf"].content == "a=1.4 $b"


def test_networks_with_aliases(load: Load) -> None:
    project = load(
        """\
        services:
          web: {image: web, networks: {front: {aliases: [www], priority: 5}, back: }}
          db: {image: db, networks: [back]}
          alone: {image: alone, network_mode: none}
          rest: {image: rest}
        networks: {front: {internal: true}, back: {name: shared, external: true}}
        """
    )
    front = Attachment(network="front", aliases=("www",), priority=5)
    assert project.services["web"].networks == {"front": front, "back": Attachment(network="back")}
    assert list(project.services["rest"].networks) == ["default"]
    assert project.services["alone"].network_mode == "none"
    assert {key: one.name for key, one in project.networks.items()} == {
        "front": "shop_front",
        "back": "shared",
        "default": "shop_default",
    }


@pytest.mark.parametrize(
    "lines",
    [
        'extra_hosts: ["a=1.2.3.4", "b:1.2.3.4", "c=::1", "d:[::1]", "e=1.1.1.1,2.2.2.2"]',
        'extra_hosts: {a: 1.2.3.4, b: 1.2.3.4, c: "::1", d: "[::1]", e: [1.1.1.1, 2.2.2.2]}',
    ],
)
def test_extra_hosts(service: OneService, lines: str) -> None:
    assert service(lines).extra_hosts == {
        "a": ("1.2.3.4",),
        "b": ("1.2.3.4",),
        "c": ("::1",),
        "d": ("::1",),
        "e": ("1.1.1.1", "2.2.2.2"),
    }


def test_resources_limits_and_restarts(service: OneService) -> None:
    web = service(
        """\
        cpus: 0.5
        shm_size: 64m
        ulimits: {nproc: 65535, nofile: {soft: 1, hard: 2}}
        sysctls: {net.core.somaxconn: 1024}
        deploy:
          replicas: 2
          resources: {limits: {memory: 1gb, pids: 5}, reservations: {cpus: "0.25", memory: 20M}}
          restart_policy: {condition: on-failure, max_attempts: 3}
        """
    )
    assert web.limits == Resources(cpus=0.5, memory=1024**3, pids=5)
    assert web.reservations == Resources(cpus=0.25, memory=20 * 1024**2)
    assert (web.replicas, web.shm_size, web.restart) == (2, 64 * 1024**2, "on-failure:3")
    assert web.ulimits == {"nproc": (65535, 65535), "nofile": (1, 2)}
    assert web.sysctls == {"net.core.somaxconn": "1024"}


def test_what_is_watched(service: OneService, folder: Path) -> None:
    sync, rebuild = service(
        """\
        develop:
          watch:
            - {path: ./src, action: sync+exec, target: /src, ignore: a, exec: {command: make x}}
            - {path: go.mod, action: rebuild}
        """
    ).watch
    assert (sync.path, sync.action, sync.target) == (folder / "src", WatchAction.SYNC_EXEC, "/src")
    assert (sync.ignore, sync.exec_command) == (("a",), ("make", "x"))
    assert rebuild.action is WatchAction.REBUILD


def test_commands_as_text_list_and_nothing(service: OneService) -> None:
    web = service("command: 'serve --port 80'\nentrypoint: []")
    assert (web.command, web.entrypoint) == (("serve", "--port", "80"), ())
    web = service("command: null\nentrypoint: ''")
    assert (web.command, web.entrypoint) == (None, ())


def test_a_command_that_wants_a_shell_is_told(load: Load) -> None:
    project = load("services: {web: {image: web, command: migrate && serve}}")
    assert project.services["web"].command == ("migrate",)
    assert "what begins with '&' is left out" in project.notices[0].reason


def test_every_other_key_of_a_service(service: OneService) -> None:
    web = service(
        """\
        hostname: h
        domainname: d
        container_name: shop-web
        user: "1000:1000"
        group_add: [1, staff]
        working_dir: /w
        init: "yes"
        read_only: true
        privileged: "off"
        tty: true
        stdin_open: true
        cap_add: [NET_ADMIN]
        cap_drop: [ALL]
        security_opt: ["no-new-privileges:true"]
        dns: 1.1.1.1
        dns_search: [a, b]
        expose: [80, "53/udp"]
        labels: [a=1, b]
        annotations: {c: 1.50}
        platform: linux/arm64
        pull_policy: never
        stop_signal: SIGINT
        x-mine: {a: [1]}
        """
    )
    assert (web.hostname, web.domainname, web.container_name) == ("h", "d", "shop-web")
    assert (web.user, web.group_add, web.working_dir) == ("1000:1000", ("1", "staff"), "/w")
    assert (web.init, web.read_only, web.privileged) == (True, True, False)
    assert (web.tty, web.stdin_open, web.cap_add, web.cap_drop) == (
        True,
        True,
        ("NET_ADMIN",),
        ("ALL",),
    )
    assert (web.dns, web.dns_search, web.expose) == (("1.1.1.1",), ("a", "b"), ("80", "53/udp"))
    assert (web.labels, web.annotations) == ({"a": "1", "b": ""}, {"c": "1.5"})
    assert (web.platform, web.pull_policy, web.stop_signal) == ("linux/arm64", "never", "SIGINT")
    assert web.extensions == {"x-mine": {"a": [1]}}


def test_labels_from_files(service: OneService, write: Write) -> None:
    write("labels", "a=file\nb=file\n")
    assert service("label_file: labels\nlabels: {a: own}").labels == {"a": "own", "b": "file"}


def test_home_is_the_environments(refuse: Refuse) -> None:
    (problem,) = refuse("services: {web: {image: web, volumes: ['~/x:/x']}}")
    assert "'~/x' is outside of the project" in problem

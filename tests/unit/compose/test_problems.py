"""What is wrong is told at once, each with file, line, service and what was meant."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.unit.compose.conftest import Load, Refuse

IN_WEB = "compose.yaml:4: services.web."


def _web(line: str) -> str:
    """Return a file whose fourth line is a key of the service."""
    return f"services:\n  web:\n    image: web\n    {line}\n"


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("enviroment: {A: 1}", "enviroment: unknown key. Did you mean 'environment'?"),
        ("zzz: 1", "zzz: unknown key (if it is of a newer Compose Specification"),
        ("user: 1000", "user: a text is expected, not a whole number: write it in quotes"),
        ("environment: a", "environment: a mapping or a list is expected, not a text"),
        ("ports: 80", "ports: a list is expected, not a whole number"),
        ("ports: [web]", "ports[0]: 'web' is no port"),
        ("tty: perhaps", "tty: 'perhaps' is neither true nor false"),
        ("mem_limit: 5x", "mem_limit: '5x' is no size"),
        ("cpus: many", "cpus: 'many' is no number"),
        ("stop_grace_period: '10'", "stop_grace_period: '10' is no duration"),
        ("healthcheck: {test: [curl]}", "healthcheck.test: begins with 'curl'"),
        ("depends_on: {db: {condition: healthy}}", "depends_on.db.condition: 'healthy' is not"),
        ("depends_on: [nope]", "depends_on[0]: there is no service 'nope'"),
        ("depends_on: [wbe]", "depends_on[0]: there is no service 'wbe'. Did you mean 'web'?"),
        ("networks: [nope]", "networks[0]: there is no network 'nope'"),
        ("networks: {nope: }", "networks.nope: there is no network 'nope'"),
        ("volumes: ['nope:/x']", "volumes[0]: there is no volume 'nope'"),
        ("secrets: [nope]", "secrets[0]: there is no secret 'nope'"),
        ("configs: [{source: nope}]", "configs[0]: there is no config 'nope'"),
        ("volumes: ['./a:/x', './b:rel']", "volumes[1]: 'rel' is no absolute path"),
        (r"volumes: ['C:\data:/x']", r"volumes[0]: 'C:\data' is a path of Windows"),
        ("volumes: ['../up:/x']", "volumes[0]: '../up' is outside of the project"),
        ("volumes: ['/etc/passwd:/x']", "volumes[0]: '/etc/passwd' is outside of the project"),
        ("volumes: ['./a:/x:maybe']", "volumes[0]: 'maybe' is no option of a volume"),
        ("tmpfs: [/y, '/x:mode=9']", "tmpfs[1]: 'mode=9' is no option of a tmpfs"),
        ("volumes: [{type: bind, target: /x}]", "volumes[0]: the key 'source' is required"),
        ("volumes: [{target: /x}]", "volumes[0]: the key 'type' is required"),
        ("env_file: nope.env", "env_file: the file nope.env is not there"),
        ("command: echo 'a", "command: the command has a ' that is not closed"),
        ("extra_hosts: [a]", "extra_hosts[0]: 'a' is no host: write NAME=ADDRESS"),
        ("network_mode: container:x", "network_mode: cannot be done here: 'container:x'"),
        ("devices: [/dev/fuse]", "devices: cannot be done here: devices of the host"),
        ("restart: sometimes", "restart: 'sometimes' is not one of no, always"),
        ("pull_policy: maybe", "pull_policy: 'maybe' is not one of"),
        ("build: {dockerfile: a, dockerfile_inline: b}", "build: dockerfile and dockerfile_inline"),
    ],
)
def test_a_mistake_in_a_service(refuse: Refuse, line: str, problem: str) -> None:
    assert refuse(_web(line))[0].startswith(IN_WEB + problem)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("servces: {}", "compose.yaml:1: servces: unknown key. Did you mean 'services'?"),
        ("secrets: {s: {}}", "compose.yaml:1: secrets.s: one of file, environment is required"),
        ("secrets: {s: {file: a, environment: b}}", "compose.yaml:1: secrets.s: file and environ"),
        ("volumes: {v: {external: true, driver: x}}", "compose.yaml:1: volumes.v: external and"),
        ("services: {a: {}}", "compose.yaml:1: services.a: it has neither an image nor a build"),
        ("services: {'a b': {image: a}}", 'compose.yaml:1: services."a b": a name is of letters'),
        (
            "services: {a: {image: a, build: {platforms: [x]}, platform: y}}",
            "compose.yaml:1: services.a.platform: 'y' is not one of the platforms",
        ),
        (
            "services: {a: {image: a, network_mode: host, networks: [default]}}",
            "compose.yaml:1: services.a.network_mode: network_mode and networks exclude",
        ),
        (
            "services: {a: {image: a, scale: 2, deploy: {replicas: 3}}}",
            "compose.yaml:1: services.a.scale: '2' here and '3' under deploy differ",
        ),
        (
            "services: {a: {image: a, build: {additional_contexts: {b: 'service:c'}}}}",
            "compose.yaml:1: services.a.build.additional_contexts.b: there is no service 'c'",
        ),
    ],
)
def test_a_mistake_elsewhere(refuse: Refuse, text: str, problem: str) -> None:
    assert refuse(text)[0].startswith(problem)


def test_cycles_are_drawn(refuse: Refuse) -> None:
    assert refuse(
        """\
        services:
          a: {image: a, depends_on: [b]}
          b: {image: b, links: [c]}
          c:
            image: c
            depends_on:
              a: {condition: service_healthy}
        """
    ) == ["compose.yaml:7: services.c.depends_on.a: services wait for each other: a -> b -> c -> a"]


def test_all_mistakes_are_told_at_once_in_the_order_of_lines(refuse: Refuse) -> None:
    problems = refuse("services:\n  b: {imag: x}\n  a: {ports: [{}], user: 1}\nvolume: {}\n")
    assert [problem.split(":")[1] for problem in problems] == ["2", "3", "4"]


def test_mistakes_in_a_later_file_name_that_file(refuse: Refuse) -> None:
    assert refuse("services: {web: {image: a}}", "services:\n  web:\n    tty: x\n") == [
        "1.yaml:3: services.web.tty: 'x' is neither true nor false"
    ]


def test_a_link_that_leads_outside_is_outside(refuse: Refuse, folder: Path, tmp_path: Path) -> None:
    (folder / "link").symlink_to(tmp_path)
    assert "'./link' is outside" in refuse("services: {a: {image: a, volumes: ['./link:/x']}}")[0]


def test_the_project_is_the_git_working_tree(load: Load, tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    web = load("services: {web: {image: web, volumes: ['../src:/src']}}").services["web"]
    assert web.mounts[0].source == str(tmp_path / "src")


@pytest.mark.parametrize(
    ("line", "key"),
    [
        ("oom_score_adj: 5", "oom_score_adj"),
        ("logging: {driver: x}", "logging"),
        ("deploy: {update_config: {order: stop-first}}", "deploy.update_config"),
        ("networks: {default: {ipv4_address: 10.0.0.1}}", "networks.default.ipv4_address"),
        ("volumes: ['./a:/a:z']", "volumes[0]"),
        ("tmpfs: ['/a:noexec']", "tmpfs"),
    ],
)
def test_what_is_ignored_is_told_with_its_place(load: Load, line: str, key: str) -> None:
    (notice,) = load(_web(line)).notices
    assert notice.key.removesuffix("[0]") == f"services.web.{key}".removesuffix("[0]")
    assert (str(notice.place), bool(notice.reason)) == ("compose.yaml:4", True)


@pytest.mark.parametrize(
    "line",
    ["privileged: false", "deploy: {mode: replicated}", "isolation: default", "ipc: private"],
)
def test_values_that_change_nothing_are_not_told(load: Load, line: str) -> None:
    assert load(_web(line)).notices == ()


def test_a_service_that_is_switched_off_is_not_refused(load: Load) -> None:
    project = load(
        """\
        services:
          web: {image: web, depends_on: {gpu: {condition: service_started, required: false}}}
          gpu: {image: gpu, gpus: all, env_file: nope, volumes: ['/etc:/x'], profiles: [gpu]}
        """
    )
    assert (list(project.services), list(project.disabled)) == (["web"], ["gpu"])
    assert project.notices == ()


SHOP = """\
services:
  web: {image: web}
  test: {image: test, profiles: [test, all], depends_on: [web]}
  debug: {image: debug, profiles: [debug, all]}
  seed: {image: seed, profiles: [test]}
"""


@pytest.mark.parametrize(
    ("profiles", "targets", "services"),
    [
        ((), (), ["web"]),
        (("test",), (), ["web", "test", "seed"]),
        (("all",), (), ["web", "test", "debug"]),
        (("*",), (), ["web", "test", "debug", "seed"]),
        ((), ("test",), ["web", "test"]),
        ((), ("web",), ["web"]),
    ],
)
def test_profiles_and_wanted_services(
    load: Load, profiles: Sequence[str], targets: Sequence[str], services: list[str]
) -> None:
    assert list(load(SHOP, profiles=profiles, targets=targets).services) == services


def test_a_service_that_is_used_without_its_profile_is_read_in_full(
    load: Load, refuse: Refuse
) -> None:
    text = """\
        services:
          web: {image: web}
          unit: {image: unit, profiles: [test], environment: {URL: "http://web"}, env_file: %s}
        """
    project = load(text % "[]", used=["unit"])
    assert list(project.services) == ["web"]
    assert project.disabled["unit"].environment == {"URL": "http://web"}
    assert load(text % "nope").disabled["unit"].environment == {}
    (told,) = refuse(text % "nope", used=["unit"])
    assert "nope is not there" in told


def test_profiles_from_the_environment(load: Load) -> None:
    environment = {"COMPOSE_PROFILES": "debug, test"}
    assert list(load(SHOP, environment=environment).services) == ["web", "test", "debug", "seed"]


def test_a_dependency_that_is_switched_off_says_which_profile_is_missing(refuse: Refuse) -> None:
    text = "services: {a: {image: a, depends_on: [b]}, b: {image: b, profiles: [p, q]}}"
    waits = "the service 'b' waits for a profile that is not switched on: p, q"
    assert refuse(text) == [f"compose.yaml:1: services.a.depends_on[0]: {waits}"]


def test_a_wanted_service_that_is_not_there(refuse: Refuse) -> None:
    assert refuse(SHOP, targets=["tset"])[0].endswith("no service 'tset'. Did you mean 'test'?")

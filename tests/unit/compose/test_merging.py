"""Several files of one project: merging, `!reset` and `!override`, `include`, `extends`."""

from pathlib import Path

import pytest

from tests.unit.compose.conftest import Load, Refuse, Write

BASE = """\
services:
  web:
    image: web
    command: [serve]
    environment: {A: "1", B: "1"}
    ports: ["80:80"]
    volumes: ["./one:/one", "data:/data"]
    dns: 1.1.1.1
    depends_on: [db]
    healthcheck: {test: [CMD, one], interval: 5s}
    secrets: [one]
    cap_add: [A]
  db: {image: db}
volumes: {data: {labels: {a: 1}}}
secrets: {one: {file: ./one.txt}, two: {file: ./two.txt}}
"""


def test_single_values_and_commands_are_replaced(load: Load) -> None:
    web = load(BASE, "services: {web: {image: other, command: a b, healthcheck: {test: x}}}")
    one = web.services["web"]
    assert (one.image, one.command) == ("other", ("a", "b"))
    assert one.healthcheck is not None
    assert (one.healthcheck.test, one.healthcheck.interval_s) == (("CMD-SHELL", "x"), 5)


def test_what_has_a_name_is_merged_by_it(load: Load) -> None:
    web = load(BASE, "services: {web: {environment: [B=2, C=2], labels: [x=1]}}").services["web"]
    assert web.environment == {"A": "1", "B": "2", "C": "2"}


def test_lists_are_put_together_and_what_is_unique_is_replaced(load: Load, folder: Path) -> None:
    web = load(
        BASE,
        """\
        services:
          web:
            ports: ["80:80", "81:80", {target: 80, published: 80, protocol: udp}]
            volumes: ["./two:/one:ro", "/three"]
            dns: [2.2.2.2, 1.1.1.1]
            secrets: [one, {source: two, target: two}]
            cap_add: [A, B]
        """,
    ).services["web"]
    assert [(port.published, port.protocol) for port in web.ports] == [
        ("80", "tcp"),
        ("81", "tcp"),
        ("80", "udp"),
    ]
    assert [mount.target for mount in web.mounts] == ["/one", "/data", "/three"]
    assert (web.mounts[0].source, web.mounts[0].read_only) == (f"{folder}/two", True)
    assert (web.dns, web.cap_add) == (("1.1.1.1", "2.2.2.2"), ("A", "B"))
    assert [grant.source for grant in web.secrets] == ["one", "two"]


def test_forms_are_merged_with_each_other(load: Load) -> None:
    over = "services: {web: {depends_on: {db: {condition: service_healthy}}, build: ./app}}"
    web = load(BASE, over).services["web"]
    assert web.depends_on["db"].condition == "service_healthy"
    assert web.build is not None


def test_reset_takes_away_and_override_replaces(load: Load) -> None:
    project = load(
        BASE,
        """\
        services:
          web:
            ports: !reset []
            command: !reset null
            environment: {A: !reset null}
            volumes: !override [/only]
            depends_on: !reset null
          db: !reset null
        """,
    )
    web = project.services["web"]
    assert (web.ports, web.command, web.environment) == ((), None, {"B": "1"})
    assert [mount.target for mount in web.mounts] == ["/only"]
    assert list(project.services) == ["web"]


def test_what_is_nothing_in_a_later_file_changes_nothing(load: Load) -> None:
    assert load(BASE, "services: {web: {image: , ports: }}") == load(BASE, "services: {}")


def test_kinds_that_do_not_fit_are_named_with_both_places(refuse: Refuse) -> None:
    assert refuse(BASE, "services:\n  web:\n    ports: {a: b}\n") == [
        "1.yaml:3: services.web.ports: cannot be merged: in compose.yaml:6 it is a list"
    ]


def test_extends_in_the_same_file(load: Load) -> None:
    web = load(
        """\
        services:
          base: {image: base, environment: {A: "1"}, cap_add: [A], profiles: [none]}
          middle: {extends: base, environment: {A: "2", B: "2"}, profiles: !reset null}
          web: {extends: {service: middle}, image: web, cap_add: [B]}
        """
    ).services["web"]
    assert (web.image, web.environment, web.cap_add) == ("web", {"A": "2", "B": "2"}, ("A", "B"))


def test_extends_of_another_file_has_that_files_paths(
    load: Load, write: Write, folder: Path
) -> None:
    write("lib/base.yaml", "services: {a: {extends: b}, b: {build: ., volumes: ['./x:/x']}}")
    web = load("services: {web: {extends: {file: lib/base.yaml, service: a}}}").services["web"]
    assert web.build is not None
    assert web.build.context == f"{folder}/lib"
    assert web.mounts[0].source == f"{folder}/lib/x"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            "services: {web: {extends: wbe}, web2: {image: a}}",
            "services.web.extends: there is no service 'wbe' to extend in compose.yaml. Did you",
        ),
        (
            "services: {a: {extends: b}, b: {extends: a}}",
            "services.a.extends: services extend each other: a (compose.yaml) extends b",
        ),
        ("services: {a: {extends: {file: a.yaml}}}", "services.a.extends: the key 'service'"),
        (
            "services: {a: {extends: {service: b, fiel: a}}, b: {image: b}}",
            "services.a.extends.fiel: unknown",
        ),
    ],
)
def test_extends_that_goes_wrong(refuse: Refuse, text: str, problem: str) -> None:
    assert refuse(text)[0].startswith(f"compose.yaml:1: {problem}")


def test_include_has_its_own_folder_and_env_file(load: Load, write: Write, folder: Path) -> None:
    write("db/compose.yaml", "services: {db: {image: 'db:$VERSION-$TAG', volumes: ['./i:/i']}}")
    write("db/.env", "VERSION=16\nTAG=weaker\n")
    project = load("include: [db/compose.yaml]\nservices: {web: {image: web, depends_on: [db]}}")
    db = project.services["db"]
    assert (db.image, db.mounts[0].source) == ("db:16-1.4", f"{folder}/db/i")
    assert str(db.place) == "db/compose.yaml:1"


def test_include_in_its_long_form(load: Load, write: Write, folder: Path) -> None:
    write("db/compose.yaml", "services: {db: {build: ., image: a}}")
    write("db/more.yaml", "services: {db: {image: '$A'}}")
    write("db.env", "A=b\n")
    db = load(
        """\
        include:
          - path: [db/compose.yaml, db/more.yaml]
            project_directory: .
            env_file: db.env
        """
    ).services["db"]
    assert db.build is not None
    assert (db.image, db.build.context) == ("b", str(folder))


def test_the_same_file_included_twice_is_one(load: Load, write: Write) -> None:
    write("net.yaml", "networks: {net: {internal: true}}")
    write("a.yaml", "include: [net.yaml]\nservices: {a: {image: a, networks: [net]}}")
    write("b.yaml", "include: [net.yaml]\nservices: {b: {image: b, networks: [net]}}")
    assert list(load("include: [a.yaml, b.yaml]").services) == ["a", "b"]


@pytest.mark.parametrize(
    ("files", "problem"),
    [
        (
            {"a.yaml": "services: {web: {image: other}}"},
            "compose.yaml:2: services.web: is in an included file too (a.yaml:1)",
        ),
        ({"a.yaml": "include: [compose.yaml]"}, "a.yaml:1: include[0]: files include each other"),
        ({}, "a.yaml: cannot be read: No such file"),
    ],
)
def test_include_that_goes_wrong(
    refuse: Refuse, write: Write, files: dict[str, str], problem: str
) -> None:
    for name, text in files.items():
        write(name, text)
    assert refuse("include: [a.yaml]\nservices: {web: {image: web}}")[0].startswith(problem)


def test_what_is_elsewhere_is_not_fetched(refuse: Refuse) -> None:
    assert "is elsewhere: fetch it" in refuse("include: ['oci://example.com/app']")[0]

"""What the compose file and the image say together."""

from __future__ import annotations

from pathlib import Path

import pytest

from keelway.compose.project import Build, HealthCheck, Place, Service
from keelway.model.registry import RegistrySpec
from keelway.stack.deciding import decided_command, decided_probe
from keelway.stack.images import ImageSettings, built_image, parse_settings
from keelway.stack.supervise import Probe

PLACE = Place(file=Path("compose.yaml"), line=3)
IMAGE = ImageSettings(
    entrypoint=("/entry",),
    command=("serve",),
    healthcheck={"Test": ["CMD-SHELL", "ping"], "Interval": 7_000_000_000, "Retries": 5},
)


@pytest.mark.parametrize(
    ("entrypoint", "command", "runs"),
    [
        (None, None, ("/entry", "serve")),
        (None, ("x",), ("/entry", "x")),
        (None, (), ("/entry",)),
        (("own",), None, ("own",)),
        (("own",), ("x",), ("own", "x")),
        ((), ("x",), ("x",)),
        ((), None, ()),
    ],
)
def test_entrypoint_and_command(
    entrypoint: tuple[str, ...] | None, command: tuple[str, ...] | None, runs: tuple[str, ...]
) -> None:
    service = Service(name="web", place=PLACE, entrypoint=entrypoint, command=command)
    assert decided_command(service, IMAGE) == runs


@pytest.mark.parametrize(
    ("check", "probe"),
    [
        (None, Probe(command=("/bin/sh", "-c", "ping"), interval_s=7, retries=5)),
        (
            HealthCheck(interval_s=2, start_period_s=9),
            Probe(command=("/bin/sh", "-c", "ping"), interval_s=2, retries=5, start_period_s=9),
        ),
        (
            HealthCheck(test=("CMD", "own")),
            Probe(command=("own",), interval_s=7, retries=5),
        ),
        (HealthCheck(test=("NONE",)), None),
    ],
)
def test_health_checks(check: HealthCheck | None, probe: Probe | None) -> None:
    assert decided_probe(Service(name="web", place=PLACE, healthcheck=check), IMAGE) == probe


def test_an_image_without_a_check_has_none() -> None:
    service = Service(name="web", place=PLACE, healthcheck=HealthCheck(interval_s=1))
    assert decided_probe(service, parse_settings({})) is None


@pytest.mark.parametrize(
    ("image", "is_ours"),
    [
        ("orders", True),
        ("orders:dev", True),
        ("registry:5000/demo/orders:1@sha256:00", True),
        ("registry:5000/demo/orders", True),
        ("registry:5000/other/orders", False),
        ("library/orders", False),
        ("orders-db", False),
    ],
)
def test_an_image_of_this_build_is_known_by_its_name(image: str, *, is_ours: bool) -> None:
    service = Service(name="web", place=PLACE, image=image)
    registries = [RegistrySpec(url="registry:5000/demo/")]
    found = built_image(service, ["orders"], {}, registries)
    assert found == ("orders" if is_ours else None)


def test_a_mapping_goes_first_and_a_build_by_its_services_name() -> None:
    web = Service(name="web", place=PLACE, image="postgres:16")
    assert built_image(web, ["orders"], {"web": "orders"}) == "orders"
    build = Build(context="/shop")
    assert built_image(Service(name="orders", place=PLACE, build=build), ["orders"], {}) == "orders"
    assert built_image(Service(name="db", place=PLACE, build=build), ["orders"], {}) is None

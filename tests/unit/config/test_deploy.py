"""[deploy.NAME]: what targets are, and how mistakes in them are named."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

import pytest
from pydantic import Field

from keelway.config.document import read_document
from keelway.config.section import Section
from keelway.errors import ConfigError
from keelway.model.host_address import HostAddress, parse_host
from tests.unit.config.test_loader import MINIMAL, problems

TARGET = f'{MINIMAL}[deploy.web]\nkind = "compose"\nfolder = "/srv/orders"\n'


class Lamp(Section):
    kind: Literal["lamp"]
    brightness: int = 1


class Door(Section):
    kind: Literal["door"]
    width: int


class House(Section):
    things: Mapping[str, Annotated[Lamp | Door, Field(discriminator="kind")]]


@pytest.mark.parametrize(
    ("written", "said"),
    [
        (
            'kind = "lmap"',
            "x:2: things.a.kind: 'lmap' is not one of lamp, door. Did you mean 'lamp'?",
        ),
        ("width = 1", "x:1: things.a.kind: this key is required, and it is missing"),
        ('kind = "door"', "x:1: things.a.width: this key is required, and it is missing"),
        (
            'kind = "lamp"\nbrightnes = 1',
            "x:3: things.a.brightnes: unknown key. Did you mean 'brightness'?",
        ),
        (
            'kind = "door"\nwidth = "wide"',
            "x:3: things.a.width: a whole number is expected, not a string",
        ),
    ],
)
def test_a_mistake_in_one_kind_is_named_as_it_was_written(written: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_document(f"[things.a]\n{written}\n", "x", House)
    assert str(caught.value) == said


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("local", HostAddress()),
        ("local:/srv/two", HostAddress(folder="/srv/two")),
        ("ssh://web1", HostAddress("web1")),
        ("ssh://deploy@10.0.0.1:2222/", HostAddress("10.0.0.1", "deploy", 2222)),
        ("ssh://d@[2001:db8::1]:22/srv/x/", HostAddress("2001:db8::1", "d", 22, "/srv/x")),
    ],
)
def test_a_host_is_this_machine_or_one_behind_ssh(text: str, address: HostAddress) -> None:
    assert parse_host(text) == address


@pytest.mark.parametrize(
    "text",
    [
        "web1", "http://web1", "ssh://", "ssh://a b", "ssh://-oProxyCommand=x", "ssh://web1:0",
        "ssh://web1:65536", "ssh://u:secret@web1", "ssh://web1/srv/../etc", "ssh://web1?x",
        "local:x",
    ],
)  # fmt: skip
def test_what_is_no_host_is_refused(tmp_path: Path, text: str) -> None:
    said = problems(tmp_path, f'{TARGET}hosts = ["{text}"]\n')
    assert said[0].startswith("keelway.toml:8: deploy.web.hosts[0]: ")


def test_a_target_needs_hosts_and_a_whole_folder(tmp_path: Path) -> None:
    assert problems(tmp_path, TARGET) == [
        "keelway.toml:5: deploy.web.hosts: this key is required, and it is missing"
    ]
    wrong = TARGET.replace("/srv/orders", "srv/orders")
    (said,) = problems(tmp_path, f'{wrong}hosts = ["local"]\n')
    assert said.startswith("keelway.toml:7: deploy.web.folder: 'srv/orders' is no folder of a host")

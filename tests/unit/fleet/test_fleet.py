"""Which engine has which platforms."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from keelway.config import Config, ImageConfig, ProjectConfig, load_config
from keelway.errors import ConfigError, PlanError
from keelway.facts import Facts
from keelway.fleet.planning import Assignment, assign, plan_fleet, stick
from keelway.model.engine_address import parse_engine
from tests.support.shell import write_tree

if TYPE_CHECKING:
    from pathlib import Path

TOML = """\
[project]
name = "shop"

[images.api]
platforms = ["linux/amd64", "linux/arm64"]

[scan]
enabled = false

[sbom]
enabled = false

"""


def test_nobody_is_asked_where_no_engine_is_named() -> None:
    config = Config(project=ProjectConfig(name="shop"), images={"api": ImageConfig()})
    assert assign(config) == ()
    assert plan_fleet(config, Facts()) is None


def test_a_platform_goes_to_its_engine_and_the_others_stay_here(tmp_path: Path) -> None:
    arm, here = _assigned(tmp_path, '[engines]\n"linux/arm64" = "tcp://arm1:1234"\n')[::-1]
    assert (arm.platforms, _texts(arm)) == (("linux/arm64",), ("tcp://arm1:1234", "local"))
    assert (here.platforms, _texts(here)) == (("linux/amd64",), ("local",))


def test_platforms_with_the_same_engines_go_together(tmp_path: Path) -> None:
    text = '[engines]\n"linux/arm64" = "tcp://a:1"\n"linux/amd64" = "tcp://a:1"\n'
    (both,) = _assigned(tmp_path, text)
    assert both.platforms == ("linux/amd64", "linux/arm64")


def test_a_table_says_how_many_builds_and_whether_emulation_takes_over(tmp_path: Path) -> None:
    text = '[engines."linux/arm64"]\nat = ["ssh://b@arm1", "ssh://b@arm2"]\nbuilds = 2\n'
    arm = _assigned(tmp_path, text + "emulate = false\n")[1]
    assert sorted(_texts(arm)) == ["ssh://b@arm1", "ssh://b@arm2"]
    assert arm.builds == 2


def test_each_engine_gets_a_plan_of_its_platforms_that_publishes_nothing(tmp_path: Path) -> None:
    config = _config(tmp_path, '[engines]\n"linux/arm64" = "local:/var/lib/arm"\n')
    fleet = plan_fleet(config, Facts())
    assert fleet is not None
    built = [
        [platform for image in group.plan.verify.build.images for platform in image.platforms]
        for group in fleet.groups
    ]
    assert built == [["linux/amd64"], ["linux/arm64"]]
    assert all("publish" in str(group.plan.deliver) for group in fleet.groups)


def test_projects_spread_and_each_stays_where_it_is() -> None:
    engines = tuple(f"tcp://arm{number}:1" for number in range(4))
    first = {f"shop{number}": stick(f"shop{number}", engines)[0] for number in range(200)}
    assert set(first.values()) == set(engines)
    left = {name: stick(name, engines[:3])[0] for name in first}
    assert all(left[name] == engine for name, engine in first.items() if engine != engines[3])


def test_engines_of_one_platform_share_the_images_and_one_more_moves_few(tmp_path: Path) -> None:
    images = {f"i{number}": ImageConfig(platforms=("linux/amd64",)) for number in range(60)}

    def owners(count: int) -> dict[str, str]:
        at = ", ".join(f'"tcp://e{number}:1"' for number in range(count))
        config = _config(tmp_path, f'[engines]\n"linux/amd64" = [{at}]\n')
        parts = assign(config.model_copy(update={"images": images}))
        assert sorted(name for part in parts for name in part.images) == sorted(images)
        assert all(len(part.engines) == count + 1 for part in parts), "all of them, then emulation"
        assert len({part.key for part in parts}) == len(parts)
        return {name: str(part.engines[0]) for part in parts for name in part.images}

    three, four = owners(3), owners(4)
    assert set(three.values()) == {"tcp://e0:1", "tcp://e1:1", "tcp://e2:1"}
    moved = {name for name in images if three[name] != four[name]}
    assert moved
    assert {four[name] for name in moved} == {"tcp://e3:1"}


def test_images_of_one_that_is_lost_go_to_all_that_are_left(tmp_path: Path) -> None:
    images = {f"i{number}": ImageConfig(platforms=("linux/amd64",)) for number in range(60)}
    config = _config(
        tmp_path, '[engines]\n"linux/amd64" = ["tcp://a:1", "tcp://b:1", "tcp://c:1"]\n'
    )
    parts = assign(config.model_copy(update={"images": images}))
    of_a = [part for part in parts if part.engines[0].text == "tcp://a:1"]
    assert {part.engines[1].text for part in of_a} == {"tcp://b:1", "tcp://c:1"}


@pytest.mark.parametrize("text", ["keelway-ssh://", "keelway-ssh://a b", "keelway-ssh://h:99999"])
def test_an_address_behind_ssh_that_is_none_says_how_one_is_written(text: str) -> None:
    with pytest.raises(ValueError, match="keelway-ssh://USER@HOST:PORT"):
        parse_engine(text)


@pytest.mark.parametrize("text", ["", "arm1", "local:arm", "local://arm", "http://arm1", "tcp://"])
def test_what_names_no_engine_is_refused_with_what_does(tmp_path: Path, text: str) -> None:
    with pytest.raises(ValueError, match="kube-pod://"):
        parse_engine(text)
    with pytest.raises(ConfigError, match="names no engine") as caught:
        _config(tmp_path, f'[engines]\n"linux/arm64" = "{text}"\n')
    assert "keelway.toml:14" in str(caught.value)


def test_a_platform_that_nothing_is_built_for_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PlanError, match="linux/riscv64: no image is built"):
        _assigned(tmp_path, '[engines]\n"linux/riscv64" = "tcp://r:1"\n')


def _config(tmp_path: Path, text: str) -> Config:
    write_tree(tmp_path, {"keelway.toml": TOML + text, "Dockerfile": "FROM scratch\n"})
    return load_config(tmp_path).config


def _assigned(tmp_path: Path, text: str) -> tuple[Assignment, ...]:
    return assign(_config(tmp_path, text))


def _texts(one: Assignment) -> tuple[str, ...]:
    return tuple(engine.text for engine in one.engines)

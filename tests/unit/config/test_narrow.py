"""Fewer images and platforms than were written, for one machine of several."""

import pytest

from keelway.config import Config, ImageConfig, IntegrationConfig, ProjectConfig, SuiteConfig
from keelway.config.faults import FaultConfig
from keelway.config.narrow import narrow
from keelway.config.policy import ImagePolicyConfig, PolicyConfig
from keelway.errors import PlanError


def config(*tested: str) -> Config:
    """Return a project with two images; `tested` are the platforms of its integration tests."""
    return Config(
        project=ProjectConfig(name="shop"),
        images={"orders": ImageConfig(), "worker": ImageConfig(platforms=("linux/x86_64",))},
        integration=IntegrationConfig(
            platforms=tested, suites=(SuiteConfig(name="api", service="tests"),)
        ),
    )


def test_all_of_it_where_nothing_is_named() -> None:
    assert narrow(config()) == config()


def test_one_image() -> None:
    assert list(narrow(config(), images=["worker"]).images) == ["worker"]


def test_what_differs_for_the_other_images_is_left_out_with_them() -> None:
    asked = {name: ImagePolicyConfig() for name in ("orders", "worker", "nobody")}
    written = config().model_copy(update={"policy": PolicyConfig(images=asked)})
    # What there is nothing of stays, to be told.
    assert list(narrow(written, images=["worker"]).policy.images) == ["worker", "nobody"]


def test_one_platform_leaves_out_what_is_not_built_for_it() -> None:
    found = narrow(config(), platforms=["linux/aarch64"])
    assert {name: image.platforms for name, image in found.images.items()} == {
        "orders": ("linux/arm64",)
    }


def test_the_tests_run_for_the_platforms_that_are_left_of_theirs() -> None:
    both = narrow(config("linux/amd64", "linux/arm64"), platforms=["linux/arm64"]).integration
    assert (both.enabled, both.platforms) == (True, ("linux/arm64",))
    assert narrow(config(), platforms=["linux/arm64"]).integration.platforms == ("linux/arm64",)
    assert not narrow(config("linux/amd64"), platforms=["linux/arm64"]).integration.enabled


def test_one_suite_and_the_experiments_are_one() -> None:
    api = config().integration
    hurt = FaultConfig(
        name="db-dies", service="db", fault="kill", probe="http://orders/health", expect="recovers"
    )
    both = config().model_copy(update={"integration": api.model_copy(update={"faults": (hurt,)})})
    assert narrow(both, suites=["api"]).integration == api
    only = narrow(both, suites=["faults"]).integration
    assert (only.suites, only.faults) == ((), (hurt,))
    with pytest.raises(PlanError, match="there is no test suite 'ap'") as caught:
        narrow(both, suites=["ap"])
    assert caught.value.next_step == "did you mean 'api'? known: api, faults"


def test_what_is_not_there_is_answered_with_what_was_meant() -> None:
    with pytest.raises(PlanError, match="there is no image 'order'") as caught:
        narrow(config(), images=["order"])
    assert caught.value.next_step == "did you mean 'orders'? known: orders, worker"
    with pytest.raises(PlanError, match="no image for the platform 'linux/arm64'"):
        narrow(config(), images=["worker"], platforms=["linux/arm64"])
    with pytest.raises(PlanError, match="unknown platform 'linux/amd46'"):
        narrow(config(), platforms=["linux/amd46"])

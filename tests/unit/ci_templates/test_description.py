"""What a pipeline does, as its configuration says."""

from pathlib import Path

import pytest

from keelway.ci_templates.description import Surroundings, describe
from keelway.config import CiConfig, Config, ImageConfig, ProjectConfig, ReportConfig
from keelway.errors import PlanError
from tests.support.pipelines import PLAIN, pipeline


def test_all_of_it() -> None:
    found = pipeline()
    assert found.branches == ("main", "release/*")
    assert (found.nightly, found.weekly) == ("0 2 * * *", "30 4 * * 1")
    assert found.platforms == ("linux/amd64", "linux/arm64")
    assert found.secrets.build == ("PIP_TOKEN",)
    assert found.secrets.deliver == ("REGISTRY_TOKEN", "OTHER_TOKEN")
    assert found.secrets.github_token == found.secrets.deliver[0]
    assert found.keyless
    assert [program.name for program in found.programs] == ["cosign", "k6"]
    assert found.package == "keelway[engine,tools]==1.2.3"


def test_little_of_it() -> None:
    found = pipeline(PLAIN)
    assert (found.branches, found.tags) == (("main",), ("v*",))
    assert (found.nightly, found.weekly) == (None, None)
    assert not found.keyless
    assert found.secrets.all == ()
    assert found.native_commands == (
        ("build orders", "linux/amd64", "build --platform linux/amd64 --image orders"),
    )


def test_bases_are_made_weekly_only_where_there_are_any() -> None:
    assert pipeline().weekly == "30 4 * * 1"
    assert pipeline(PLAIN.replace("nightly", "weekly")).weekly is None


def test_each_target_is_built_only_for_its_platforms() -> None:
    assert [words for _, _, words in pipeline().native_commands] == [
        "build --platform linux/amd64 --image orders",
        "build --platform linux/arm64 --image orders",
        "build --platform linux/arm64 --image worker",
        "test --platform linux/amd64",
        "test --platform linux/arm64",
    ]


def test_a_configuration_below_the_top_of_the_repository() -> None:
    found = pipeline(folder="services/shop")
    assert found.command("release") == "keelway release --config services/shop"
    assert found.report == "services/shop/.keelway"


@pytest.mark.parametrize("directory", ["../out", "a b", "/x", "$(id)", "a'b", "a\nb"])
def test_a_report_directory_that_a_shell_would_misread_is_refused(directory: str) -> None:
    config = Config(
        project=ProjectConfig(name="shop"),
        images={"orders": ImageConfig()},
        report=ReportConfig(directory=directory),
    )
    with pytest.raises(PlanError, match="can't be used in the files of a CI"):
        describe(config, Surroundings(version="1"))


@pytest.mark.parametrize(
    "wrong",
    [
        {"branches": ("main'; rm",)},
        {"branches": ("${{ x }}",)},
        {"tags": ("v*\n",)},
        {"nightly": "every night"},
        {"runners": {"linux/arm64": "a b"}},
        {"package": "keelway'; id"},
    ],
)
def test_what_would_break_out_of_a_file_is_no_value(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="String should match pattern"):
        CiConfig.model_validate(wrong)


def test_the_example_of_the_how_to_is_a_configuration() -> None:
    page = (Path(__file__).parents[3] / "docs" / "how-to" / "ci.md").read_text()
    example = page.partition("```toml\n")[2].partition("```")[0]
    found = pipeline(PLAIN.partition("[ci]")[0] + example)
    assert found.branches == ("main", "develop", "staging")
    assert found.runners == {"linux/arm64": "arm-machines"}


def test_a_package_may_be_the_checkout_itself() -> None:
    assert pipeline(PLAIN + 'package = ".[engine,tools]"').package == ".[engine,tools]"


def test_a_secret_that_is_no_variable_is_not_handed_on() -> None:
    text = PLAIN + '[[registries]]\nurl = "r.example.com/x"\nusername = "ci"\npassword = '
    assert pipeline(text + '"file://token"').secrets.all == ()
    assert pipeline(text + '"env://A B"').secrets.all == ()
    assert pipeline(text + '"env://TOKEN"').secrets.all == ("TOKEN",)


def test_who_is_told_and_who_looks_at_one_image_get_their_secrets() -> None:
    text = (
        PLAIN
        + '[scan]\nsnyk_token = "env://SNYK_TOKEN"\n'
        + '[scan.images.orders]\nsecond_opinion = ["snyk"]\n'
        + '[[notify]]\nkind = "webhook"\nurl = "env://HOOK"\nsecret = "env://HOOK_KEY"\n'
    )
    secrets = pipeline(text).secrets
    assert secrets.build == ("SNYK_TOKEN",)
    assert secrets.deliver == ("HOOK", "HOOK_KEY")

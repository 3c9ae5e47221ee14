"""[environments.NAME]: mistakes are named where they stand."""

from pathlib import Path

import pytest

from tests.unit.config.test_loader import MINIMAL, problems

STAGING = '[environments.staging]\ntags = ["staging"]\n'
TARGET = '[deploy.web]\nkind = "compose"\nfolder = "/srv/x"\nhosts = ["local"]\n'


@pytest.mark.parametrize(
    ("written", "said"),
    [
        (
            f'{STAGING}[environments.a]\ntags = ["a"]\nafter = "stagin"',
            "environments.a.after: no such environment: stagin. Did you mean 'staging'?",
        ),
        (
            f'{STAGING}after = "a"\n[environments.a]\ntags = ["a"]\nafter = "staging"',
            "environments.a.after: a would have to come before itself",
        ),
        ('[environments.a]\ntags = ["a-{sha}"]', "write {{sha}}, with two braces on each side"),
        ('[environments.a]\ntags = ["type=sah"]', "unknown type 'sah'. Did you mean 'sha'?"),
        ("[environments.a]\ntags = []", "environments.a.tags"),
        (
            f'{STAGING}{TARGET}environment = "b"',
            "deploy.web.environment: no such environment: b",
        ),
    ],
)
def test_mistakes_are_named(tmp_path: Path, written: str, said: str) -> None:
    assert said in "\n".join(problems(tmp_path, f"{MINIMAL}{written}\n"))

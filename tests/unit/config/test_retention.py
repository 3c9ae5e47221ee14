"""[retention]: mistakes are named where they stand."""

from pathlib import Path

import pytest

from tests.unit.config.test_loader import MINIMAL, problems

RULE = "[[retention.rules]]\n"


@pytest.mark.parametrize(
    ("written", "said"),
    [
        (f"{RULE}keep_last = 1", "a rule is about tags, or about an environment"),
        (f'{RULE}tags = ["a"]', "say what is kept: keep = true, or keep_last"),
        (f'{RULE}tags = ["a"]\nkeep = true\nkeep_last = 1', "say what is kept"),
        (f'{RULE}tags = ["/(/"]\nkeep = true', "is no regular expression"),
        (f'{RULE}tags = ["/a"]\nkeep = true', "an expression ends with a slash too"),
        (
            f'{RULE}environment = "live"\nkeep = true',
            "retention.rules[0].environment: no such environment: live",
        ),
        (
            f'{RULE}tags = ["a"]\nkeep = true\nimages = ["order"]',
            "retention.rules[0].images: no such image: order. Did you mean 'orders'?",
        ),
    ],
)
def test_mistakes_are_named(tmp_path: Path, written: str, said: str) -> None:
    assert said in "\n".join(problems(tmp_path, f"{MINIMAL}{written}\n"))

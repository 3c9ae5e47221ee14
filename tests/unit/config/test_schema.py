"""The JSON schema: it is valid, says what the sections say, and judges as the models do."""

import tomllib
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from keelway.config.root import Config
from keelway.config.schema import json_schema, schema_text
from keelway.model.described import field_docs, sections


def test_it_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(json_schema())
    assert schema_text().endswith("}\n")


def test_every_key_of_every_section_is_described() -> None:
    for model in sections(Config):
        assert set(field_docs(model)) == set(model.model_fields), model.__name__


@pytest.mark.parametrize(
    ("text", "valid"),
    [
        ('[project]\nname = "x"\n[images.x]\n', True),
        ('[project]\nname = "x"\n', False),
        ('[project]\nname = "x"\n[images.x]\nplatfroms = []\n', False),
        ('[project]\nname = "x"\n[images.x]\n[tags]\nlatest = true\n', True),
        ('[project]\nname = "x"\n[images.x]\n[tags]\nlatest = "no"\n', False),
        ('[project]\nname = "x"\n[images.x]\n[gate]\nseverity = "all"\n', False),
        ('[project]\nname = "x"\n[images.X]\n', False),
    ],
)
def test_it_judges_like_the_models(text: str, valid: bool) -> None:
    data: dict[str, Any] = tomllib.loads(text)
    assert jsonschema.Draft202012Validator(json_schema()).is_valid(data) is valid


def test_nothing_in_it_is_null_as_toml_has_no_null() -> None:
    assert '"null"' not in schema_text()


def test_the_sections_are_one_file_each() -> None:
    files = {Path(str(model.__module__).replace(".", "/")).name for model in sections(Config)}
    assert len(files) >= 9

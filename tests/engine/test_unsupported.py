"""What the local engine does not do is said by name; what the API lacks is a query error."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.support.raw_session import RawSession


@pytest.mark.usefixtures("local_only")
@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("{ cloud { traceURL } }", "Query.cloud"),
        ("{ llm { model } }", "Query.llm"),
        (
            '{ address(value: "sshfs://me@example.com/x") { volume { id } } }',
            "Address.volume",
        ),
        (
            "{ container { experimentalWithAllGPUs { id } } }",
            "Container.experimentalWithAllGPUs",
        ),
        ('{ host { containerImage(name: "x") { id } } }', "Host.containerImage"),
    ],
)
def test_field_that_is_not_there_yet_names_itself(raw: RawSession, query: str, field: str) -> None:
    error = raw.error(query)
    assert field in error["message"]
    assert "not supported by the local engine" in error["message"]


def test_field_that_no_engine_has_is_a_query_error(raw: RawSession) -> None:
    assert "noSuchField" in raw.error("{ container { noSuchField } }")["message"]


def test_argument_that_is_not_in_the_schema_is_refused(raw: RawSession) -> None:
    error = raw.error('{ container { withEnvVariable(name: "A", worth: "1") { id } } }')
    assert "worth" in error["message"]


def test_argument_of_a_wrong_type_is_refused(raw: RawSession) -> None:
    error = raw.error('{ container { withExposedPort(port: "eighty") { id } } }')
    assert re.search(r"(?i)\bint", error["message"])


def test_missing_argument_is_refused_by_its_name(raw: RawSession) -> None:
    assert "value" in raw.error('{ container { withEnvVariable(name: "A") { id } } }')["message"]


def test_id_of_another_kind_is_refused(raw: RawSession) -> None:
    directory = raw.data("{ directory { id } }")["directory"]["id"]
    error = raw.error(f'{{ loadContainerFromID(id: "{directory}") {{ platform }} }}')
    assert error["message"]
    error = raw.error(f'{{ host {{ tunnel(service: "{directory}") {{ id }} }} }}')
    assert error["message"]


def test_id_that_was_never_given_is_refused(raw: RawSession) -> None:
    assert raw.error('{ node(id: "nonsense") { id } }')["message"]

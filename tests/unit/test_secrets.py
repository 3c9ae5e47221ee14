"""Secrets by address: no message repeats what may be the secret itself."""

from __future__ import annotations

import pytest

from keelway._secrets import plan_secret, read_secret
from keelway._stage import Run
from keelway.errors import PlanError
from keelway.facts import Facts
from tests.support.recording import Failure, RecordingEngine

VALUE = "hunter2secretvalue"


def test_a_value_pasted_as_a_name_is_not_repeated() -> None:
    with pytest.raises(PlanError, match=r"the environment variable hun\.\.\. is not set") as caught:
        plan_secret(f"env://{VALUE}", Facts(), what="the build secret 'token'")
    assert VALUE not in caught.value.diagnostics()


def test_a_missing_variable_is_named() -> None:
    with pytest.raises(PlanError, match="NPM_TOKEN is not set") as caught:
        plan_secret("env://NPM_TOKEN", Facts(), what="the build secret 'token'")
    assert caught.value.next_step == "set NPM_TOKEN, or give the secret another source"


async def test_a_command_that_fails_is_not_repeated() -> None:
    engine = RecordingEngine()
    engine.answer("plaintext", Failure(f'failed to run secret command "echo {VALUE}"'))
    async with engine.connect() as dag:
        with pytest.raises(PlanError, match=r"cannot be read from cmd://ech\.\.\.") as caught:
            await read_secret(Run(dag), f"cmd://echo {VALUE}", stage="build", what="the secret")
    assert VALUE not in caught.value.diagnostics()


async def test_a_store_that_the_engine_does_not_read_names_the_way_out() -> None:
    engine = RecordingEngine()
    engine.answer("plaintext", Failure("secrets by op:// are not read by the local engine"))
    async with engine.connect() as dag:
        with pytest.raises(PlanError, match=r"cannot be read from op://vau\.\.\.") as caught:
            await read_secret(Run(dag), "op://vault/item/field", stage="build", what="the secret")
    assert "not read by the local engine" in (caught.value.why or "")
    assert "cmd://op read op://VAULT/ITEM/FIELD" in (caught.value.next_step or "")

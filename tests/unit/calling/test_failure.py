"""Failures of functions, as they leave a module."""

import json
import logging

import dagger
import pytest
from dagger.mod._exceptions import record_exception

from keelway.calling.failure import FunctionFailure
from keelway.errors import PlanError
from tests.support.recording import RecordingEngine

ERROR = PlanError("there is no image 'x'", next_step="name another")


async def test_the_sdk_hands_over_text_and_exit_code(monkeypatch: pytest.MonkeyPatch) -> None:
    """What Dagger's command line takes for a command's failure ends it with that exit code."""
    engine = RecordingEngine()
    engine.answer("returnError", "")
    with engine.serve():
        for name, value in engine.environment().items():
            monkeypatch.setenv(name, value)
        async with dagger.connection(dagger.Config(retry=None, timeout=None)):
            await record_exception(FunctionFailure.of(ERROR, "verify_image"))
    (returned,) = engine.asked("returnError")
    error = returned["returnError"]["error"]
    assert error["error"]["message"] == ERROR.diagnostics()
    values = {one["name"]: json.loads(one["value"]) for one in error.all("withValue")}
    assert values["_type"] == "EXEC_ERROR"
    assert (values["exitCode"], values["cmd"]) == (3, ["keelway", "verify-image"])
    assert (values["stdout"], values["stderr"]) == ("", "")


def test_tracebacks_are_logged_for_what_nobody_foresaw(caplog: pytest.LogCaptureFixture) -> None:
    logger = logging.getLogger("dagger.mod")
    for error in (FunctionFailure.of(ERROR, "plan"), LookupError("unforeseen")):
        logger.error("API error while executing function", exc_info=error)
    assert [str(record.exc_info[1]) for record in caplog.records if record.exc_info] == [
        "unforeseen"
    ]

"""YAML files of other tools: read into a model, and written in the order given."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from pydantic import BaseModel, ValidationError

from keelway.errors import ConfigError, ConfigProblem

if TYPE_CHECKING:
    from collections.abc import Mapping

ModelT = TypeVar("ModelT", bound=BaseModel)


def read_yaml(text: str, file: str, model: type[ModelT]) -> ModelT:
    """Return the model that a YAML document holds.

    Raises:
        ConfigError: It is no YAML, names the line; or not what is expected, names the key.
    """
    import yaml  # noqa: PLC0415 - only this command reads YAML

    try:
        value = yaml.safe_load(text)
        return model.model_validate({} if value is None else value)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = None if mark is None else mark.line + 1
        why = getattr(error, "problem", None) or str(error)
        problem = ConfigProblem(file=file, line=line, key="", text=f"not valid YAML: {why}")
        raise ConfigError([problem]) from error
    except ValidationError as error:
        problems = [
            ConfigProblem(
                file=file,
                line=None,
                key=".".join(str(part) for part in one["loc"]),
                text=one["msg"],
            )
            for one in error.errors()
        ]
        raise ConfigError(problems) from error


def write_yaml(value: Mapping[str, object]) -> str:
    """Return the document; it begins empty where there is nothing to write."""
    import yaml  # noqa: PLC0415 - only this command writes YAML

    # Without references to what stands twice, which few readers expect.
    class Plain(yaml.SafeDumper):
        def ignore_aliases(self, data: object) -> bool:
            del data
            return True

    return yaml.dump(value, Dumper=Plain, sort_keys=False, allow_unicode=True, width=1000)

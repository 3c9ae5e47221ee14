"""What GitLab asks of a container-scanning report (its schema 15.0.2), as a JSON schema of our own.

The rules are those of GitLab's published schema for the fields that are written here; its file is
in no package that an ordinary package index has.
"""

from __future__ import annotations

from typing import Any

_NAME = {"type": "string", "minLength": 1}
_TEXT = {"type": "string"}
_ADDRESS = {"type": "string", "pattern": "^https?://.+"}
_TIME = {"type": "string", "pattern": r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}$"}


def _object(required: dict[str, Any], **optional: Any) -> dict[str, Any]:
    # What is not known is refused: a field that nobody looked up is a mistake here.
    return {
        "type": "object",
        "required": list(required),
        "properties": {**required, **optional},
        "additionalProperties": False,
    }


_PROGRAM = _object(
    {"id": _NAME, "name": _NAME, "version": _NAME, "vendor": _object({"name": _NAME})}
)
_MESSAGE = _object({"level": {"enum": ["info", "warn", "fatal"]}, "value": _NAME})
_DETAIL = _object({"name": _NAME, "type": {"const": "text"}, "value": {"type": "string"}})
_VULNERABILITY = _object(
    {
        "id": _NAME,
        "identifiers": {
            "type": "array",
            "minItems": 1,
            "items": _object({"type": _NAME, "name": _NAME, "value": _NAME}, url=_ADDRESS),
        },
        "location": _object(
            {
                "dependency": _object(
                    {
                        "package": _object({"name": {"type": "string"}}),
                        "version": {"type": "string"},
                    }
                ),
                "operating_system": _NAME,
                "image": _NAME,
            }
        ),
    },
    name={"type": "string", "maxLength": 255},
    description={"type": "string", "maxLength": 1_048_576},
    severity={"enum": ["Info", "Unknown", "Low", "Medium", "High", "Critical"]},
    solution={"type": "string", "maxLength": 7000},
    links={"type": "array", "items": _object({"url": _ADDRESS})},
    details={"type": "object", "additionalProperties": _DETAIL},
)
FORM = _object(
    {
        "version": {"const": "15.0.2"},
        "scan": _object(
            {
                "analyzer": _PROGRAM,
                "scanner": _PROGRAM,
                "type": {"const": "container_scanning"},
                "status": {"enum": ["success", "failure"]},
                "start_time": _TIME,
                "end_time": _TIME,
            },
            messages={"type": "array", "items": _MESSAGE},
        ),
        "vulnerabilities": {"type": "array", "items": _VULNERABILITY},
    }
)

"""What GitHub documents of the requests that are sent, as JSON schemas.

https://docs.github.com/rest/deployments/deployments#create-a-deployment,
https://docs.github.com/rest/deployments/statuses#create-a-deployment-status,
https://docs.github.com/rest/commits/statuses#create-a-commit-status (2022-11-28).
"""

from __future__ import annotations

from typing import Any

_TEXT = {"type": "string"}
_DESCRIPTION = {"type": "string", "maxLength": 140}
_ADDRESS = {"type": "string", "pattern": "^https?://"}


def _form(required: list[str], properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "required": required,
        "properties": properties,
        "additionalProperties": False,
    }


DEPLOYMENT = _form(
    ["ref"],
    {
        "ref": _TEXT,
        "task": _TEXT,
        "auto_merge": {"type": "boolean"},
        "required_contexts": {"type": "array", "items": _TEXT},
        "payload": {"type": ["object", "string"]},
        "environment": {"type": "string", "maxLength": 255},
        "description": _DESCRIPTION,
        "transient_environment": {"type": "boolean"},
        "production_environment": {"type": "boolean"},
    },
)
DEPLOYMENT_STATUS = _form(
    ["state"],
    {
        "state": {
            "enum": [
                "error", "failure", "inactive", "in_progress", "queued", "pending", "success",
            ]
        },
        "target_url": _TEXT,
        "log_url": _ADDRESS,
        "description": _DESCRIPTION,
        "environment": {"type": "string", "maxLength": 255},
        "environment_url": _ADDRESS,
        "auto_inactive": {"type": "boolean"},
    },
)  # fmt: skip
COMMIT_STATUS = _form(
    ["state"],
    {
        "state": {"enum": ["error", "failure", "pending", "success"]},
        "target_url": _ADDRESS,
        "description": _DESCRIPTION,
        "context": _TEXT,
    },
)

"""The rules of the policy, by name.

Example:
    >>> RULES["base-pinned"].level
    'error'
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

Level = Literal["error", "warn", "off"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule: what it asks for, and how bad it is to break it."""

    name: str
    asks: str
    """What must be so, as one sentence."""
    level: Level = "error"
    next_step: str = ""


_ALL = (
    Rule(
        name="base-pinned",
        asks="every image from outside is named by a digest or a version",
        next_step="name it by digest (name@sha256:...), or let `keelway base` pin it",
    ),
    Rule(
        name="no-latest",
        asks="no image is taken by the tag latest",
        next_step="name a version, better a digest",
    ),
    Rule(
        name="user-not-root",
        asks="the image runs as another user than root",
        next_step="end the final stage with USER and a numeric id",
    ),
    Rule(
        name="healthcheck",
        asks="the image says how to tell that it is healthy",
        next_step="add a HEALTHCHECK to the final stage",
    ),
    Rule(
        name="no-secret-arguments",
        asks="no ARG or ENV is named like a secret",
        next_step="use RUN --mount=type=secret: arguments stay in the image's history",
    ),
    Rule(
        name="no-secret-files",
        asks="no file that is known to hold secrets is copied into an image",
        next_step="leave it out by .dockerignore, and mount it as a secret where it is needed",
    ),
    Rule(
        name="no-package-manager",
        asks="the image holds no package manager that could change it at run time",
        level="warn",
        next_step="copy what is needed into a final stage that has none",
    ),
    Rule(
        name="hadolint",
        asks="hadolint finds no error in the Dockerfile",
        level="warn",
        next_step="follow the page of the rule that it names",
    ),
    Rule(
        name="starts",
        asks="the image becomes healthy with its own user, a read-only root and no capabilities",
        next_step="read its output below; name what it must write to under policy.images",
    ),
    Rule(
        name="health-in-time",
        asks="the image is healthy within its start period and retries times interval",
        next_step="make it start faster, or declare a longer --start-period",
    ),
    Rule(
        name="health-detects",
        asks="the image's health check fails when the service is gone",
        next_step="let HEALTHCHECK ask the service itself; where it looks at something that grows "
        "old, raise start.notice_s under policy.images",
    ),
    Rule(
        name="health-stops",
        asks="the image stops within its grace period after its stop signal",
        next_step="handle the signal (a shell needs `exec` or a trap), or name another STOPSIGNAL; "
        "an init such as tini passes it on",
    ),
    Rule(
        name="budget",
        asks="the image stays within its budget of size and layers",
        next_step="look for what grew, or raise the budget",
    ),
)
RULES: Mapping[str, Rule] = {rule.name: rule for rule in _ALL}

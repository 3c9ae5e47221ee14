"""keelway releases container images with proof: build, scan, list, judge, publish, on Dagger.

Each stage is a function that can be called alone:

    import keelway as kw

    async with kw.open_session() as session:
        run = kw.Run(session.client)
        images = await kw.build(run, kw.BuildSpec(images=(kw.ImageSpec(name="orders"),)))
        findings = await kw.scan(run, kw.ScanSpec(), images)

Names are loaded when they are first used: importing keelway alone is quick, and does not import
Dagger's SDK.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from keelway._stage import Clock, Run, Stage, stage
    from keelway._together import together
    from keelway.config import Config, load_config
    from keelway.errors import (
        ConfigError,
        DeployError,
        GateError,
        KeelwayError,
        PlanError,
        PublishError,
        RollbackError,
        SessionError,
        StageError,
        ToolError,
        ToolOutputError,
    )
    from keelway.facts import Facts, gather_facts
    from keelway.flow import deliver, release, verify
    from keelway.model.events import Event, Observer
    from keelway.model.findings import Finding, Findings, ImageFindings, Kind, Severity
    from keelway.model.image import BuiltImage, Digest, Images, Reference
    from keelway.model.outcome import Skipped
    from keelway.model.platform import Platform, parse_platform
    from keelway.model.published import Delivered, Published, PublishedImage, PublishedTag
    from keelway.model.release import Report
    from keelway.model.sbom import Sbom, SbomFormat, Sboms
    from keelway.model.tool import HostTool, ImageTool, ToolVersion
    from keelway.model.verdict import Breach, Verdict, Verified
    from keelway.planning import DeliverPlan, Plan, VerifyPlan, plan_release
    from keelway.session import EngineChoice, Session, open_session
    from keelway.stages.base import BaseImage, BaseLogin, BaseSpec, BaseVariant, make_base
    from keelway.stages.build import BuildSpec, ImageSpec, SecretSpec, build
    from keelway.stages.gate import GateSpec, gate, judge
    from keelway.stages.publish import LoginSpec, PublishSpec, RegistrySpec, RetrySpec, publish
    from keelway.stages.sbom import SbomSpec, make_sboms
    from keelway.stages.scan import DatabaseDirectory, DownloadedDatabase, ScanSpec, scan

__all__ = [
    "BaseImage",
    "BaseLogin",
    "BaseSpec",
    "BaseVariant",
    "Breach",
    "BuildSpec",
    "BuiltImage",
    "Clock",
    "Config",
    "ConfigError",
    "DatabaseDirectory",
    "DeliverPlan",
    "Delivered",
    "DeployError",
    "Digest",
    "DownloadedDatabase",
    "EngineChoice",
    "Event",
    "Facts",
    "Finding",
    "Findings",
    "GateError",
    "GateSpec",
    "HostTool",
    "ImageFindings",
    "ImageSpec",
    "ImageTool",
    "Images",
    "KeelwayError",
    "Kind",
    "LoginSpec",
    "Observer",
    "Plan",
    "PlanError",
    "Platform",
    "PublishError",
    "PublishSpec",
    "Published",
    "PublishedImage",
    "PublishedTag",
    "Reference",
    "RegistrySpec",
    "Report",
    "RetrySpec",
    "RollbackError",
    "Run",
    "Sbom",
    "SbomFormat",
    "SbomSpec",
    "Sboms",
    "ScanSpec",
    "SecretSpec",
    "Session",
    "SessionError",
    "Severity",
    "Skipped",
    "Stage",
    "StageError",
    "ToolError",
    "ToolOutputError",
    "ToolVersion",
    "Verdict",
    "Verified",
    "VerifyPlan",
    "build",
    "deliver",
    "gate",
    "gather_facts",
    "judge",
    "load_config",
    "make_base",
    "make_sboms",
    "open_session",
    "parse_platform",
    "plan_release",
    "publish",
    "release",
    "scan",
    "stage",
    "together",
    "verify",
]

_PLACES = {
    "keelway._stage": ("Clock", "Run", "Stage", "stage"),
    "keelway._together": ("together",),
    "keelway.config": ("Config", "load_config"),
    "keelway.errors": (
        "ConfigError",
        "DeployError",
        "GateError",
        "KeelwayError",
        "PlanError",
        "PublishError",
        "RollbackError",
        "SessionError",
        "StageError",
        "ToolError",
        "ToolOutputError",
    ),
    "keelway.facts": ("Facts", "gather_facts"),
    "keelway.flow": ("deliver", "release", "verify"),
    "keelway.model.events": ("Event", "Observer"),
    "keelway.model.findings": ("Finding", "Findings", "ImageFindings", "Kind", "Severity"),
    "keelway.model.image": ("BuiltImage", "Digest", "Images", "Reference"),
    "keelway.model.outcome": ("Skipped",),
    "keelway.model.platform": ("Platform", "parse_platform"),
    "keelway.model.published": ("Delivered", "Published", "PublishedImage", "PublishedTag"),
    "keelway.model.release": ("Report",),
    "keelway.model.sbom": ("Sbom", "SbomFormat", "Sboms"),
    "keelway.model.tool": ("HostTool", "ImageTool", "ToolVersion"),
    "keelway.model.verdict": ("Breach", "Verdict", "Verified"),
    "keelway.planning": ("DeliverPlan", "Plan", "VerifyPlan", "plan_release"),
    "keelway.session": ("EngineChoice", "Session", "open_session"),
    "keelway.stages.base": ("BaseImage", "BaseLogin", "BaseSpec", "BaseVariant", "make_base"),
    "keelway.stages.build": ("BuildSpec", "ImageSpec", "SecretSpec", "build"),
    "keelway.stages.gate": ("GateSpec", "gate", "judge"),
    "keelway.stages.publish": ("LoginSpec", "PublishSpec", "RegistrySpec", "RetrySpec", "publish"),
    "keelway.stages.sbom": ("SbomSpec", "make_sboms"),
    "keelway.stages.scan": ("DatabaseDirectory", "DownloadedDatabase", "ScanSpec", "scan"),
}
_MODULE_OF = {name: module for module, names in _PLACES.items() for name in names}


if not TYPE_CHECKING:  # else a type checker would take every misspelt name for an object

    def __getattr__(name: str) -> object:
        """Load a public name from the module that has it."""
        module = _MODULE_OF.get(name)
        if module is None:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = getattr(import_module(module), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    """Return the public names, for completion."""
    return sorted({*globals(), *__all__})

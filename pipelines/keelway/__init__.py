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
    from keelway.changes import changed_images
    from keelway.compose.project import Project
    from keelway.config import Config, Loaded, load_config
    from keelway.errors import (
        ConfigError,
        DeployError,
        GateError,
        InconclusiveError,
        KeelwayError,
        PlanError,
        PublishError,
        RegistryError,
        RollbackError,
        SessionError,
        StageError,
        ToolError,
        ToolOutputError,
    )
    from keelway.facts import Facts, gather_facts
    from keelway.faults.spec import FaultSpec
    from keelway.flow import deliver, release, verify
    from keelway.gating.judge import judge
    from keelway.gating.rule import GateSpec, LicenseRule
    from keelway.loadtest.compared import RegressionSpec
    from keelway.loadtest.scripts import ProbeSpec, ScriptSpec
    from keelway.loadtest.spec import LoadSpec
    from keelway.model.changes import Cause, Changes, ImageChange
    from keelway.model.events import Event, Observer
    from keelway.model.evidence import (
        Attestations,
        Evidence,
        Layout,
        PredicateType,
        Signatures,
        Subject,
    )
    from keelway.model.exemption import Exemption, Scope, VexStatus
    from keelway.model.faults import FaultResult
    from keelway.model.findings import (
        Database,
        Finding,
        Findings,
        ImageFindings,
        Kind,
        OperatingSystem,
        SecondOpinion,
        Severity,
    )
    from keelway.model.image import BuiltImage, Digest, Images, Reference
    from keelway.model.load import LoadMeasure, LoadRegression, LoadReport, LoadThreshold
    from keelway.model.outcome import Skipped
    from keelway.model.platform import Platform, parse_platform
    from keelway.model.policy import (
        ImageMeasure,
        PolicyOutcome,
        PolicyReport,
        PolicyResult,
        StartMeasure,
    )
    from keelway.model.provenance import Builder, Dependency, Origin
    from keelway.model.published import Delivered, Published, PublishedImage, PublishedTag
    from keelway.model.registry import LoginSpec, RegistrySpec, RetrySpec
    from keelway.model.release import Report
    from keelway.model.sbom import Sbom, SbomFormat, Sboms
    from keelway.model.signer import KeylessSigner, KeySigner, SignerSpec
    from keelway.model.tests import CaseResult, CaseStatus, ServiceResult, SuiteResult, TestResults
    from keelway.model.tool import HostTool, ImageTool, ToolVersion
    from keelway.model.verdict import Breach, Condition, Excepted, Verdict, Verified
    from keelway.planning import DeliverPlan, Plan, VerifyPlan, known_programs, plan_release
    from keelway.policy.spec import PolicySpec
    from keelway.running import run_plan
    from keelway.scanners.grype import GrypeSpec
    from keelway.scanners.interface import Scanned, Scanner, ScannerSpec, keep_report
    from keelway.scanners.snyk import SnykSpec
    from keelway.session import EngineChoice, Session, open_session
    from keelway.stack.running import Stack
    from keelway.stack.spec import StackSpec, SuiteSpec, TestCommand
    from keelway.stages.attest import AttestSpec, attest
    from keelway.stages.base import BaseImage, BaseLogin, BaseSpec, BaseVariant, make_base
    from keelway.stages.build import BuildSpec, ImageSpec, SecretSpec, build
    from keelway.stages.gate import gate
    from keelway.stages.integration import IntegrationSpec, run_integration
    from keelway.stages.load import load
    from keelway.stages.policy import check_policy
    from keelway.stages.publish import PublishSpec, publish
    from keelway.stages.sbom import SbomSpec, make_sboms
    from keelway.stages.scan import DatabaseDirectory, DownloadedDatabase, ScanSpec, scan
    from keelway.stages.sign import SignSpec, sign

__all__ = [
    "AttestSpec",
    "Attestations",
    "BaseImage",
    "BaseLogin",
    "BaseSpec",
    "BaseVariant",
    "Breach",
    "BuildSpec",
    "Builder",
    "BuiltImage",
    "CaseResult",
    "CaseStatus",
    "Cause",
    "Changes",
    "Clock",
    "Condition",
    "Config",
    "ConfigError",
    "Database",
    "DatabaseDirectory",
    "DeliverPlan",
    "Delivered",
    "Dependency",
    "DeployError",
    "Digest",
    "DownloadedDatabase",
    "EngineChoice",
    "Event",
    "Evidence",
    "Excepted",
    "Exemption",
    "Facts",
    "FaultResult",
    "FaultSpec",
    "Finding",
    "Findings",
    "GateError",
    "GateSpec",
    "GrypeSpec",
    "HostTool",
    "ImageChange",
    "ImageFindings",
    "ImageMeasure",
    "ImageSpec",
    "ImageTool",
    "Images",
    "InconclusiveError",
    "IntegrationSpec",
    "KeelwayError",
    "KeySigner",
    "KeylessSigner",
    "Kind",
    "Layout",
    "LicenseRule",
    "LoadMeasure",
    "LoadRegression",
    "LoadReport",
    "LoadSpec",
    "LoadThreshold",
    "Loaded",
    "LoginSpec",
    "Observer",
    "OperatingSystem",
    "Origin",
    "Plan",
    "PlanError",
    "Platform",
    "PolicyOutcome",
    "PolicyReport",
    "PolicyResult",
    "PolicySpec",
    "PredicateType",
    "ProbeSpec",
    "Project",
    "PublishError",
    "PublishSpec",
    "Published",
    "PublishedImage",
    "PublishedTag",
    "Reference",
    "RegistryError",
    "RegistrySpec",
    "RegressionSpec",
    "Report",
    "RetrySpec",
    "RollbackError",
    "Run",
    "Sbom",
    "SbomFormat",
    "SbomSpec",
    "Sboms",
    "ScanSpec",
    "Scanned",
    "Scanner",
    "ScannerSpec",
    "Scope",
    "ScriptSpec",
    "SecondOpinion",
    "SecretSpec",
    "ServiceResult",
    "Session",
    "SessionError",
    "Severity",
    "SignSpec",
    "Signatures",
    "SignerSpec",
    "Skipped",
    "SnykSpec",
    "Stack",
    "StackSpec",
    "Stage",
    "StageError",
    "StartMeasure",
    "Subject",
    "SuiteResult",
    "SuiteSpec",
    "TestCommand",
    "TestResults",
    "ToolError",
    "ToolOutputError",
    "ToolVersion",
    "Verdict",
    "Verified",
    "VerifyPlan",
    "VexStatus",
    "attest",
    "build",
    "changed_images",
    "check_policy",
    "deliver",
    "gate",
    "gather_facts",
    "judge",
    "keep_report",
    "known_programs",
    "load",
    "load_config",
    "make_base",
    "make_sboms",
    "open_session",
    "parse_platform",
    "plan_release",
    "publish",
    "release",
    "run_integration",
    "run_plan",
    "scan",
    "sign",
    "stage",
    "together",
    "verify",
]

_PLACES = {
    "keelway._stage": ("Clock", "Run", "Stage", "stage"),
    "keelway._together": ("together",),
    "keelway.changes": ("changed_images",),
    "keelway.config": ("Config", "Loaded", "load_config"),
    "keelway.errors": (
        "ConfigError",
        "DeployError",
        "GateError",
        "InconclusiveError",
        "KeelwayError",
        "PlanError",
        "PublishError",
        "RegistryError",
        "RollbackError",
        "SessionError",
        "StageError",
        "ToolError",
        "ToolOutputError",
    ),
    "keelway.facts": ("Facts", "gather_facts"),
    "keelway.faults.spec": ("FaultSpec",),
    "keelway.flow": ("deliver", "release", "verify"),
    "keelway.gating.judge": ("judge",),
    "keelway.gating.rule": ("GateSpec", "LicenseRule"),
    "keelway.loadtest.compared": ("RegressionSpec",),
    "keelway.loadtest.scripts": ("ProbeSpec", "ScriptSpec"),
    "keelway.loadtest.spec": ("LoadSpec",),
    "keelway.model.changes": ("Cause", "Changes", "ImageChange"),
    "keelway.model.events": ("Event", "Observer"),
    "keelway.model.evidence": (
        "Attestations",
        "Evidence",
        "Layout",
        "PredicateType",
        "Signatures",
        "Subject",
    ),
    "keelway.model.exemption": ("Exemption", "Scope", "VexStatus"),
    "keelway.model.faults": ("FaultResult",),
    "keelway.model.findings": (
        "Database",
        "Finding",
        "Findings",
        "ImageFindings",
        "Kind",
        "OperatingSystem",
        "SecondOpinion",
        "Severity",
    ),
    "keelway.model.image": ("BuiltImage", "Digest", "Images", "Reference"),
    "keelway.model.load": ("LoadMeasure", "LoadRegression", "LoadReport", "LoadThreshold"),
    "keelway.model.outcome": ("Skipped",),
    "keelway.model.platform": ("Platform", "parse_platform"),
    "keelway.model.published": ("Delivered", "Published", "PublishedImage", "PublishedTag"),
    "keelway.model.policy": (
        "ImageMeasure",
        "PolicyOutcome",
        "PolicyReport",
        "PolicyResult",
        "StartMeasure",
    ),
    "keelway.model.provenance": ("Builder", "Dependency", "Origin"),
    "keelway.model.registry": ("LoginSpec", "RegistrySpec", "RetrySpec"),
    "keelway.model.release": ("Report",),
    "keelway.model.sbom": ("Sbom", "SbomFormat", "Sboms"),
    "keelway.model.signer": ("KeySigner", "KeylessSigner", "SignerSpec"),
    "keelway.model.tool": ("HostTool", "ImageTool", "ToolVersion"),
    "keelway.model.verdict": ("Breach", "Condition", "Excepted", "Verdict", "Verified"),
    "keelway.planning": ("DeliverPlan", "Plan", "VerifyPlan", "known_programs", "plan_release"),
    "keelway.running": ("run_plan",),
    "keelway.scanners.grype": ("GrypeSpec",),
    "keelway.scanners.interface": ("Scanned", "Scanner", "ScannerSpec", "keep_report"),
    "keelway.scanners.snyk": ("SnykSpec",),
    "keelway.model.tests": (
        "CaseResult",
        "CaseStatus",
        "ServiceResult",
        "SuiteResult",
        "TestResults",
    ),
    "keelway.stages.integration": ("IntegrationSpec", "run_integration"),
    "keelway.stack.running": ("Stack",),
    "keelway.stack.spec": ("StackSpec", "SuiteSpec", "TestCommand"),
    "keelway.compose.project": ("Project",),
    "keelway.session": ("EngineChoice", "Session", "open_session"),
    "keelway.stages.attest": ("AttestSpec", "attest"),
    "keelway.stages.base": ("BaseImage", "BaseLogin", "BaseSpec", "BaseVariant", "make_base"),
    "keelway.stages.build": ("BuildSpec", "ImageSpec", "SecretSpec", "build"),
    "keelway.stages.gate": ("gate",),
    "keelway.stages.load": ("load",),
    "keelway.policy.spec": ("PolicySpec",),
    "keelway.stages.policy": ("check_policy",),
    "keelway.stages.publish": ("PublishSpec", "publish"),
    "keelway.stages.sbom": ("SbomSpec", "make_sboms"),
    "keelway.stages.scan": ("DatabaseDirectory", "DownloadedDatabase", "ScanSpec", "scan"),
    "keelway.stages.sign": ("SignSpec", "sign"),
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

"""What the user writes, one module a section; `load_config` reads it.

Example:
    >>> config = Config(project=ProjectConfig(name="shop"), images={"orders": ImageConfig()})
    >>> config.images["orders"].platforms
    ('linux/amd64', 'linux/arm64')
"""

from keelway.config.base_image import BaseConfig
from keelway.config.cache import CacheConfig
from keelway.config.ci import CiConfig
from keelway.config.deploy import DeployTarget
from keelway.config.deploy_compose import ComposeTarget
from keelway.config.environments import DemandsConfig, EnvironmentConfig
from keelway.config.faults import FaultConfig
from keelway.config.gate import GateConfig, LicenseConfig
from keelway.config.image import BuildSecretConfig, ImageConfig
from keelway.config.integration import IntegrationConfig, SuiteConfig
from keelway.config.load import LoadConfig, ProbeConfig, RegressionConfig
from keelway.config.loader import Loaded, load_config
from keelway.config.lock import LOCK_FILE, Pin, parse_lock, render_lock
from keelway.config.policy import BudgetConfig, ImagePolicyConfig, PolicyConfig, StartConfig
from keelway.config.project import ProjectConfig
from keelway.config.registry import RegistryConfig
from keelway.config.reporting import ReportConfig
from keelway.config.retention import RetentionConfig, RetentionRule
from keelway.config.root import Config
from keelway.config.sbom import SbomConfig
from keelway.config.scan import ScanConfig
from keelway.config.sign import AttestConfig, SignConfig, VerifyConfig
from keelway.config.tagging import TagsConfig
from keelway.config.tools import ToolConfig, ToolsConfig

__all__ = [
    "LOCK_FILE",
    "AttestConfig",
    "BaseConfig",
    "BudgetConfig",
    "BuildSecretConfig",
    "CacheConfig",
    "CiConfig",
    "ComposeTarget",
    "Config",
    "DemandsConfig",
    "DeployTarget",
    "EnvironmentConfig",
    "FaultConfig",
    "GateConfig",
    "ImageConfig",
    "ImagePolicyConfig",
    "IntegrationConfig",
    "LicenseConfig",
    "LoadConfig",
    "Loaded",
    "Pin",
    "PolicyConfig",
    "ProbeConfig",
    "ProjectConfig",
    "RegistryConfig",
    "RegressionConfig",
    "ReportConfig",
    "RetentionConfig",
    "RetentionRule",
    "SbomConfig",
    "ScanConfig",
    "SignConfig",
    "StartConfig",
    "SuiteConfig",
    "TagsConfig",
    "ToolConfig",
    "ToolsConfig",
    "VerifyConfig",
    "load_config",
    "parse_lock",
    "render_lock",
]

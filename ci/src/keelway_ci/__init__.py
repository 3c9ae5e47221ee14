"""Release container images with proof: build, judge, publish, sign, attest, verify."""

from keelway_ci.main import Keelway

__all__ = ["Keelway"]

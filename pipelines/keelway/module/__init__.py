"""Release container images with proof: build, judge, publish, sign, attest, verify.

The functions are those of the command `keelway`: what is done stands in the repository's
keelway.toml. A whole release is one call, and each stage can be called alone: `build` gives an
object whose functions are the stages, and each of those gives its summary and its report files.
"""

from keelway.module.main import Keelway

__all__ = ["Keelway"]

"""The main object, from the library of the same repository."""

from keelway.module import Keelway

__all__ = ["Keelway"]

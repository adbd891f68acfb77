"""Why a version that exists cannot be used: reasons that the solver records and the explanation puts into words."""

from __future__ import annotations

from msgspec import Struct

from lockflow.index.model import Absent
from lockflow.resolve.candidates import Unusable
from lockflow.standards.markers.tree import Marker
from lockflow.standards.requirements import Requirement


class RequiresHigherPython(Struct, frozen=True):
    """A version's own Requires-Python starts above the Python of the fork."""

    requires_python: str


class NoWheelFor(Struct, frozen=True):
    """A version has no wheel for a part of the environments it is needed in, and no source distribution."""

    marker: Marker


class NoRequiredWheel(Struct, frozen=True):
    """A version has no wheel for a platform that must have one (`require-wheels`), whatever else it has."""

    target: str


class EmptySpecifier(Struct, frozen=True):
    """A version requires a set of versions that no version lies in."""

    requirement: Requirement


UnavailableReason = Unusable | Absent | RequiresHigherPython | NoWheelFor | NoRequiredWheel | EmptySpecifier

"""Why a version that exists cannot be used: reasons that the solver records and the explanation puts into words."""

from __future__ import annotations

from dataclasses import dataclass

from lockflow.index.model import Absent
from lockflow.resolve.candidates import Unusable
from lockflow.standards.markers.tree import Marker
from lockflow.standards.requirements import Requirement


@dataclass(frozen=True, slots=True)
class RequiresHigherPython:
    """A version's own Requires-Python starts above the Python of the fork."""

    requires_python: str


@dataclass(frozen=True, slots=True)
class NoWheelFor:
    """A version has no wheel for a part of the environments it is needed in, and no source distribution."""

    marker: Marker


@dataclass(frozen=True, slots=True)
class NoRequiredWheel:
    """A version has no wheel for a platform that must have one (`require-wheels`), whatever else it has."""

    target: str


@dataclass(frozen=True, slots=True)
class EmptySpecifier:
    """A version requires a set of versions that no version lies in."""

    requirement: Requirement


UnavailableReason = Unusable | Absent | RequiresHigherPython | NoWheelFor | NoRequiredWheel | EmptySpecifier

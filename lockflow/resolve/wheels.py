"""Candidates against the platforms that must have wheels (`require-wheels`): which of them a version leaves without.

A target is data: the marker of its environment, and the tags that are accepted there, libc and macOS versions
included, which no marker can tell.
"""

from __future__ import annotations

from lockflow.inputs.model import WheelTarget
from lockflow.resolve.candidates import Candidate, usable_files
from lockflow.resolve.policy import Policy
from lockflow.standards.filenames import InvalidFilename, WheelName, parse_wheel_name
from lockflow.standards.markers.tree import Marker, is_disjoint
from lockflow.standards.versions import Version


class RequiredWheels:
    """The targets of a project, with what was found out about versions so far."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._targets = policy.manifest.wheel_targets
        self._exempt = policy.settings.allow_sdist
        self._without: dict[tuple[str, str, Version], tuple[WheelTarget, ...]] = {}

    def concern(self, name: str) -> bool:
        """Whether the package must have wheels at all."""
        return bool(self._targets) and name not in self._exempt

    def gap(self, name: str, candidate: Candidate, needed: Marker) -> WheelTarget | None:
        """The first target where a candidate, needed under a marker, has no wheel; None where it has all."""
        key = name, candidate.index, candidate.version
        if key not in self._without:
            self._without[key] = self._find(name, candidate)
        return next((target for target in self._without[key] if not is_disjoint(target.marker, needed)), None)

    def _find(self, name: str, candidate: Candidate) -> tuple[WheelTarget, ...]:
        rules = self._policy.rules(name, candidate.index)
        names = []
        for file in usable_files(candidate.release, rules):
            try:
                names += [parse_wheel_name(file.filename)] if file.is_wheel else []
            except InvalidFilename:
                continue
        return tuple(target for target in self._targets if not any(_fits(wheel, target) for wheel in names))


def _fits(wheel: WheelName, target: WheelTarget) -> bool:
    return any(
        (python, abi, platform) in target.tags
        for platform in wheel.platform_tags
        for python in wheel.python_tags
        for abi in wheel.abi_tags
    )

"""Between a project's platforms and the resolver, where `require-wheels` is set: targets in, what lacks wheels out."""

from __future__ import annotations

from msgspec.structs import replace

from lockflow.errors import AnswerIsNo
from lockflow.inputs.model import WheelTarget
from lockflow.inputs.read import ReadResult
from lockflow.lock.model import Lock, Reason, Reuse, Validation
from lockflow.platforms.coverage import Policy, cover
from lockflow.platforms.model import Platform, Status
from lockflow.platforms.pythons import pythons_to_check
from lockflow.platforms.read import read_platforms
from lockflow.platforms.selection import graph_of
from lockflow.platforms.targets import wheel_targets


def targets_of(read: ReadResult) -> tuple[WheelTarget, ...]:
    """The platforms and Pythons for which versions must have wheels; none where the settings ask for none."""
    if read.manifest.settings.require_wheels == "no":
        return ()
    platforms, pythons = promised(read)
    return wheel_targets(platforms, pythons)


def promised(read: ReadResult) -> tuple[tuple[Platform, ...], tuple[str, ...]]:
    """The platforms and Pythons (full versions) that a project is locked for, and is to be checked for."""
    settings = read.manifest.settings
    platforms = tuple(defined.platform for defined in read_platforms(settings.platforms, read.root))
    return platforms, pythons_to_check(read.manifest.requires_python, settings.python_versions)


def with_lacking_wheels(validation: Validation, lock: Lock, read: ReadResult) -> Validation:
    """Add to what is wrong with a lock the packages that have no wheel where one is insisted on."""
    found = _lacking(lock, read)
    if not found:
        return validation
    reasons = tuple(
        Reason(check="require-wheels", text=f"{what}, which `require-wheels` asks for", reuse=Reuse.PREFERABLE)
        for what in found
    )
    reuse = validation.reuse if validation.reasons else Reuse.PREFERABLE
    return replace(validation, reasons=(*validation.reasons, *reasons), reuse=reuse)


def refuse_lacking_wheels(lock: Lock, read: ReadResult) -> None:
    """Raise AnswerIsNo where a new lock lacks a wheel that is insisted on.

    The resolver sees to it as far as it knows, when it decides on a version, where that will be needed.
    """
    found = _lacking(lock, read)
    if found:
        raise AnswerIsNo(
            "no versions were found that have all wheels",
            where="[tool.lockflow] require-wheels",
            why="\n".join(found),
            next="name what may be built in allow-sdist of [tool.lockflow], or limit the versions in "
            "constraint-dependencies of [tool.uv]",
        )


def _lacking(lock: Lock, read: ReadResult) -> list[str]:
    settings = read.manifest.settings
    if settings.require_wheels != "insist":
        return []
    platforms, pythons = promised(read)
    graph, policy = graph_of(lock), Policy(allow_sdist=settings.allow_sdist)
    found: dict[str, list[str]] = {}
    for platform in platforms:
        for python in pythons:
            coverage = cover(graph, platform, python, policy)
            for finding in coverage.findings:
                if finding.status in {Status.SDIST, Status.MISSING} and not finding.is_good:
                    places = found.setdefault(f"{finding.package} {finding.version}", [])
                    places.append(f"{platform.name}, Python {coverage.python}")
    return [f"{name} has no wheel for {places[0]}" for name, places in found.items()]

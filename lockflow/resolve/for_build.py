"""Build requirements to the packages that satisfy them on the running interpreter: a resolution for one environment."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Callable, Mapping, Sequence

from msgspec.structs import replace

from lockflow.errors import AnswerIsNo
from lockflow.index.model import BuildPackage, File
from lockflow.inputs.model import ForkStrategy, Manifest, Prerelease
from lockflow.inputs.model import Resolution as ResolutionMode
from lockflow.resolve.candidates import usable_files
from lockflow.resolve.drive import resolve
from lockflow.resolve.explain import explain
from lockflow.resolve.facts import IndexSource
from lockflow.resolve.policy import Policy
from lockflow.resolve.preferences import Preferences
from lockflow.resolve.resolution import Distribution
from lockflow.resolve.solve import Failure
from lockflow.standards.markers.parse import parse_marker
from lockflow.standards.markers.tree import Marker
from lockflow.standards.python_range import parse_requires_python
from lockflow.standards.requirements import Registry, Requirement, RequiresPython

_KEYS = (
    "implementation_name",
    "os_name",
    "platform_machine",
    "platform_python_implementation",
    "platform_system",
    "sys_platform",
)
"""What tells environments apart; the rest follows from it, or is of no matter to what is built."""


def this_environment() -> dict[str, str]:
    """What markers say of the running interpreter and the system below it (PEP 508)."""
    return {
        "implementation_name": sys.implementation.name,
        "os_name": os.name,
        "platform_machine": platform.machine(),
        "platform_python_implementation": platform.python_implementation(),
        "platform_system": platform.system(),
        "python_full_version": platform.python_version(),
        "sys_platform": sys.platform,
    }


def resolve_build(
    requirements: Sequence[Requirement],
    manifest: Manifest,
    environment: Mapping[str, str],
    connect: Callable[[], IndexSource],
) -> tuple[BuildPackage, ...]:
    """The newest packages that fit together here, by name. `environment` are the marker values of the interpreter.

    Indexes, cut-offs and static metadata are those of `manifest`, as are its build constraints; what it says about
    the versions of the project itself does not count. Raises AnswerIsNo where nothing fits.
    """
    text, interval = parse_requires_python(f"=={_release(environment['python_full_version'])}")
    settings = replace(
        manifest.settings,
        resolution=ResolutionMode.HIGHEST,
        prerelease=Prerelease.IF_NECESSARY,
        prerelease_package=(),
        fork_strategy=ForkStrategy.FEWEST,
    )
    wanted = Manifest(
        has_project_root=False,
        requirements=tuple(requirements),
        requires_python=RequiresPython(text=text, range=interval),
        constraints=manifest.build_constraints,
        static_metadata=manifest.static_metadata,
        environments=(marker_of(environment),),
        settings=settings,
    )
    outcome = resolve(wanted, Preferences(), connect)
    policy = Policy(wanted, Preferences())
    if isinstance(outcome, Failure):
        explanation = explain(outcome, policy)
        hints = "\n".join(explanation.hints)
        raise AnswerIsNo("no build requirements fit together", why="\n".join(explanation.reasons), next=hints)
    return tuple(_package(entry, policy) for entry in outcome.distributions)


def _package(distribution: Distribution, policy: Policy) -> BuildPackage:
    source, release, version = distribution.source, distribution.release, distribution.version
    if not isinstance(source, Registry) or source.index is None or release is None or version is None:
        raise AnswerIsNo(
            f"the build requirement {distribution.name} does not come from an index",
            why="only packages of an index are installed to build others",
            next="give static metadata for what is to be built in [[tool.uv.dependency-metadata]]",
        )
    files: Sequence[File] = usable_files(release, policy.rules(distribution.name, source.index))
    # A flat index is exempt from cut-offs, which the release does not show.
    files = files or release.files
    return BuildPackage(name=distribution.name, version=version, index=policy.index(source.index), files=tuple(files))


def _release(python_full_version: str) -> str:
    """`3.14.0` of `3.14.0rc1+`: a pre-release of Python counts as its release here."""
    digits = []
    for part in python_full_version.split(".")[:3]:
        number = ""
        for character in part:
            if not character.isdigit():
                break
            number += character
        digits.append(number or "0")
    return ".".join(digits)


def marker_of(environment: Mapping[str, str]) -> Marker:
    """The marker that holds for one interpreter alone, by its marker values."""
    python = _release(environment["python_full_version"])
    terms = [f"python_full_version == '{python}'"]
    terms += [f"{key} == '{environment[key]}'" for key in _KEYS]
    return parse_marker(" and ".join(terms))

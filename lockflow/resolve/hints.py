"""From the premises of a failure to hints: what to change so that it does not fail."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from lockflow.index.model import Absent
from lockflow.inputs.model import Prerelease
from lockflow.resolve.candidates import Unusable, VersionList
from lockflow.resolve.identity import Identity, Kind
from lockflow.resolve.policy import Policy, bound_of, lower_bound
from lockflow.resolve.pubgrub.incompatibility import DependencyCause, Incompatibility, NoVersions, Unavailable
from lockflow.resolve.solve import Failure
from lockflow.resolve.unavailable import NoRequiredWheel, NoWheelFor, RequiresHigherPython
from lockflow.standards.versions import VersionRange

Subject = Callable[[int, VersionRange], str]
"""Names an identity at a set of versions, as the explanation does."""


def hints(failure: Failure, policy: Policy, premises: Iterable[Incompatibility], subject: Subject) -> list[str]:
    """Edits to consider, each once, in the order of the premises they answer."""
    found: dict[str, None] = {}
    for premise in premises:
        cause = premise.cause
        if isinstance(cause, NoVersions):
            number, term = premise.items[0]
            hint = _hint_versions(failure, policy, failure.identities[number], term.range)
        elif isinstance(cause, Unavailable):
            number, term = premise.items[0]
            hint = _hint_reason(policy, failure.identities[number], cause.reason)
        elif isinstance(cause, DependencyCause) and failure.identities[cause.target].kind is Kind.PYTHON:
            wanting = subject(cause.package, premise.terms[cause.package].range)
            hint = _hint_bound(policy, wanting, premise.terms[cause.target].range.text)
        else:
            hint = None
        if hint is not None:
            found[hint] = None
    if not failure.state.environment.is_everything and policy.manifest.environments is None:
        found[
            "if the project does not have to run there, leave that environment out: "
            "list the ones it needs in tool.uv.environments"
        ] = None
    return list(found)


def _hint_versions(failure: Failure, policy: Policy, identity: Identity, allowed: VersionRange) -> str | None:
    if identity.kind <= Kind.PYTHON:
        return None
    name = identity.name
    environment = failure.state.environment
    lists: list[VersionList] = failure.listed.visited(name)
    early = [version for entry in lists for version in entry.within(allowed, descending=True) if version.is_prerelease]
    if early and policy.prerelease(name, environment) is Prerelease.DISALLOW:
        return (
            f"pre-releases of {name} in that range exist (such as {early[0]}) but are not enabled: "
            f'set tool.uv.prerelease to "allow", or name one in a requirement of the project'
        )
    newest = next((version for entry in lists for version in reversed(entry.versions)), None)
    if newest is not None and not allowed.is_full:
        return f"the newest version of {name} on the index is {newest}"
    return None


def _hint_reason(policy: Policy, identity: Identity, reason: object) -> str | None:
    name = identity.name
    if isinstance(reason, Absent):
        return _hint_absence(policy, name, reason)
    if isinstance(reason, Unusable):
        if reason.trouble == "yanked":
            return f"a yanked version is used only where the project itself pins it: {name}=={reason.version}"
        if reason.trouble == "no-build":
            return (
                f"{name} {reason.version} can be had only by building it: "
                f"lift no-build for {name}, or take another version"
            )
        if reason.trouble == "python-tag":
            return (
                f"{name} {reason.version} has no wheel for {policy.manifest.requires_python.text}: take another version"
            )
        return None
    if isinstance(reason, RequiresHigherPython):
        return _hint_bound(policy, f"{name}", reason.requires_python)
    if isinstance(reason, NoWheelFor):
        return (
            f"{name} has no version with a wheel for that environment in the allowed range: widen the range, leave "
            f"{name} out there with a marker, or drop the environment from tool.uv.required-environments"
        )
    if isinstance(reason, NoRequiredWheel):
        return (
            f"{name} may be built from source where it is named in allow-sdist of [tool.lockflow]; or leave it out "
            "there with a marker, or check fewer platforms or python-versions"
        )
    return None


def _hint_absence(policy: Policy, name: str, absence: Absent) -> str | None:
    if absence.kind == "not-found":
        urls = ", ".join(index.url for index in policy.settings.indexes)
        return f"{name} was looked for on {urls}: check the spelling, or add the index that has it"
    if absence.kind == "offline":
        return "run again without --offline"
    if absence.kind == "unauthorized":
        return "give credentials for the index (netrc, or UV_INDEX_<NAME>_USERNAME and _PASSWORD)"
    if absence.kind == "needs-build":
        return f"give the metadata of {name} in tool.uv.dependency-metadata, or take a version that has a wheel"
    return None


def _hint_bound(policy: Policy, subject: str, requires_python: str) -> str | None:
    bound = lower_bound(requires_python)
    if bound is None:
        return None
    own = bound_of(policy.python)
    if own is not None and own >= bound:
        return None
    release = ".".join(map(str, bound[0]))
    operator = ">" if bound[1] else ">="
    supported = policy.manifest.requires_python.text
    return (
        f"the project supports Python {supported}, which includes versions that {subject} does not: "
        f'set requires-python to "{operator}{release}", '
        f"or require it under the marker python_version {operator} '{release}'"
    )

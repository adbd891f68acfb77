"""From the premises of a failure to hints: what to change so that it does not fail."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import get_close_matches

from lockflow.index.model import Absent
from lockflow.inputs.model import IndexStrategy, Prerelease
from lockflow.resolve.candidates import Candidate, Unusable, VersionList
from lockflow.resolve.identity import Identity, Kind
from lockflow.resolve.policy import Policy, bound_of, lower_bound
from lockflow.resolve.pubgrub.incompatibility import DependencyCause, Incompatibility, NoVersions, Unavailable
from lockflow.resolve.solve import Failure
from lockflow.resolve.unavailable import NoRequiredWheel, NoWheelFor, RequiresHigherPython
from lockflow.resolve.words import Words, item_text
from lockflow.standards.markers.tree import TRUE, Marker, is_disjoint
from lockflow.standards.requirements import ConflictItem
from lockflow.standards.versions import Version, VersionRange

_FEW = 3
_PAIR = 2


def hints(failure: Failure, policy: Policy, premises: Sequence[Incompatibility], words: Words) -> list[str]:
    """Edits to consider, each once, in the order of the premises they answer."""
    found: dict[str, None] = {}
    is_about_python = False
    for premise in premises:
        cause = premise.cause
        hint = None
        if isinstance(cause, NoVersions):
            number, term = premise.items[0]
            hint = _hint_versions(failure, policy, words.identity(number), term.range)
        elif isinstance(cause, Unavailable):
            number, term = premise.items[0]
            hint = _hint_reason(failure, policy, words.identity(number), term.range, cause.reason)
        elif isinstance(cause, DependencyCause):
            target = words.identity(cause.target)
            if target.kind == Kind.PYTHON:
                wanting = words.subject(cause.package, premise.terms[cause.package].range)
                hint = _hint_bound(policy, wanting, premise.terms[cause.target].range.text)
                is_about_python = is_about_python or hint is not None
            elif not words.is_project(cause.package):
                hint = _hint_own_name(policy, target)
        if hint is not None:
            found[hint] = None
    conflict = _hint_conflict(policy, premises, words)
    if conflict is not None:
        found[conflict] = None
    if not is_about_python and failure.state.environment.marker is not TRUE and policy.manifest.environments is None:
        found[
            "if the project does not have to run there, leave that environment out: "
            "list the ones it needs in tool.uv.environments"
        ] = None
    return list(found)


def _hint_versions(failure: Failure, policy: Policy, identity: Identity, allowed: VersionRange) -> str | None:
    if identity.kind <= Kind.PYTHON:
        return None
    name = identity.name
    lists: list[VersionList] = failure.listed.visited(name)
    early = [version for entry in lists for version in entry.within(allowed, descending=True) if version.is_prerelease]
    if early and policy.prerelease(name, failure.state.environment) is Prerelease.DISALLOW:
        remedy = "let tool.uv.prerelease-package allow them"
        if policy.settings.prerelease is Prerelease.EXPLICIT:
            remedy += ", or name one in a requirement of the project"
        return f"pre-releases of {name} in that range exist (such as {early[0]}) but are not enabled: {remedy}"
    hidden = sorted(version for entry in lists for version in entry.hidden if allowed.contains(version))
    if hidden:
        versions = f"{hidden[0]}" if len(hidden) == 1 else f"{hidden[0]} to {hidden[-1]}"
        return (
            f"{name} {versions} would fit but came after the cut-off: move exclude-newer, "
            f"or name {name} in exclude-newer-package"
        )
    return _hint_shadow(policy, name, lists) or _hint_newest(name, lists, allowed)


def _hint_shadow(policy: Policy, name: str, lists: Sequence[VersionList]) -> str | None:
    """Other indexes are not asked once one knows a project, unless the settings say so."""
    if policy.settings.index_strategy is not IndexStrategy.FIRST_INDEX or not lists:
        return None
    urls = [index.url for index in policy.implicit_indexes]
    if lists[0].index not in urls:
        return None
    others = urls[urls.index(lists[0].index) + 1 :]
    if not others:
        return None
    return (
        f"{name} was taken from {lists[0].index} alone, and {', '.join(others)} not asked: name the index of {name} in "
        "tool.uv.sources, or set index-strategy"
    )


def _hint_newest(name: str, lists: Sequence[VersionList], allowed: VersionRange) -> str | None:
    versions = [version for entry in lists for version in entry.versions]
    # Of few versions the explanation lists all.
    if len(versions) <= _FEW or allowed.is_full:
        return None
    finals = [version for version in versions if not version.is_prerelease]
    newest = f"the newest version of {name} on the index is {max(finals or versions)}"
    is_later = bool(finals) and max(versions) > max(finals)
    return f"{newest}, and the newest pre-release {max(versions)}" if is_later else newest


def _hint_reason(
    failure: Failure, policy: Policy, identity: Identity, versions: VersionRange, reason: object
) -> str | None:
    name = identity.name
    if isinstance(reason, Absent):
        return _hint_absence(failure, policy, name, reason)
    if isinstance(reason, Unusable):
        if reason.trouble == "yanked":
            return f"a yanked version is used only where the project itself pins it: {name}=={reason.version}"
        if reason.trouble == "no-build":
            return (
                f"{name} can be had only by building it: lift no-build for {name}, or take a version that has a wheel"
            )
        if reason.trouble == "no-binary":
            return f"lift no-binary for {name}, or take a version that has a source distribution"
        if reason.trouble == "python-tag":
            return f"take a version of {name} that has a wheel for Python {policy.manifest.requires_python.text}"
        return None
    if isinstance(reason, RequiresHigherPython):
        return _hint_bound(policy, name, reason.requires_python)
    if isinstance(reason, NoWheelFor):
        fitting = _newest_with_wheel(failure, name, versions, reason.marker)
        remedy = (
            f"allow {name} {fitting}, the newest version that has one" if fitting else f"no version of {name} has one"
        )
        return (
            f"{remedy}; or leave {name} out there with a marker, or drop the environment from "
            "tool.uv.required-environments"
        )
    if isinstance(reason, NoRequiredWheel):
        return (
            f"{name} may be built from source where it is named in allow-sdist of [tool.lockflow]; or leave it out "
            "there with a marker, or check fewer platforms or python-versions"
        )
    return None


def _newest_with_wheel(failure: Failure, name: str, versions: VersionRange, required: Marker) -> Version | None:
    """The newest version outside those that are ruled out with a file for some of the environments."""
    for entry in failure.listed.visited(name):
        for version in entry.within(~versions, descending=True):
            judged = entry.judge(version)
            if isinstance(judged, Candidate) and not is_disjoint(judged.implied(), required):
                return version
    return None


def _hint_own_name(policy: Policy, target: Identity) -> str | None:
    member = policy.members.get(target.name)
    if member is None:
        return None
    return (
        f"{member.name} means the one in {member.path if member.path != '.' else 'this project'}, "
        f"which stands for any package of that name on an index: rename it if the other one is meant"
    )


def _hint_conflict(policy: Policy, premises: Iterable[Incompatibility], words: Words) -> str | None:
    """Two extras or groups of the project that ask for what excludes one another may be declared so."""
    items: dict[ConflictItem, None] = {}
    for premise in premises:
        if not isinstance(premise.cause, DependencyCause):
            continue
        identity = words.identity(premise.cause.package)
        if identity.name in policy.members and identity.extra is not None:
            items[ConflictItem(package=identity.name, kind="extra", name=identity.extra)] = None
        elif identity.name in policy.members and identity.group is not None:
            items[ConflictItem(package=identity.name, kind="group", name=identity.group)] = None
    if len(items) != _PAIR or any(items.keys() <= set(declared) for declared in policy.conflicts):
        return None
    first, second = map(item_text, items)
    return f"if {first} and {second} are never installed together, say so in tool.uv.conflicts"


def _hint_absence(failure: Failure, policy: Policy, name: str, absence: Absent) -> str | None:
    if absence.kind == "not-found":
        urls = ", ".join(index.url for index in policy.settings.indexes)
        known = [identity.name for identity in failure.identities.identities if identity.name != name]
        close = get_close_matches(name, known, n=1)
        guess = f"did you mean {close[0]}? " if close else ""
        return f"{guess}{name} was looked for on {urls}: check the spelling, or add the index that has it"
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
        f"the project supports Python {supported}, {subject} only {operator}{release}: "
        f'set requires-python to "{operator}{release}", '
        f"or require it under the marker python_version {operator} '{release}'"
    )

"""A bad finding to what helps its reader: who requires the package, which versions would do, which edit mends it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from msgspec.structs import replace

from lockflow.index.model import File, Listing
from lockflow.lock.model import Lock, Package
from lockflow.platforms.chains import Chains
from lockflow.platforms.coverage import Policy, best_wheel, fitting_platform, floor_above, wheels_of
from lockflow.platforms.environment import environment
from lockflow.platforms.model import ChainLink, Coverage, Edit, Finding, Platform, Status, file_stem
from lockflow.platforms.pythons import minor_of
from lockflow.platforms.selection import Graph
from lockflow.standards.filenames import InvalidFilename, WheelName, parse_wheel_name
from lockflow.standards.markers.evaluate import Environment, evaluate
from lockflow.standards.markers.render import render
from lockflow.standards.markers.simplify import only_keys, without_extras
from lockflow.standards.markers.tree import FALSE, Marker, is_disjoint, string_equals
from lockflow.standards.specifiers import InvalidSpecifier, Specifiers
from lockflow.standards.tags import implied_marker
from lockflow.standards.versions import InvalidVersion, Version

_SYSTEM = frozenset(("sys_platform", "platform_machine"))

Advice = tuple[str, Edit | None]
"""What would help, in words, and as an edit where it is one."""
Places = tuple[tuple[Platform, str], ...]
"""Platforms and full versions of Python."""


def with_advice(coverage: Coverage, graph: Graph, platform: Platform, python: str, policy: Policy) -> Coverage:
    """Give each bad finding of `coverage` its chain and its advice; good ones stay as they are."""
    if all(finding.is_good for finding in coverage.findings):
        return coverage
    values = environment(platform, python)
    chains = Chains(graph, values)
    packages = {(package.name, package.version): package for package in reversed(graph.lock.packages)}
    ways = _ways(graph, values)
    findings = []
    for finding in coverage.findings:
        if finding.is_good:
            findings.append(finding)
            continue
        chain = chains.to(finding.package, finding.version)
        package = packages[finding.package, finding.version]
        found = _advice(finding, package, chain, graph.lock, ways[package.name], platform, values, policy)
        # What can be applied comes first, with its edit at the same place.
        advice = sorted(found, key=lambda entry: entry[1] is None)
        edits = tuple(edit for _, edit in advice if edit is not None)
        findings.append(replace(finding, chain=chain, advice=tuple(text for text, _ in advice), edits=edits))
    return replace(coverage, findings=tuple(findings))


def suitable_versions(listing: Listing, platform: Platform, python: str) -> tuple[Version, ...]:
    """List the versions with a wheel for `platform` and `python` (a full version), newest first.

    Yanked files and files whose Requires-Python excludes `python` do not count.
    """
    return tuple(
        release.version
        for release in reversed(listing.releases)
        if best_wheel(_usable(release.files, python), platform, python) is not None
    )


def _usable(files: Iterable[File], python: str) -> list[tuple[str, WheelName]]:
    usable = []
    for file in files:
        # An empty reason is a reason: `yanked` is False for "not yanked".
        if not file.is_wheel or file.yanked is not False or not _admits(file.requires_python, python):
            continue
        try:
            usable.append((file.filename, parse_wheel_name(file.filename)))
        except InvalidFilename:
            continue
    return usable


def _admits(requires_python: str | None, python: str) -> bool:
    if requires_python is None:
        return True
    try:
        return Specifiers.parse(requires_python).range.contains(Version.parse(python))
    except (InvalidSpecifier, InvalidVersion):
        return True


def _advice(
    finding: Finding,
    package: Package,
    chain: tuple[ChainLink, ...],
    lock: Lock,
    ways: int,
    platform: Platform,
    values: Environment,
    policy: Policy,
) -> tuple[Advice, ...]:
    python = values["python_full_version"]
    if finding.status is Status.PYTHON:
        return _python_advice(finding, lock, policy)
    names = [name for _, name in wheels_of(package)]
    advice: list[Advice] = []
    listing = policy.listings.get(finding.package)
    suitable = () if listing is None else suitable_versions(listing, platform, python)
    versions = _others(suitable, package.version)
    target = f"{platform.name}, Python {minor_of(python)}"
    if listing is not None and versions:
        advice.append(_constraint(package, listing, versions, target, policy.places.get(package.name, ())))
    elif suitable and suitable[0] != package.version:
        text = f'only the pre-release {suitable[0]} has a wheel for {target}: "{package.name}>={suitable[0]}" allows it'
        advice.append((text, None))
    elif listing is not None:
        advice.append((f"no other version of {package.name} on the index has a wheel for {target}", None))
    advice.extend(_index_advice(finding, chain, platform, python, policy))
    advice.extend((text, None) for text in _floor_advice(names, platform))
    if fitting_platform(names, platform):
        text = (
            f"if Python {minor_of(python)} need not be supported yet: leave it out of python-versions in "
            "[tool.lockflow], or let requires-python end before it"
        )
        advice.append((text, None))
    elif platform.libc is not None and platform.libc.name == "musl":
        text = "no marker can tell musl from glibc: build this image on a glibc base, or replace the package"
        advice.append((text, None))
    else:
        can_exist = listing is None or bool(versions)
        advice.extend(_marker_advice(finding, package, names, chain, platform, can_exist=can_exist, ways=ways))
    if finding.status is Status.SDIST:
        edit = Edit(kind="allow-sdist", package=package.name, value=package.name)
        advice.append((f'allow the build: add "{package.name}" to allow-sdist in [tool.lockflow]', edit))
    return tuple(advice)


def _others(versions: Iterable[Version], locked: Version | None) -> tuple[Version, ...]:
    """Leave out the locked version, and pre-releases unless one is locked."""
    with_pre = locked is not None and locked.is_prerelease
    return tuple(version for version in versions if version != locked and (with_pre or not version.is_prerelease))


def _constraint(
    package: Package, listing: Listing, versions: tuple[Version, ...], target: str, places: Places
) -> Advice:
    """The newest version with a wheel at all places, or, where there is none, at this one."""
    common = next((version for version in versions if _serves(listing, version, places)), None)
    newest = versions[0] if common is None else common
    operator = ">=" if package.version is not None and newest > package.version else "<="
    value = f"{package.name}{operator}{newest}"
    where = f"{target}, and wherever else it is needed" if common is not None and len(places) > 1 else target
    text = f'add "{value}" to constraint-dependencies in [tool.uv]: '
    text += f"{newest} is the newest version with a wheel for {where}"
    return text, Edit(kind="constraint", package=package.name, value=value)


def _serves(listing: Listing, version: Version, places: Places) -> bool:
    files = next(release.files for release in listing.releases if release.version == version)
    return all(best_wheel(_usable(files, python), platform, python) is not None for platform, python in places)


def _index_advice(
    finding: Finding, chain: tuple[ChainLink, ...], platform: Platform, python: str, policy: Policy
) -> Iterable[Advice]:
    """Another index of the project that has a wheel, for a direct dependency: a source is that of one project."""
    for name, listing in policy.elsewhere.get(finding.package, ()):
        versions = suitable_versions(listing, platform, python)
        if not versions:
            continue
        if len(chain) != 2:
            yield f"the index {name} has {versions[0]} with a wheel there: see [tool.uv.sources]", None
            continue
        there = render(_here(platform)) or ""
        value = f'{{ index = "{name}", marker = "{there}" }}'
        text = f"take it from the index {name}, which has {versions[0]} with a wheel there: "
        text += f"write {finding.package} = {value} in [tool.uv.sources]"
        yield text, Edit(kind="index", package=finding.package, value=value, owner=chain[0].name)


def _floor_advice(names: list[WheelName], platform: Platform) -> Iterable[str]:
    floor = floor_above(names, platform)
    if floor:
        kind, version = floor.split(" ")
        yield (
            f'if every machine has {floor} or newer, say {kind.lower()} = "{version}" in '
            f"platforms/{file_stem(platform.name)}.toml of the project"
        )


def _marker_advice(
    finding: Finding,
    package: Package,
    names: list[WheelName],
    chain: tuple[ChainLink, ...],
    platform: Platform,
    *,
    can_exist: bool,
    ways: int,
) -> Iterable[Advice]:
    here = _here(platform)
    covered = FALSE
    for name in names:
        covered |= implied_marker(name)
    # The resolver is content with one wheel that overlaps the environment, so that a missing Python does not move it.
    if finding.status is Status.MISSING and can_exist and is_disjoint(covered, here):
        there = render(here) or ""
        text = (
            f'add "{there}" to required-environments in [tool.uv]: the resolver then looks for a version with a '
            "wheel there"
        )
        yield text, Edit(kind="required-environment", package=package.name, value=there)
    words, condition = _left_out(finding, covered, here)
    if len(chain) == 2:
        place = f" in {chain[1].via}" if chain[1].via else ""
        text = f'{words}: add the marker "{condition}" to "{package.name}"{place}'
        owner, via = chain[0].name, chain[1].via
        yield text, Edit(kind="marker", package=package.name, value=condition, owner=owner, via=via)
    value = f"{package.name}=={_text(package.version)} ; {condition}"
    if len(chain) == 2 and ways > 1:
        text = f'others require it too: add "{value}" to override-dependencies in [tool.uv], which goes for all of them'
        yield text, Edit(kind="override", package=package.name, value=value)
    elif len(chain) > 2:
        place = f" in {chain[1].via}" if chain[1].via else ""
        text = (
            f'{words}: add "{value}" to override-dependencies in [tool.uv], or that marker to '
            f'"{chain[1].name}"{place}, which brings it in'
        )
        yield text, Edit(kind="override", package=package.name, value=value)


def _here(platform: Platform) -> Marker:
    return string_equals("sys_platform", platform.system) & string_equals("platform_machine", platform.machine)


def _ways(graph: Graph, values: Environment) -> Counter[str]:
    """How many packages, extras and groups require a package there, whether or not they are required themselves."""
    ways: Counter[str] = Counter()
    for links in graph.links.values():
        here = {link.target.package for link in links if evaluate(without_extras(link.marker), values)}
        ways.update({graph.lock.packages[index].name for index in here})
    return ways


def _left_out(finding: Finding, covered: Marker, here: Marker) -> tuple[str, str]:
    """The condition that leaves a package out of a platform, with words for it.

    Where its wheels are for one kind of system, to name that mends all platforms at once.
    """
    systems = only_keys(covered, _SYSTEM)
    if finding.status is Status.MISSING and is_disjoint(systems, here):
        named = render(systems) or ""
        if systems is not FALSE and " or " not in named:
            return "ask for it only where it has wheels", named
    return "leave it out there", render(~here) or ""


def _python_advice(finding: Finding, lock: Lock, policy: Policy) -> tuple[Advice, ...]:
    if finding.version is None:
        return ()
    try:
        project = Specifiers.parse(lock.requires_python.text).range
        package = Specifiers.parse(policy.requires_python[finding.package, finding.version]).range
    except InvalidSpecifier:
        return ()
    both = project & package
    if both.is_empty:
        return ((f"replace {finding.package}: no Python fits both it and the project", None),)
    text = both.text
    if " | " in text:
        text = f"{lock.requires_python.text},{policy.requires_python[finding.package, finding.version]}"
    edit = Edit(kind="requires-python", package=finding.package, value=text)
    return ((f'set requires-python = "{text}", which is what the locked {finding.package} supports', edit),)


def _text(version: Version | None) -> str:
    return "" if version is None else str(version)

"""Entries of a lock to a CycloneDX 1.6 bill of materials, with the library of that standard.

The same lock gives the same bytes: neither a time nor a random serial number is in it.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence

from cyclonedx.model import HashAlgorithm, HashType, Property
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.dependency import Dependency
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

from lockflow.lock.encode import source_text
from lockflow.lock.export.model import Entry
from lockflow.lock.export.requirements import hashes
from lockflow.lock.model import Package
from lockflow.standards.markers.render import render
from lockflow.standards.requirements import Registry
from lockflow.views import View

_ALGORITHMS = {
    "md5": HashAlgorithm.MD5,
    "sha256": HashAlgorithm.SHA_256,
    "sha384": HashAlgorithm.SHA_384,
    "sha512": HashAlgorithm.SHA_512,
}


def as_cyclonedx(seen: View, entries: Sequence[Entry]) -> str:
    """Return the bill of materials as JSON; projects are libraries like all else, the one at hand is its subject."""
    bom = Bom()
    root = next((member.name for member in seen.read.manifest.members if member.path == "."), seen.read.root.name)
    version = next((str(package.version) for package in seen.lock.packages if package.name == root), "")
    subject = Component(type=ComponentType.APPLICATION, name=root, version=version, bom_ref=f"project:{root}")
    bom.metadata.component = subject
    references = {}
    for entry in entries:
        package = entry.package
        if package.name == root:
            references[_identity(package)] = subject.bom_ref
            continue
        component = _component(entry)
        bom.components.add(component)
        references[_identity(package)] = component.bom_ref
    for entry in entries:
        package = entry.package
        wanted = [*package.dependencies, *(item for _, items in package.optional_dependencies for item in items)]
        wanted += [item for _, items in package.dev_dependencies for item in items] if package.name == root else []
        onward = {(item.name, item.version, item.source) for item in wanted} & references.keys()
        bom.dependencies.add(
            Dependency(
                ref=references[_identity(package)],
                dependencies=[Dependency(ref=references[identity]) for identity in onward],
            )
        )
    return _reproducible(JsonV1Dot6(bom).output_as_string())


def _reproducible(text: str) -> str:
    """Leave out the time of the run, and let the serial number follow from the content."""
    data = json.loads(text)
    data["metadata"].pop("timestamp", None)
    data.pop("serialNumber", None)
    serial = uuid.uuid5(uuid.NAMESPACE_URL, json.dumps(data, sort_keys=True))
    return json.dumps({"serialNumber": f"urn:uuid:{serial}", **data}, indent=2, sort_keys=True) + "\n"


def _component(entry: Entry) -> Component:
    package = entry.package
    marker = render(entry.marker)
    properties = [Property(name="lockflow:source", value=source_text(package.source))]
    if marker is not None:
        properties.append(Property(name="lockflow:marker", value=marker))
    version = str(package.version or "")
    purl = PackageURL(type="pypi", name=package.name, version=version) if _is_listed(package) else None
    return Component(
        type=ComponentType.LIBRARY,
        name=package.name,
        version=version,
        bom_ref=f"{package.name}@{version}|{source_text(package.source)}",
        purl=purl,
        hashes=_hashes(package),
        properties=properties,
    )


def _hashes(package: Package) -> list[HashType]:
    """A component has one hash of a kind: that of its only file, else none rather than a wrong one."""
    found = [text.partition(":") for text in hashes(package)]
    if len(found) != 1 or found[0][0] not in _ALGORITHMS:
        return []
    return [HashType(alg=_ALGORITHMS[found[0][0]], content=found[0][2])]


def _is_listed(package: Package) -> bool:
    return isinstance(package.source, Registry)


def _identity(package: Package) -> tuple[object, ...]:
    return (package.name, package.version, package.source)

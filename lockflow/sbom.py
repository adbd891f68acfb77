"""Entries of a lock to a CycloneDX 1.6 bill of materials, with the library of that standard.

The same lock gives the same bytes: neither a time nor a random serial number is in it.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence

from cyclonedx.model import ExternalReference, ExternalReferenceType, HashAlgorithm, HashType, Property, XsUri
from cyclonedx.model.bom import Bom
from cyclonedx.model.bom_ref import BomRef
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.dependency import Dependency
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

from lockflow.lock.encode import source_text
from lockflow.lock.export.model import Entry
from lockflow.lock.export.requirements import hashes
from lockflow.lock.model import Lock, Package
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
    references: dict[tuple[object, ...], str] = {}
    for entry in entries:
        package = entry.package
        if package.name == root:
            references[_identity(package)] = subject.bom_ref.value or ""
            continue
        component = _component(entry)
        bom.components.add(component)
        references[_identity(package)] = component.bom_ref.value or ""
    edges = {references[_identity(entry.package)]: _required(entry.package, root) for entry in entries}
    if subject.bom_ref.value not in edges:
        edges[subject.bom_ref.value or ""] = _of_subject(seen.lock, root, entries)
    for reference, wanted in edges.items():
        onward = [Dependency(ref=BomRef(references[identity])) for identity in wanted if identity in references]
        bom.dependencies.add(Dependency(ref=BomRef(reference), dependencies=onward))
    return _reproducible(JsonV1Dot6(bom).output_as_string())


def _required(package: Package, root: str) -> set[tuple[object, ...]]:
    wanted = [*package.dependencies, *(item for _, items in package.optional_dependencies for item in items)]
    wanted += [item for _, items in package.dev_dependencies for item in items] if package.name == root else []
    return {(item.name, item.version, item.source) for item in wanted}


def _of_subject(lock: Lock, root: str, entries: Sequence[Entry]) -> set[tuple[object, ...]]:
    """What the subject requires where it is none of the entries; of a script, what nothing else requires."""
    project = next((package for package in lock.packages if package.name == root), None)
    if project is not None:
        return _required(project, root)
    others = {identity for entry in entries for identity in _required(entry.package, root)}
    return {_identity(entry.package) for entry in entries} - others


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
        external_references=_files(package),
        properties=properties,
    )


def _files(package: Package) -> list[ExternalReference]:
    """The files of which an installer takes one, each with its hash."""
    files = (*package.wheels, *(() if package.sdist is None else (package.sdist,)))
    return [
        ExternalReference(type=ExternalReferenceType.DISTRIBUTION, url=XsUri(file.url), hashes=_as_hashes([file.hash]))
        for file in files
        if file.url is not None
    ]


def _hashes(package: Package) -> list[HashType]:
    """A component has one hash of a kind: that of its only file, else none rather than a wrong one."""
    return _as_hashes(hashes(package)) if len(hashes(package)) == 1 else []


def _as_hashes(texts: Sequence[str | None]) -> list[HashType]:
    found = [text.partition(":") for text in texts if text is not None]
    return [HashType(alg=_ALGORITHMS[name], content=digest) for name, _, digest in found if name in _ALGORITHMS]


def _is_listed(package: Package) -> bool:
    return isinstance(package.source, Registry)


def _identity(package: Package) -> tuple[object, ...]:
    return (package.name, package.version, package.source)

"""What is read of each golden project agrees with what the reference tool wrote of its inputs into the lock."""

from __future__ import annotations

import time
import tomllib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from lockflow.inputs.canonical import canonical_inputs
from lockflow.inputs.model import Cutoff, Group, Manifest, Member, SettingsOverrides
from lockflow.inputs.read import ReadResult, read_manifest
from lockflow.standards.markers.render import render
from lockflow.standards.markers.simplify import simplify_python
from lockflow.standards.markers.tree import Marker
from support.golden import case_names, load_case
from support.index_content import PUBLIC
from support.manifests import DEFAULT_INDEX, NOW_NS, as_lock_entries, sorted_entries


@pytest.fixture(params=case_names())
def case(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[ReadResult, dict[str, Any]]:
    monkeypatch.setenv("TZ", "UTC")  # the golden locks were made there, and dates are local
    time.tzset()
    golden = load_case(request.param)
    try:
        folder = golden.copy_project(tmp_path, PUBLIC)
    except OSError:
        pytest.skip("the file system cannot hold the project's names")
    result = read_manifest(
        folder,
        SettingsOverrides(),
        {"UV_NO_SYSTEM_CONFIG": "1"},
        now_ns=NOW_NS,
        default_index=DEFAULT_INDEX,
        script=Path("s.py") if "--script" in golden.args else None,
        interpreter_minor=(3, 11),
    )
    assert result.lock_path == (folder / golden.lock).absolute()
    return result, tomllib.loads(golden.expected)


def test_the_inputs_of_a_golden_lock_are_read_as_the_lock_records_them(
    case: tuple[ReadResult, dict[str, Any]], request: pytest.FixtureRequest
) -> None:
    result, lock = case
    manifest = result.manifest
    assert manifest.requires_python.text == lock["requires-python"]
    without_metadata = "lock-without-metadata" in request.node.name
    packages = {(entry["name"], *source_of(entry)): entry for entry in lock.get("package", ())}
    for member in manifest.members:
        entry = packages[member.name, member.install, member.path]
        assert member.version is None or member.version.text == entry["version"]
        assert default_groups(member) == entry.get("default-groups")
        assert group_pythons(member.groups) == entry.get("group-requires-python", {})
        if not without_metadata:
            metadata = entry.get("metadata", {})
            assert as_lock_entries(member.requires_dist) == sorted_entries(metadata.get("requires-dist", []))
            assert list(member.provides_extras) == metadata.get("provides-extras", [])
            assert groups(member.groups) == sorted_groups(metadata.get("requires-dev", {}))
    check_tables(manifest, lock)


def source_of(entry: dict[str, Any]) -> tuple[str, str]:
    kind, value = next(iter(entry["source"].items()))
    return kind, value


def groups(found: tuple[Group, ...]) -> dict[str, list[dict[str, Any]]]:
    return {group.name: as_lock_entries(group.requirements) for group in found}


def sorted_groups(table: dict[str, list[dict[str, Any]]]) -> dict[str, list[dict[str, Any]]]:
    return {name: sorted_entries(entries) for name, entries in table.items()}


def group_pythons(found: tuple[Group, ...]) -> dict[str, str]:
    return {group.name: group.requires_python for group in found if group.requires_python is not None}


def default_groups(holder: Member | Manifest) -> list[str] | str | None:
    value = holder.default_groups
    if value is None or value == ("dev",):
        return None
    return "all" if value == "all" else sorted(value)


def check_tables(manifest: Manifest, lock: dict[str, Any]) -> None:
    table = lock.get("manifest", {})
    assert as_lock_entries(manifest.requirements) == sorted_entries(table.get("requirements", []))
    assert as_lock_entries(manifest.constraints) == sorted_entries(table.get("constraints", []))
    assert as_lock_entries(manifest.build_constraints) == sorted_entries(table.get("build-constraints", []))
    assert groups(manifest.groups) == sorted_groups(table.get("dependency-groups", {}))
    assert group_pythons(manifest.groups) == table.get("group-requires-python", {})
    assert default_groups(manifest) == table.get("default-groups")
    if len(manifest.members) > 1 or (manifest.members and not manifest.has_project_root):
        assert [member.name for member in manifest.members] == table["members"]
    else:
        assert "members" not in table
    check_overrides(manifest, table)
    check_options(manifest, lock.get("options", {}))
    conflicts = [
        [{"package": item.package} | ({item.kind: item.name} if item.name else {}) for item in items]
        for items in manifest.conflicts
    ]
    assert conflicts == lock.get("conflicts", [])
    assert markers(manifest, manifest.environments) == lock.get("supported-markers", [])
    assert markers(manifest, manifest.required_environments) == lock.get("required-markers", [])


def markers(manifest: Manifest, found: tuple[Marker, ...] | None) -> list[str | None]:
    return [render(simplify_python(marker, manifest.requires_python.range)) for marker in found or ()]


def check_overrides(manifest: Manifest, table: dict[str, Any]) -> None:
    plain = tuple(override.requirements[0] for override in manifest.overrides if override.scope is None)
    scoped = {
        (override.scope.name, str(override.scope.version)): as_lock_entries(override.requirements)
        for override in manifest.overrides
        if override.scope is not None
    }
    expected = table.get("overrides", [])
    assert as_lock_entries(plain) == sorted_entries([entry for entry in expected if "package" not in entry])
    assert scoped == {
        (entry["package"]["name"], str(entry["package"].get("version"))): sorted_entries(entry["dependencies"])
        for entry in expected
        if "package" in entry
    }
    excludes = [
        exclusion.names[0]
        if exclusion.scope is None
        else (exclusion.scope.name, str(exclusion.scope.version), list(exclusion.names))
        for exclusion in manifest.exclusions
    ]
    recorded = [
        entry
        if isinstance(entry, str)
        else (entry["package"]["name"], str(entry["package"].get("version")), entry["dependencies"])
        for entry in table.get("excludes", [])
    ]
    assert sorted(map(str, excludes)) == sorted(map(str, recorded))
    metadata = table.get("dependency-metadata", [])
    assert sorted((entry.name, str(entry.version)) for entry in manifest.static_metadata) == sorted(
        (entry["name"], str(entry.get("version"))) for entry in metadata
    )


def check_options(manifest: Manifest, options: dict[str, Any]) -> None:
    settings = manifest.settings
    assert settings.resolution.value == options.get("resolution-mode", "highest")
    assert settings.prerelease.value == options.get("prerelease-mode", "if-necessary")
    assert settings.fork_strategy.value == options.get("fork-strategy", "requires-python")
    assert {name: mode.value for name, mode in settings.prerelease_package} == options.get("prerelease-package", {})
    recorded = {key: options[key] for key in ("exclude-newer", "exclude-newer-span") if key in options}
    expected = recorded.get("exclude-newer-span", recorded.get("exclude-newer"))
    assert (None if settings.cutoff is None else moment(settings.cutoff)) == expected
    packages = {name: cutoff and moment(cutoff) for name, cutoff in settings.cutoff_package}
    assert packages == {
        name: value["span"] if isinstance(value, dict) else value
        for name, value in options.get("exclude-newer-package", {}).items()
    }


def moment(cutoff: Cutoff) -> str:
    """The span, or the time as a lock prints it."""
    if cutoff.span is not None:
        return cutoff.span
    seconds, rest = divmod(cutoff.timestamp_ns, 1_000_000_000)
    fraction = f".{rest:09d}".rstrip("0") if rest else ""
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}{fraction}Z"


def test_reading_a_golden_project_twice_gives_the_same_canonical_text(
    case: tuple[ReadResult, dict[str, Any]],
) -> None:
    result, _ = case
    text = canonical_inputs(result.manifest)
    assert text.startswith(b"{")
    assert text.endswith(b"}\n")
    assert str(result.root).encode() not in text

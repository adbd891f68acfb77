"""Write a Lock as uv.lock has it, byte for byte (version 1; layout of uv 0.13).

Nothing is decided here: order, markers and what is left out are in the Lock already. Only names that are unique in
the lock lose `version` and `source` on edges, because the text says it so.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Literal, assert_never
from urllib.parse import quote_plus

from lockflow.inputs.model import Exclusion, ForkStrategy, Override, Prerelease, Resolution, Scope, StaticMetadata
from lockflow.lock.model import Dependency, Lock, LockedCutoff, LockedFile, LockManifest, Options, Package
from lockflow.standards.markers.render import render
from lockflow.standards.markers.simplify import simplify_python
from lockflow.standards.markers.tree import Marker
from lockflow.standards.requirements import (
    Archive,
    ConflictItem,
    Directory,
    Git,
    LocalFile,
    Registry,
    Requirement,
    Source,
)
from lockflow.standards.specifiers import Specifiers

_ForkTexts = Callable[[Iterable[Marker]], list[str]]

DUMMY_TIMESTAMP = "0001-01-01T00:00:00Z"
"""Stands where a relative cut-off used to have its computed time."""
SPAN_COMMENT = (
    " # This has no effect and is included for backwards compatibility when using relative exclude-newer values."
)


def encode(lock: Lock) -> str:
    """Return the text of uv.lock. Takes some 5 µs per package, edge and file."""
    lines = [f"version = {lock.version}"]
    if lock.revision:
        lines.append(f"revision = {lock.revision}")
    lines.append(f"requires-python = {quote(lock.requires_python.text)}")
    python = lock.requires_python.range

    def fork_texts(markers: Iterable[Marker]) -> list[str]:
        texts = (render(simplify_python(marker, python)) for marker in markers)
        return [quote(text) for text in texts if text is not None]

    if forks := fork_texts(fork.full for fork in lock.fork_markers):
        _block(lines, "resolution-markers", forks)
    if lock.supported_environments is not None:
        _block(lines, "supported-markers", fork_texts(lock.supported_environments))
    if lock.required_environments is not None:
        _block(lines, "required-markers", fork_texts(lock.required_environments))
    if lock.conflicts:
        _conflicts(lines, lock.conflicts)
    _options(lines, lock.options)
    _manifest(lines, lock.manifest)
    counts = Counter(package.name for package in lock.packages)
    ambiguous = {name for name, count in counts.items() if count > 1}
    for package in lock.packages:
        _package(lines, package, ambiguous, fork_texts)
    lines.append("")
    return "\n".join(lines)


# The layout of TOML -----------------------------------------------------------------------------------------------

_AWKWARD = re.compile(r'["\\\x00-\x1f\x7f]')
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_SHORT_ESCAPES = {"\t": "\\t", "\b": "\\b", "\n": "\\n", "\f": "\\f", "\r": "\\r", '"': '\\"', "\\": "\\\\"}


def quote(text: str) -> str:
    """Return `text` as a TOML string, in the first of five forms that fits."""
    return f'"{text}"' if _AWKWARD.search(text) is None else _quote_awkward(text)


def _quote_awkward(text: str) -> str:
    if _CONTROL.search(text) is None:
        if "'" not in text:
            return f"'{text}'"
        if "\\" not in text and '"""' not in text:
            return f'"""{text}"""'
        if "'''" not in text:
            return f"'''{text}'''"
    return '"' + "".join(_escape(character) for character in text) + '"'


def _escape(character: str) -> str:
    if character in _SHORT_ESCAPES:
        return _SHORT_ESCAPES[character]
    return f"\\u{ord(character):04X}" if _CONTROL.match(character) else character


def _key(name: str) -> str:
    return name if _BARE_KEY.fullmatch(name) else quote(name)


def _inline(values: Iterable[str]) -> str:
    return f"[{', '.join(values)}]"


def _strings(texts: Iterable[str]) -> str:
    return _inline(map(quote, texts))


def _block(lines: list[str], key: str, values: Sequence[str]) -> None:
    """One element a line, whatever their number; without any, two lines."""
    lines.append(f"{key} = [")
    lines.extend([f"    {value}," for value in values])
    lines.append("]")


def _compact(lines: list[str], key: str, values: Sequence[str]) -> None:
    """On one line up to one element."""
    if len(values) > 1:
        _block(lines, key, values)
    else:
        lines.append(f"{key} = {_inline(values)}")


# Header, [options] and [manifest] -----------------------------------------------------------------------------------


def _conflicts(lines: list[str], sets: Sequence[Sequence[ConflictItem]]) -> None:
    lines.append("conflicts = [[")
    for index, items in enumerate(sets):
        if index:
            lines.append("], [")
        lines.extend([f"    {conflict_text(item)}," for item in items])
    lines.append("]]")


def conflict_text(item: ConflictItem) -> str:
    """Return an item as inline table; a whole package has only its name."""
    if item.name is None:
        return f"{{ package = {quote(item.package)} }}"
    return f"{{ package = {quote(item.package)}, {item.kind} = {quote(item.name)} }}"


def _options(lines: list[str], options: Options) -> None:
    keys: list[str] = []
    if options.resolution is not Resolution.HIGHEST:
        keys.append(f'resolution-mode = "{options.resolution}"')
    if options.prerelease is not Prerelease.IF_NECESSARY:
        keys.append(f'prerelease-mode = "{options.prerelease}"')
    if options.fork_strategy is not ForkStrategy.REQUIRES_PYTHON:
        keys.append(f'fork-strategy = "{options.fork_strategy}"')
    if options.cutoff is not None and options.cutoff.span is not None:
        keys.append(f'exclude-newer = "{DUMMY_TIMESTAMP}"{SPAN_COMMENT}')
        keys.append(f"exclude-newer-span = {quote(options.cutoff.span)}")
    elif options.cutoff is not None and options.cutoff.timestamp is not None:
        keys.append(f"exclude-newer = {quote(options.cutoff.timestamp)}")
    if keys or options.prerelease_package or options.cutoff_package:
        lines += ["", "[options]", *keys]
    if options.prerelease_package:
        lines += ["", "[options.prerelease-package]"]
        lines += [f'{_key(name)} = "{mode}"' for name, mode in options.prerelease_package]
    if options.cutoff_package:
        lines += ["", "[options.exclude-newer-package]"]
        lines += [f"{_key(name)} = {_package_cutoff(cutoff)}" for name, cutoff in options.cutoff_package]


def _package_cutoff(cutoff: LockedCutoff | Literal[False]) -> str:
    if cutoff is False:
        return "false"
    if cutoff.span is not None:
        return f'{{ timestamp = "{DUMMY_TIMESTAMP}", span = {quote(cutoff.span)} }}'
    return quote(cutoff.timestamp or "")


def _manifest(lines: list[str], manifest: LockManifest) -> None:
    keys: list[str] = []
    if manifest.members:
        _block(keys, "members", [quote(member) for member in manifest.members])
    if manifest.default_groups is not None:
        keys.append(f"default-groups = {_default_groups(manifest.default_groups)}")
    for key, requirements in (("requirements", manifest.requirements), ("constraints", manifest.constraints)):
        if requirements:
            _compact(keys, key, [requirement_text(requirement) for requirement in requirements])
    if manifest.overrides:
        _compact(keys, "overrides", [_override(override) for override in manifest.overrides])
    if manifest.exclusions:
        _compact(keys, "excludes", [_exclusion(exclusion) for exclusion in manifest.exclusions])
    if manifest.build_constraints:
        _compact(keys, "build-constraints", [requirement_text(item) for item in manifest.build_constraints])
    if keys:
        lines += ["", "[manifest]", *keys]
    if manifest.groups:
        lines += ["", "[manifest.dependency-groups]"]
        for group in manifest.groups:
            _compact(lines, _key(group.name), [requirement_text(item) for item in group.requirements])
    if manifest.group_requires_python:
        lines += ["", "[manifest.group-requires-python]"]
        lines += [f"{_key(name)} = {quote(text)}" for name, text in manifest.group_requires_python]
    for metadata in manifest.static_metadata:
        _static_metadata(lines, metadata)


def _default_groups(groups: Sequence[str] | str) -> str:
    return quote(groups) if isinstance(groups, str) else _strings(groups)


def _scoped(scope: Scope, dependencies: Iterable[str]) -> str:
    version = "" if scope.version is None else f", version = {quote(scope.version.text)}"
    package = f"{{ name = {quote(scope.name)}{version} }}"
    return f"{{ package = {package}, dependencies = {_inline(dependencies)} }}"


def _override(override: Override) -> str:
    if override.scope is None:
        return requirement_text(override.requirements[0])
    return _scoped(override.scope, map(requirement_text, override.requirements))


def _exclusion(exclusion: Exclusion) -> str:
    if exclusion.scope is None:
        return quote(exclusion.names[0])
    return _scoped(exclusion.scope, map(quote, exclusion.names))


def _static_metadata(lines: list[str], metadata: StaticMetadata) -> None:
    lines += ["", "[[manifest.dependency-metadata]]", f"name = {quote(metadata.name)}"]
    if metadata.version is not None:
        lines.append(f"version = {quote(metadata.version.text)}")
    if metadata.requires_dist:
        lines.append(f"requires-dist = {_strings(map(pep508_text, metadata.requires_dist))}")
    if metadata.requires_python is not None:
        clauses = Specifiers.parse(metadata.requires_python).clauses
        lines.append(f"requires-python = {quote(', '.join(map(str, clauses)))}")
    if metadata.provides_extras:
        lines.append(f"provides-extras = {_strings(metadata.provides_extras)}")


# Requirements and sources -------------------------------------------------------------------------------------------


def requirement_text(requirement: Requirement) -> str:
    """Return a declared requirement as inline table."""
    parts = [f"name = {quote(requirement.name)}"]
    if requirement.extras:
        parts.append(f"extras = {_strings(requirement.extras)}")
    if requirement.groups:
        parts.append(f"groups = {_strings(requirement.groups)}")
    if (marker := render(requirement.marker)) is not None:
        parts.append(f"marker = {quote(marker)}")
    match requirement.source:
        case Registry(specifiers=specifiers, index=index, conflict=conflict):
            if specifiers.clauses:
                parts.append(f"specifier = {quote(str(specifiers))}")
            if index is not None:
                parts.append(f"index = {quote(index)}")
            if conflict is not None:
                parts.append(f"conflict = {conflict_text(conflict)}")
        case Git() as git:
            parts.append(f"git = {quote(git_url(git))}")
        case Archive() | LocalFile() | Directory() as source:
            parts.append(_direct(source))
    return f"{{ {', '.join(parts)} }}"


def _direct(source: Archive | LocalFile | Directory) -> str:
    match source:
        case Archive(url=url, subdirectory=subdirectory):
            tail = "" if subdirectory is None else f", subdirectory = {quote(subdirectory)}"
            return f"url = {quote(url)}{tail}"
        case LocalFile(path=path):
            return f"path = {quote(path)}"
        case Directory(path=path, install=install):
            return f"{install} = {quote(path)}"


@lru_cache(maxsize=1024)
def source_text(source: Source) -> str:
    """Return where a package was taken from, as inline table."""
    match source:
        case Registry(index=index):
            return f"{{ registry = {quote(index or '')} }}"
        case Git() as git:
            return f"{{ git = {quote(git_url(git))} }}"
        case _:
            return f"{{ {_direct(source)} }}"


def git_url(git: Git) -> str:
    """Return URL, query of what is taken from it, and the commit as fragment where there is one."""
    pairs: list[tuple[str, str]] = []
    reference = (git.reference_kind, git.reference) if git.reference_kind and git.reference is not None else None
    if git.subdirectory is not None:
        pairs.append(("subdirectory", git.subdirectory))
    if git.path is not None:
        pairs.append(("path", git.path))
        # A pinned source has `lfs` before the reference, a declared archive behind it.
        if reference is not None and git.commit is None:
            pairs.append(reference)
            reference = None
    if git.lfs:
        pairs.append(("lfs", "true"))
    if reference is not None:
        pairs.append(reference)
    query = "&".join(f"{key}={_form_encoded(value)}" for key, value in pairs)
    commit = f"#{git.commit}" if git.commit is not None else ""
    return f"{git.url}{'?' if query else ''}{query}{commit}"


def _form_encoded(text: str) -> str:
    return quote_plus(text, safe="*").replace("~", "%7E")


def pep508_text(requirement: Requirement) -> str:
    """Return a requirement as one string (PEP 508), with the spaces of uv."""
    extras = f"[{','.join(requirement.extras)}]" if requirement.extras else ""
    source = _pep508_source(requirement.source)
    marker = render(requirement.marker)
    return f"{requirement.name}{extras}{source}" + ("" if marker is None else f" ; {marker}")


def _pep508_source(source: Source) -> str:
    match source:
        case Registry(specifiers=specifiers):
            return str(specifiers)
        case Git() as git:
            return f" @ {_pep508_git(git)}"
        case Archive(url=url, subdirectory=None):
            return f" @ {url}"
        case Archive(url=url, subdirectory=subdirectory):
            return f" @ {url}#subdirectory={subdirectory}"
        case LocalFile(path=path) | Directory(path=path):
            return f" @ {path}"
        case _:
            assert_never(source)


def _pep508_git(git: Git) -> str:
    reference = f"@{git.reference or git.commit}" if git.reference or git.commit else ""
    subdirectory = f"#subdirectory={git.subdirectory}" if git.subdirectory is not None else ""
    return f"git+{git.url}{reference}{subdirectory}"


# [[package]] --------------------------------------------------------------------------------------------------------


def _package(lines: list[str], package: Package, ambiguous: set[str], fork_texts: _ForkTexts) -> None:
    lines += ["", "[[package]]", f"name = {quote(package.name)}"]
    if package.version is not None:
        lines.append(f"version = {quote(package.version.text)}")
    lines.append(f"source = {source_text(package.source)}")
    if package.default_groups is not None:
        lines.append(f"default-groups = {_default_groups(package.default_groups)}")
    if package.fork_markers and (forks := fork_texts(fork.full for fork in package.fork_markers)):
        _block(lines, "resolution-markers", forks)
    if package.dependencies:
        _block(lines, "dependencies", [_dependency(item, ambiguous) for item in package.dependencies])
    if package.sdist is not None:
        lines.append(f"sdist = {_file(package.sdist)}")
    if package.wheels:
        _block(lines, "wheels", [_file(wheel) for wheel in package.wheels])
    for header, table in (
        ("\n[package.optional-dependencies]", package.optional_dependencies),
        ("\n[package.dev-dependencies]", package.dev_dependencies),
    ):
        if table:
            lines.append(header)
            for name, dependencies in table:
                if dependencies:
                    _block(lines, _key(name), [_dependency(item, ambiguous) for item in dependencies])
                else:
                    lines.append(f"{_key(name)} = []")
    if package.group_requires_python:
        lines.append("\n[package.group-requires-python]")
        lines += [f"{_key(name)} = {quote(text)}" for name, text in package.group_requires_python]
    metadata = package.metadata
    if metadata is None:
        return
    lines.append("\n[package.metadata]")
    if metadata.requires_dist:
        _compact(lines, "requires-dist", [requirement_text(item) for item in metadata.requires_dist])
    if metadata.provides_extras:
        lines.append(f"provides-extras = {_strings(metadata.provides_extras)}")
    if metadata.requires_dev:
        lines.append("\n[package.metadata.requires-dev]")
        for name, requirements in metadata.requires_dev:
            _compact(lines, _key(name), [requirement_text(item) for item in requirements])


def _dependency(dependency: Dependency, ambiguous: set[str]) -> str:
    text = f"{{ name = {quote(dependency.name)}"
    if dependency.name in ambiguous:
        if dependency.version is not None:
            text += f", version = {quote(dependency.version.text)}"
        text += f", source = {source_text(dependency.source)}"
    if dependency.extras:
        text += f", extra = {_strings(dependency.extras)}"
    if (marker := render(dependency.printed)) is not None:
        text += f", marker = {quote(marker)}"
    return text + " }"


def _file(file: LockedFile) -> str:
    parts: list[str] = []
    if file.url is not None:
        parts.append(f"url = {quote(file.url)}")
    elif file.path is not None:
        parts.append(f"path = {quote(file.path)}")
    elif file.filename is not None:
        parts.append(f"filename = {quote(file.filename)}")
    if file.hash is not None:
        parts.append(f"hash = {quote(file.hash)}")
    if file.size is not None:
        parts.append(f"size = {file.size}")
    if file.upload_time is not None:
        parts.append(f"upload-time = {quote(file.upload_time)}")
    if file.zstd is not None:
        parts.append(f"zstd = {{ hash = {quote(file.zstd.hash)}, size = {file.zstd.size} }}")
    return f"{{ {', '.join(parts)} }}" if parts else "{}"

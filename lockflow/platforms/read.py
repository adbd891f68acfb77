"""Finds and opens platform definitions: those that come with lockflow, and a project's own in its `platforms/`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from pathlib import Path

from msgspec import Struct

from lockflow.errors import InputError
from lockflow.platforms.definitions import definition
from lockflow.platforms.model import Platform, file_stem


class DefinedPlatform(Struct, frozen=True, kw_only=True):
    """A platform and the file that defines it."""

    platform: Platform
    path: Path


def read_platforms(names: Iterable[str], project: Path | None = None) -> tuple[DefinedPlatform, ...]:
    """Read the definitions of `names` (names or aliases), in their order, each platform once.

    A file `platforms/linux-arm64.toml` of `project` replaces the shipped definition of that name. Raises
    InputError for a broken file and for names that nothing defines.
    """
    known = known_platforms(project)
    by_name = {name: defined for defined in known for name in (defined.platform.name, *defined.platform.aliases)}
    # A name wins over an alias of another platform.
    by_name |= {defined.platform.name: defined for defined in known}
    chosen: dict[str, DefinedPlatform] = {}
    unknown = []
    for name in names:
        found = by_name.get(name)
        if found is None:
            unknown.append(_unknown(name, [*by_name]))
        else:
            chosen.setdefault(found.platform.name, found)
    if unknown:
        raise InputError(
            "there is no such platform",
            where=", ".join(str(folder) for folder in _folders(project)),
            why="\n".join(unknown),
            next=f"name one of {', '.join(defined.platform.name for defined in known)}, or define it in platforms/",
        )
    return tuple(chosen.values())


def known_platforms(project: Path | None = None) -> tuple[DefinedPlatform, ...]:
    """Read all definitions that `project` (None: no project) can use, sorted by name."""
    defined: dict[str, DefinedPlatform] = {}
    for folder in _folders(project):
        for path in _files(folder):
            platform = _read(path)
            defined[platform.name] = DefinedPlatform(platform=platform, path=path)
    return tuple(defined[name] for name in sorted(defined))


def definition_path(name: str, project: Path | None = None) -> Path | None:
    """Return the file that defines the platform of that `name` (no alias) without reading it; None where none does."""
    file = f"{file_stem(name)}.toml"
    return next((path for folder in reversed(_folders(project)) if (path := folder / file).is_file()), None)


def _folders(project: Path | None) -> Sequence[Path]:
    """Return the folders with definitions; those of a later one replace those of an earlier one."""
    package = Path(__file__).parent.parent
    shipped = package / "_platforms"
    # An editable install has no copy in the package, but the folder beside it.
    folders = [shipped if shipped.is_dir() else package.parent / "platforms"]
    if project is not None and (own := project / "platforms").resolve() != folders[0].resolve():
        folders.append(own)
    return folders


def _files(folder: Path) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if path.suffix == ".toml" and path.is_file())
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise InputError(
            "platform definitions cannot be listed", where=str(folder), why=str(error), next="make the folder readable"
        ) from error


def _read(path: Path) -> Platform:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            f"the platform definition {path.name} cannot be read",
            where=str(path),
            why=str(error),
            next="make it a readable UTF-8 file, or remove it",
        ) from error
    platform = definition(text, str(path))
    if path.stem != file_stem(platform.name):
        raise InputError(
            f"the platform definition {path.name} has the wrong file name",
            where=str(path),
            why=f'it defines "{platform.name}"; its file is found by its name',
            next=f"rename it to {file_stem(platform.name)}.toml",
        )
    return platform


def _unknown(name: str, known: list[str]) -> str:
    meant = get_close_matches(name, known, n=1)
    return f'no definition has the name or alias "{name}"' + (f" (did you mean {meant[0]}?)" if meant else "")

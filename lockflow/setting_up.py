"""A project to the files by which it lives with lockflow; none that is there is overwritten.

What has to go into a file that people wrote and that cannot be edited safely is handed back, to be put there by hand.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

from msgspec import Struct

from lockflow.errors import InputError
from lockflow.inputs.edit import document, inner, with_array
from lockflow.lock.files import write_lock_text

__all__ = ["CI", "Setup", "set_up", "write_files"]

CI = Literal["github", "gitlab", "systemd", "cron"]
_TEMPLATES = Path(__file__).parent / "templates"
_IGNORED = (".lockflow/", "reports/")
_PLATFORMS = ("darwin", "linux/amd64", "linux/arm64")
_INCLUDE = "include:\n  - local: .gitlab/lockflow-refresh.yml\n"


class NewText(Struct, frozen=True, kw_only=True):
    """A file as it is (`before` empty where there is none) and as it is to be."""

    path: Path
    before: str
    after: str


class Setup(Struct, frozen=True, kw_only=True):
    """`files` are to be written; `by_hand` says where a text goes, and the text; `kept` are files left alone."""

    files: tuple[NewText, ...] = ()
    by_hand: tuple[tuple[str, str], ...] = ()
    kept: tuple[str, ...] = ()


def set_up(start: Path, ci: CI | None = None) -> Setup:
    """What the project in `start` or above needs. Raises InputError where there is no project that can be locked."""
    root = _root(start)
    files: list[NewText] = []
    by_hand: list[tuple[str, str]] = []
    kept: list[str] = []
    text = _read(root / "pyproject.toml")
    if "lockflow" not in inner(document(text, "pyproject.toml"), "tool"):
        lines = "[" + ", ".join(f'"{name}"' for name in _PLATFORMS) + "]"
        after = with_array(text, ("tool", "lockflow"), "platforms", lambda _: lines, where="pyproject.toml")
        files.append(NewText(path=root / "pyproject.toml", before=text, after=after))
    dodo = _read(root / "dodo.py")
    if not dodo:
        files.append(NewText(path=root / "dodo.py", before="", after=_template("dodo.py.txt")))
    elif "lockflow.tasks" not in dodo:
        by_hand.append(("dodo.py, which is there already", "from lockflow.tasks import *  # noqa: F403\n"))
    ignored = _read(root / ".gitignore")
    more = [line for line in _IGNORED if not {line, line.rstrip("/"), f"/{line}"} & set(ignored.splitlines())]
    if more:
        start_line = "" if not ignored or ignored.endswith("\n") else "\n"
        after = f"{ignored}{start_line}" + "".join(f"{line}\n" for line in more)
        files.append(NewText(path=root / ".gitignore", before=ignored, after=after))
    makefile = next((name for name in ("GNUmakefile", "makefile", "Makefile") if (root / name).is_file()), "")
    if not makefile:
        files.append(NewText(path=root / "Makefile", before="", after=_template("Makefile.txt")))
    elif "doit lock" not in _read(root / makefile):
        by_hand.append((f"{makefile}, which is there already", _template("Makefile.txt")))
    for path, content in _nightly(root, ci):
        if path.exists():
            kept.append(path.relative_to(root).as_posix())
        else:
            files.append(NewText(path=path, before="", after=content))
    if ci == "gitlab" and "lockflow-refresh.yml" not in _read(root / ".gitlab-ci.yml"):
        by_hand.append((".gitlab-ci.yml", _INCLUDE))
    if ci == "cron":
        by_hand.append(("the table of `crontab -e`", _filled("cron.txt", root, quoted=True)))
    return Setup(files=tuple(files), by_hand=tuple(by_hand), kept=tuple(kept))


def write_files(setup: Setup) -> None:
    """Put the files on disk, each at once. Raises LockFileError for what cannot be written."""
    for file in setup.files:
        try:
            file.path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError("the folder cannot be made", where=str(file.path.parent), why=str(error)) from error
        write_lock_text(file.path, file.after)


def _nightly(root: Path, ci: CI | None) -> Iterator[tuple[Path, str]]:
    if ci == "github":
        yield root / ".github" / "workflows" / "refresh.yml", _template("github.yml")
    elif ci == "gitlab":
        yield root / ".gitlab" / "lockflow-refresh.yml", _template("gitlab.yml")
    elif ci == "systemd":
        for end in ("service", "timer"):
            yield root / "systemd" / f"lockflow-refresh.{end}", _filled(f"refresh.{end}", root)


def _template(name: str) -> str:
    return (_TEMPLATES / name).read_text(encoding="utf-8")


def _filled(name: str, root: Path, *, quoted: bool = False) -> str:
    # A percent sign begins a specifier of systemd, and ends the line of a crontab.
    path = shlex.quote(str(root)).replace("%", "\\%") if quoted else str(root).replace("%", "%%")
    return _template(name).replace("@PROJECT@", path).replace("@NAME@", root.name.replace("%", "%%"))


# The project ---------------------------------------------------------------------------------------------------------


def _root(start: Path) -> Path:
    """The root of the project; where what is there cannot be locked, InputError says what of it can be taken over."""
    folders = [start, *start.parents]
    root = next((folder for folder in folders if (folder / "pyproject.toml").is_file()), None)
    if root is None:
        raise InputError(
            "there is no pyproject.toml",
            where=str(start),
            why="\n".join(_requirements_files(start)) or "neither here nor in a folder above",
            next='make one with [project] name, version and requires-python; `lockflow add "NAME"` fills it',
        )
    found = document(_read(root / "pyproject.toml"), "pyproject.toml")
    if "project" in found or "workspace" in inner(found, "tool", "uv") or "dependency-groups" in found:
        return root
    why = [*_poetry(inner(found, "tool", "poetry")), *_requirements_files(root)]
    raise InputError(
        "pyproject.toml has no [project] table, so there is nothing to lock",
        where=str(root / "pyproject.toml"),
        why="\n".join(why),
        next='write [project] with name, version and requires-python, then add what there is: lockflow add "NAME>=1"',
    )


def _poetry(poetry: Mapping[str, Any]) -> Iterator[str]:
    lists = {"dependencies": inner(poetry, "dependencies")}
    for name in inner(poetry, "group"):
        lists[f"group {name}"] = inner(poetry, "group", name, "dependencies")
    for name, entries in lists.items():
        names = [entry for entry in entries if entry.lower() != "python"]
        if names:
            yield f"[tool.poetry] {name} can be taken over: {_some(names)}"


def _requirements_files(folder: Path) -> Iterator[str]:
    for path in sorted([*folder.glob("*requirements*.in"), *folder.glob("*requirements*.txt")]):
        lines = (line.split("#")[0].strip() for line in _read(path).splitlines())
        names = [match[0] for line in lines if (match := re.match(r"[A-Za-z0-9][A-Za-z0-9._-]*", line))]
        if names:
            yield f"{path.name} can be taken over: {_some(names)}"


def _some(names: Iterable[str]) -> str:
    found = list(names)
    more = f" and {len(found) - 6} more" if len(found) > 6 else ""
    return f"{', '.join(found[:6])}{more}"


def _read(path: Path) -> str:
    try:
        return path.read_bytes().decode()
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path.name} cannot be read", where=str(path), why=str(error)) from error

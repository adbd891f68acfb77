"""A project to the files by which it lives with lockflow; none that is there is overwritten.

What has to go into a file that people wrote and that cannot be edited safely is handed back, to be put there by hand.
"""

from __future__ import annotations

import re
import shlex
import shutil
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

from msgspec import Struct
from msgspec.structs import replace

from lockflow.errors import InputError, LockflowError
from lockflow.inputs.edit import document, inner, with_array
from lockflow.lock.files import replace_text
from lockflow.standards.names import normalize_name
from lockflow.steps import Target, inputs
from lockflow.taking_over.finding import Offer, look_through, told
from lockflow.taking_over.writing import with_found

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
    """`files` are to be written; `by_hand` says where a text goes, and the text; `kept` are files left alone.

    `taken` is what comes from other tools' files, `offered` what could, `left` what cannot or had to be made up.
    """

    files: tuple[NewText, ...] = ()
    by_hand: tuple[tuple[str, str], ...] = ()
    kept: tuple[str, ...] = ()
    taken: tuple[str, ...] = ()
    offered: tuple[str, ...] = ()
    left: tuple[str, ...] = ()


def set_up(start: Path, ci: CI | None = None, *, takes_over: bool = False) -> Setup:
    """What the project in `start` or above needs; `takes_over` writes [project] from the files of other tools.

    Raises InputError where there is no project that can be locked.
    """
    root = _root(start)
    files: list[NewText] = []
    by_hand: list[tuple[str, str]] = []
    kept: list[str] = []
    text = _read(root / "pyproject.toml")
    after, offer, remarks = _take_over(root, text, sys.version_info[:2], is_asked=takes_over)
    if "lockflow" not in inner(document(after, "pyproject.toml"), "tool"):
        lines = "[" + ", ".join(f'"{name}"' for name in _PLATFORMS) + "]"
        after = with_array(after, ("tool", "lockflow"), "platforms", lambda _: lines, where="pyproject.toml")
    if after != text:
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
    return Setup(
        files=tuple(files),
        by_hand=tuple(by_hand),
        kept=tuple(kept),
        taken=offer.can if takes_over else (),
        offered=() if takes_over else offer.can,
        left=(*remarks, *offer.cannot) if takes_over else (),
    )


def write_files(setup: Setup) -> None:
    """Put the files on disk, each at once. Raises InputError for what cannot be written."""
    for file in setup.files:
        try:
            file.path.parent.mkdir(parents=True, exist_ok=True)
            replace_text(file.path, file.after)
        except OSError as error:
            raise InputError(
                f"{file.path.name} cannot be written",
                where=str(file.path),
                why=error.strerror or str(error),
                next="make room or give permission, and run it again: what was written before stays",
            ) from error


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
    """A template with the places of this machine, whose daemons have a PATH without lockflow."""
    program = shutil.which("lockflow") or str(Path(sys.executable).with_name("lockflow"))
    values = {"@PROJECT@": str(root), "@NAME@": root.name, "@LOCKFLOW@": program}
    text = _template(name)
    for word, value in values.items():
        # A percent sign begins a specifier of systemd, and ends the line of a crontab.
        if quoted:
            value = shlex.quote(value).replace("%", "\\%")
        elif word == "@LOCKFLOW@" and re.search(r"\s", value):
            value = f'"{value}"'.replace("%", "%%")
        else:
            value = value.replace("%", "%%")
        text = text.replace(word, value)
    return text


# The project ---------------------------------------------------------------------------------------------------------


def _root(start: Path) -> Path:
    """Where the project has its lock, of a member too; where nothing can be locked yet, the nearest project file."""
    try:
        return inputs(Target(directory=start)).root
    except LockflowError:
        return next((folder for folder in (start, *start.parents) if (folder / "pyproject.toml").is_file()), start)


def _take_over(root: Path, text: str, minor: tuple[int, int], *, is_asked: bool) -> tuple[str, Offer, tuple[str, ...]]:
    """The text of pyproject.toml with what other tools' files ask for, what that is, and remarks on it.

    Raises InputError where there is no project that can be locked and this was not asked for, or nothing is found.
    """
    found = document(text, "pyproject.toml")
    is_project = "project" in found or "workspace" in inner(found, "tool", "uv") or "dependency-groups" in found
    offer = look_through(root, found)
    if is_project:
        offer = _beside_a_project(offer, found)
    elif offer.found is None or not is_asked:
        raise _no_project(root, offer, has_text=bool(text))
    if offer.found is None or not is_asked:
        return text, offer, ()
    made, remarks = with_found(text, offer.found, folder_name=root.absolute().name, minor=minor)
    return made, offer, remarks


def _beside_a_project(offer: Offer, found: Mapping[str, Any]) -> Offer:
    """What a project lacks of an offer: groups, with the sources that their packages may have."""
    known = {normalize_name(name) for name in inner(found, "dependency-groups")}
    groups = [
        pair for pair in ([] if offer.found is None else offer.found.groups) if normalize_name(pair[0]) not in known
    ]
    if offer.found is None or not groups:
        return Offer(found=None, can=(), cannot=())
    return told(replace(offer.found, groups=tuple(groups), dependencies=(), extras=()), offer.cannot)


def _no_project(root: Path, offer: Offer, *, has_text: bool) -> InputError:
    what = "pyproject.toml has no [project] table" if has_text else "there is no pyproject.toml"
    why = [*(f"can be taken over: {line}" for line in offer.can), *(f"cannot be: {line}" for line in offer.cannot)]
    if offer.found is None:
        advice = 'write [project] with name, version and requires-python; `lockflow add "NAME"` fills it'
        why = why or ["no files of other tools were found either"]
    else:
        advice = "`lockflow init --take-over` writes that to pyproject.toml; with --dry-run it shows it first"
    return InputError(what, where=str(root), why="\n".join(why), next=advice)


def _read(path: Path) -> str:
    try:
        return path.read_bytes().decode()
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path.name} cannot be read", where=str(path), why=str(error)) from error

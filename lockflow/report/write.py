"""Puts reports on disk, each replaced as a whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from lockflow.errors import InputError, LockflowError
from lockflow.platforms.model import file_stem
from lockflow.report.as_html import Page, as_html
from lockflow.report.as_json import as_json, platform_report_from_json
from lockflow.report.as_junit import as_junit
from lockflow.report.as_markdown import as_markdown
from lockflow.report.model import PlatformReport, Report
from lockflow.report.refreshed import Refreshed, refreshed_as_json
from lockflow.report.refreshed_as_markdown import refreshed_as_markdown

SUMMARY, PAGE, JUNIT = SUMMARY_FILES = ("summary.md", "index.html", "junit.xml")
"""The files of the report on all platforms."""


def report_path(folder: Path, platform: str) -> Path:
    """Return the file of one platform's report: `reports/linux-arm64.json`."""
    return folder / f"{file_stem(platform)}.json"


def write_platform_report(folder: Path, report: PlatformReport) -> Path:
    """Write the report on one platform into `folder`, which is made if need be; return its path."""
    path = report_path(folder, report.platform)
    _replace(path, as_json(report))
    return path


def write_summary(folder: Path, report: Report, *, title: str = "") -> tuple[Path, ...]:
    """Write the report on all platforms as `summary.md`, `index.html` and `junit.xml` into `folder`; return the paths.

    `title` is the name of the project.
    """
    texts = {
        SUMMARY: as_markdown(report),
        PAGE: as_html(report, read_page(), title=title),
        JUNIT: as_junit(report),
    }
    for name, text in texts.items():
        _replace(folder / name, text)
    return tuple(folder / name for name in texts)


def read_page() -> Page:
    """Read the style and script that come with lockflow."""
    folder = Path(__file__).parent / "page"
    return Page(
        style=(folder / "style.css").read_text(encoding="utf-8"),
        script=(folder / "script.js").read_text(encoding="utf-8"),
    )


def read_platform_report(path: Path) -> PlatformReport:
    """Read what `write_platform_report` wrote. Raises InputError where it is absent or something else."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(
            f"the report {path.name} cannot be read", where=str(path), why=str(error), next="check this platform first"
        ) from error
    return platform_report_from_json(content, str(path))


@contextmanager
def drafted_refreshed(folder: Path, refreshed: Refreshed) -> Iterator[Callable[[], tuple[Path, ...]]]:
    """Bring `refresh.md` and `refresh.json` to the disk of `folder`; where that fails, nothing else need change.

    Yields what puts them in their places and returns these; without that, nothing of them is left.
    """
    texts = {"refresh.md": refreshed_as_markdown(refreshed), "refresh.json": refreshed_as_json(refreshed)}
    drafts: dict[Path, Path] = {}

    def put() -> tuple[Path, ...]:
        for path, draft in drafts.items():
            with _told(path):
                draft.replace(path)
        return tuple(drafts)

    try:
        for name, text in texts.items():
            drafts[folder / name] = _draft(folder / name, text)
        yield put
    finally:
        for draft in drafts.values():
            draft.unlink(missing_ok=True)


def _replace(path: Path, text: str) -> None:
    draft = _draft(path, text)
    try:
        with _told(path):
            draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def _draft(path: Path, text: str) -> Path:
    """A file beside `path` with the text, which is to take its place."""
    with _told(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8", newline="\n") as file:
                file.write(text)
            # mkstemp gives files that only their owner reads.
            Path(name).chmod(0o644)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    return Path(name)


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """Say which report cannot be written."""
    try:
        yield
    except OSError as error:
        raise LockflowError(
            f"the report {path.name} cannot be written",
            where=str(path),
            why=error.strerror or str(error),
            next="make the folder of the reports writable, or make room on the disk",
        ) from error

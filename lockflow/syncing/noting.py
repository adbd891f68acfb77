"""Notes for which question an environment was found right, so that the next run can take it as it is."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from lockflow.environments.inspecting import JOURNAL
from lockflow.environments.installing import STATE as SOURCES
from lockflow.remember import Fact, forget, keep_few, remember
from lockflow.standards.requirements import Directory
from lockflow.steps import digest
from lockflow.syncing.model import SyncResult
from lockflow.syncing.places import PINS
from lockflow.syncing.states import DECISIVE
from lockflow.unchanged import SYNCED, synced_record

_MOST_RECORDS = 8


def note(result: SyncResult, asked: str, start: str, environment: Mapping[str, str], *, since_ns: int) -> bool:
    """Note that lock and environment answer the question `asked` at `start`; False where more has a say.

    `since_ns` is when reading began. A copy of a source tree depends on all of its files, and a Python that was asked
    for by its place on what is there: neither is noted.
    """
    done, made = result.result, result.environment
    assert done is not None
    record = synced_record(asked)
    is_copied = any(want.kind == "tree" and not want.is_editable for want in result.wanted)
    if made is None or not result.plan.is_empty or is_copied or result.is_python_placed or done.is_written:
        forget(done.root, record)
        return False
    try:
        standing = done.standing or digest(done.lock_path.read_bytes())
    except OSError:
        return False
    keep_few(done.root, SYNCED, _MOST_RECORDS)
    return remember(
        done.root,
        done.lock_path,
        standing,
        asked,
        start=Path(start),
        inputs=done.input_files,
        packages=done.packages,
        warnings=done.warnings,
        environment=environment,
        since_ns=since_ns,
        record=record,
        more=_facts(result, done.root, start),
        notes=(f"kept {result.plan.kept}", f"environment {made.root}"),
    )


def _facts(result: SyncResult, root: Path, start: str) -> Iterator[Fact]:
    made = result.environment
    assert made is not None
    yield "python", str(made.python)
    yield "file", f"{made.root}/pyvenv.cfg"
    yield "file", f"{made.root}/{JOURNAL}"
    for library in dict.fromkeys((str(made.purelib), str(made.platlib))):
        yield "names", library
    for folder in (Path(start), *Path(start).parents):
        for name in PINS:
            yield "file", str(folder / name)
        if folder in (root, folder.parent):
            break
    for want in result.wanted:
        source = want.package.source
        if want.origin is not None:
            info = f"{made.purelib}/{want.name.replace('-', '_')}-{want.version}.dist-info"
            yield "file", f"{info}/direct_url.json"
            yield "file", f"{info}/{SOURCES}"
        if isinstance(source, Directory):
            tree = Path(os.path.normpath(root / source.path))
            yield from (("file", str(tree / name)) for name in DECISIVE)
            yield "folders", str(tree)
            yield "folders", str(tree / "src")

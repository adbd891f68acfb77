"""Reads what is in an environment: its packages, and what an interrupted run left unfinished."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from lockflow.environments.installing import STATE, State
from lockflow.environments.model import Environment, Installed, Origin
from lockflow.standards.names import normalize_name

JOURNAL = ".lockflow-unfinished.json"
_ORIGIN = msgspec.json.Decoder(Origin)
_STATE = msgspec.json.Decoder(State)
_JOURNAL = msgspec.json.Decoder(list[str])


def installed(environment: Environment) -> Iterator[Installed]:
    """List the packages of an environment, by folder; what cannot be read of one counts as absent."""
    for folder in dict.fromkeys((str(environment.purelib), str(environment.platlib))):
        try:
            names = sorted(os.listdir(folder))
        except OSError:
            continue
        for name in names:
            if name.endswith((".dist-info", ".egg-info")) and not name.startswith("~"):
                yield _package(folder, name)


def _package(folder: str, info: str) -> Installed:
    stem, _, kind = info.rpartition(".")
    name, _, version = stem.partition("-")
    if kind == "egg-info":
        version = version.partition("-py")[0]
    origin, state = None, ""
    text = _read(f"{folder}/{info}/direct_url.json")
    if text is not None:
        with contextlib.suppress(msgspec.MsgspecError):
            origin = _ORIGIN.decode(text)
        noted = _read(f"{folder}/{info}/{STATE}")
        if noted is not None:
            with contextlib.suppress(msgspec.MsgspecError):
                state = _STATE.decode(noted).state
    return Installed(
        name=normalize_name(name), version=version, info=info, folder=Path(folder), origin=origin, state=state
    )


def _read(path: str) -> bytes | None:
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
    except OSError:
        return None
    try:
        return os.read(descriptor, 1 << 20)
    except OSError:
        return None
    finally:
        os.close(descriptor)


# What was interrupted -----------------------------------------------------------------------------------------------


def unfinished(environment: Environment) -> frozenset[str]:
    """The folders (`Installed.info`) of packages that a run was working on when it ended before its time."""
    text = _read(f"{environment.root}/{JOURNAL}")
    if text is None:
        return frozenset()
    try:
        return frozenset(_JOURNAL.decode(text))
    except msgspec.MsgspecError:
        # Cut off while it was written: nothing had been touched by then.
        return frozenset()


def begin(environment: Environment, infos: Iterable[str]) -> None:
    """Note which packages are about to be removed or installed. Raises OSError."""
    path = Path(environment.root, JOURNAL)
    draft = path.with_suffix(".tmp")
    draft.write_bytes(msgspec.json.encode(sorted({*infos, *unfinished(environment)})))
    draft.replace(path)


def end(environment: Environment) -> None:
    """Note that all of it is done."""
    Path(environment.root, JOURNAL).unlink(missing_ok=True)

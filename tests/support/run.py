"""The one place where suites start lockflow: a project folder and a transport to an exit code."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx

from lockflow import steps
from lockflow.errors import EXIT_DONE, LockflowError
from lockflow.lock.modes import Mode


@dataclass(frozen=True, slots=True)
class Run:
    """How a run ended and what it said."""

    code: int
    said: str


def run_lock(
    folder: Path,
    args: Sequence[str],
    transport: httpx.BaseTransport,
    *,
    cache: Path,
    python: str = "3.11",
    environment: Mapping[str, str] | None = None,
) -> Run:
    """Do in this process what `lockflow ARGS` does in `folder`, with every request answered by `transport`.

    `args` are `lock`, `--script PATH` and `--check`, as the golden cases have them; any other is not known here.
    `python` stands in for a missing requires-python. Nothing of this process's environment is seen.
    """
    rest = list(args)
    assert rest.pop(0) == "lock"
    mode, script = Mode.WRITE, None
    while rest:
        match rest.pop(0):
            case "--check":
                mode = Mode.LOCKED
            case "--script":
                script = Path(rest.pop(0))
            case other:
                raise ValueError(other)
    major, minor = python.split(".")[:2]
    target = steps.Target(
        directory=folder, script=script, environment=environment or {}, python=(int(major), int(minor))
    )
    try:
        result = steps.lock(target, mode, network=steps.Network(transport=transport, cache_dir=cache))
    except LockflowError as error:
        return Run(error.exit_code, str(error))
    return Run(EXIT_DONE, result.status)

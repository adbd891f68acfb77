"""The one place where suites start lockflow: a project folder and a transport to an exit code."""

from __future__ import annotations

import contextlib
import importlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx


@dataclass(frozen=True, slots=True)
class Run:
    """How a run ended and what it said; `said` is stdout and stderr together."""

    code: int
    said: str


def run_lock(
    folder: Path, args: Sequence[str], transport: httpx.BaseTransport, *, cache: Path, python: str | None = None
) -> Run:
    """Run `lockflow ARGS` in `folder` in this process, with every request answered by `transport`.

    `python` is the interpreter's version for projects that state no requires-python; None means this interpreter.
    """
    main = importlib.import_module("lockflow.cli.main")
    options = ["--directory", str(folder), "--cache-dir", str(cache)]
    if python is not None:
        options += ["--python", python]
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        code = main.main([*args, *options], transport=transport)
    return Run(int(code), said.getvalue())

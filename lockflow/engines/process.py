"""Words of a command line to what they say on this machine."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from lockflow.engines.model import Outcome
from lockflow.errors import EngineError


def run_here(
    argv: Sequence[str],
    *,
    folder: Path,
    environment: Mapping[str, str],
    timeout_seconds: float = 60,
) -> Outcome | None:
    """Run a program of this machine to its end; None where there is no such program.

    Raises EngineError where it does not end in time or cannot be started.
    """
    try:
        done = subprocess.run(
            [*argv],
            cwd=folder,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=timeout_seconds,
            check=False,
        )
    except FileNotFoundError:
        return None
    except subprocess.TimeoutExpired as error:
        raise EngineError(f"{argv[0]} did not end within {timeout_seconds:g} seconds", where=" ".join(argv)) from error
    except OSError as error:
        raise EngineError(f"{argv[0]} cannot be started", where=" ".join(argv), why=str(error)) from error
    out, err = (stream.decode("utf-8", "replace") for stream in (done.stdout, done.stderr))
    return Outcome(exit_code=done.returncode, stdout=out, stderr=err)

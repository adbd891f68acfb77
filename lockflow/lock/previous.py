"""Finds the lock before this one: the file as the last commit has it, so that a report can say what got worse."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

_TIMEOUT_SECONDS = 10.0


def committed_lock_text(path: Path) -> str | None:
    """Return the text of the lock at `path` in the last commit of its git repository.

    None where there is no git, no repository, no commit or no such file in it: then there is nothing to compare with.
    """
    try:
        done = subprocess.run(
            ["git", "cat-file", "blob", f"HEAD:./{path.name}"],
            cwd=path.parent,
            # A partial clone would go and fetch the file.
            env={**os.environ, "GIT_NO_LAZY_FETCH": "1"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_TIMEOUT_SECONDS,
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    try:
        return done.stdout.decode() if done.returncode == 0 else None
    except UnicodeDecodeError:
        return None

"""The one place where suites start lockflow: a project folder and a transport to an exit code."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx

from lockflow import steps
from lockflow.errors import EXIT_DONE, LockflowError
from lockflow.inputs.model import SettingsOverrides
from lockflow.lock.modes import Mode


@dataclass(frozen=True, slots=True)
class Run:
    """How a run ended and what it said; `error` where it failed."""

    code: int
    said: str
    error: LockflowError | None = None


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

    `args` are `lock`, `--script PATH`, `--check`, `--refresh`, `--upgrade`, `--upgrade-package NAME` and
    `--preview-features NAMES`, as the golden cases and scenarios have them; any other is not known here. `python`
    stands in for a missing requires-python. Nothing of this process's environment is seen.
    """
    rest = list(args)
    assert rest.pop(0) == "lock"
    mode, script, is_upgrade, is_refresh, features = Mode.WRITE, None, None, False, None
    packages: list[str] = []
    while rest:
        match rest.pop(0):
            case "--check":
                mode = Mode.LOCKED
            case "--script":
                script = Path(rest.pop(0))
            case "--upgrade":
                is_upgrade = True
            case "--refresh":
                is_refresh = True
            case "--upgrade-package":
                packages.append(rest.pop(0))
            case "--preview-features":
                features = (rest.pop(0),)
            case other:
                raise ValueError(other)
    major, minor = python.split(".")[:2]
    target = steps.Target(
        directory=folder,
        script=script,
        settings=SettingsOverrides(
            upgrade=is_upgrade, upgrade_package=tuple(packages) or None, preview_features=features
        ),
        environment=environment or {},
        python=(int(major), int(minor)),
    )
    try:
        network = steps.Network(transport=transport, cache_dir=cache, refresh=is_refresh)
        result = steps.lock(target, mode, network=network)
    except LockflowError as error:
        return Run(error.exit_code, str(error), error)
    return Run(EXIT_DONE, result.status)

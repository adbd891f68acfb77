"""The tasks of lockflow on its own project: `doit list` names them, `doit lock` is the default.

A project that uses lockflow has the same file; this import and DOIT_CONFIG are all it needs. `doit PROJECT=path lock`
(or `make lock PROJECT=path`) works on another project, whose state then lies in its own `.lockflow/`.
"""

from lockflow.tasks import (
    DOIT_CONFIG,
    task_check,
    task_image,
    task_inputs,
    task_lock,
    task_refresh,
    task_report,
    task_resolve,
)

__all__ = [
    "DOIT_CONFIG",
    "task_check",
    "task_image",
    "task_inputs",
    "task_lock",
    "task_refresh",
    "task_report",
    "task_resolve",
]

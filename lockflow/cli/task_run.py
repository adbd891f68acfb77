"""A run of the task graph: how it is told, and what its tasks share: one engine, and one view of what goes on.

Tasks that wait for containers run in threads of one process. Ctrl-C and SIGTERM interrupt the main one, which then ends
what the others wait for.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from types import FrameType
from typing import TYPE_CHECKING, Any

from doit.exceptions import BaseFail, TaskFailed, UnmetDependency
from doit.reporter import ConsoleReporter

from lockflow.cli.console import TERMINAL, Console, Waits
from lockflow.cli.task_state import keep_whole
from lockflow.errors import Interrupted, LockflowError

if TYPE_CHECKING:
    from lockflow.lock.model import Waiting

Task = Any
"""doit ships no types."""


class _Run:
    """What is known of the run that is going on, and what its tasks share."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.begin(has_report=False)

    def begin(self, *, has_report: bool) -> None:
        """A run starts; `has_report` tells that it ends with the report on all platforms."""
        self.has_report = has_report
        self._is_over = False
        self._engines: dict[tuple[tuple[str, str], ...], Any] = {}
        self._makers: list[Any] = []
        self._jobs: Any = None

    def open_engine(self, addresses: Mapping[str, str]) -> Any:  # noqa: ANN401  an Engine, whose type is not imported
        """Open an engine once for all tasks; where it cannot be, all of them hear the same error."""
        from lockflow.cli.engines import Lent
        from lockflow.engines.opening import open_engine

        key = tuple(sorted(addresses.items()))
        with self._lock:
            if self._is_over:
                raise Interrupted("the run was interrupted")
            if key not in self._engines:
                try:
                    self._engines[key] = open_engine(addresses)
                except LockflowError as error:
                    self._engines[key] = error
            found = self._engines[key]
        if isinstance(found, LockflowError):
            raise found
        return Lent(found)

    def open_images(self, addresses: Mapping[str, str]) -> Any:  # noqa: ANN401  an ImageEngine, as above
        """Open an engine that makes images; who asks closes it, and so does the end of the run."""
        from lockflow.engines.opening import open_images

        with self._lock:
            if self._is_over:
                raise Interrupted("the run was interrupted")
            opened = open_images(addresses)
            self._makers.append(opened)
        return opened

    def watch(self) -> Any:  # noqa: ANN401  a Watch, as above
        """The view that all tasks share."""
        from lockflow.cli.jobs import Jobs

        with self._lock:
            if self._jobs is None:
                self._jobs = Jobs(Console(os.environ))
            return self._jobs

    def on_wait(self) -> Callable[[Waiting], None]:
        """What hears, in whichever thread, that another process works on the project; ends the wait with the run."""
        told = Waits(Console(os.environ))

        def hear(waiting: Waiting) -> None:
            if self._is_over:
                raise Interrupted("the run was interrupted")
            told(waiting)

        return hear

    def end(self) -> None:
        """End what is under way, and let go of all that was shared."""
        with self._lock:
            self._is_over = True
            engines = [engine for engine in self._engines.values() if not isinstance(engine, LockflowError)]
        if self._jobs is not None:
            self._jobs.close()
        for engine in (*engines, *self._makers):
            engine.close()


RUN = _Run()


class Reporter(ConsoleReporter):  # type: ignore[misc]  # doit ships no types
    """doit's own lines for tasks; failures as messages of four parts on stderr."""

    desc = "lockflow: failures as messages of four parts"

    def __init__(self, outstream: Any, options: dict[str, Any]) -> None:  # noqa: ANN401  as doit has it
        super().__init__(outstream, options)
        self._not_run: list[str] = []
        self._told: set[str] = set()
        self._before: Any = None
        self._not_kept: list[str] = []

    def initialize(self, tasks: Mapping[str, Task], selected_tasks: Sequence[str]) -> None:
        self._not_kept = keep_whole()
        RUN.begin(has_report="report" in _with_dependencies(tasks, selected_tasks))
        if threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
            self._before = signal.signal(signal.SIGTERM, _interrupt)

    def write(self, text: str) -> None:
        with TERMINAL:
            super().write(text)
            # Lines of actions go to stderr, and should come after the line of their task.
            self.outstream.flush()

    def add_failure(self, task: Task, fail: BaseFail) -> None:
        if isinstance(fail, UnmetDependency):
            self._not_run.append(task.name)
            # Not an error of its own: doit's exit code shall be that of what failed.
            fail.__class__ = TaskFailed
            return
        text = fail.get_msg().strip() if fail.report else ""
        if text and text not in self._told:
            self._told.add(text)
            Console(os.environ).problem(text)

    def complete_run(self) -> None:
        """Hear that the run is over, in whatever way."""
        console = Console(os.environ)
        try:
            RUN.end()
        except KeyboardInterrupt:
            console.say("interrupted again: what is left in engines is removed by the next run")
            raise SystemExit(130) from None
        if self._before is not None:
            signal.signal(signal.SIGTERM, self._before)
        if self._not_run:
            console.note(f"not run, for want of what failed: {', '.join(self._not_run)}")
        for text in self._not_kept:
            console.warn(f"what was done cannot be noted, so the next run does it again: {text}")
        for text in self.runtime_errors:
            console.problem(text.strip())
        if sys.exc_info()[0] is KeyboardInterrupt:
            # doit would let it go on as a traceback.
            console.say("interrupted")
            raise SystemExit(130)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _with_dependencies(tasks: Mapping[str, Task], selected: Sequence[str]) -> set[str]:
    found: set[str] = set()
    waiting = list(selected)
    while waiting:
        name = waiting.pop()
        if name in tasks and name not in found:
            found.add(name)
            waiting += [*tasks[name].task_dep, *tasks[name].setup_tasks]
    return found

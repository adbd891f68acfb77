"""The one view of checks and builds that go on side by side: what runs where, for how long, what is done.

On a terminal it moves below the last line and is gone when all have ended; elsewhere each end is a plain line, and one
every ten seconds says what is still under way. What takes a moment only is not shown at all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from threading import Event, RLock, Thread
from time import perf_counter
from types import TracebackType
from typing import TYPE_CHECKING, Self

from lockflow.cli.console import TERMINAL, Console, tame
from lockflow.engines.watch import End, Job

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.live import Live
    from rich.text import Text as RichText

_SHOW_AFTER_SECONDS = 0.3
_LINES_AFTER_SECONDS = 1.0
_LINE_EVERY_SECONDS = 10.0
_REFRESHES_A_SECOND = 8
_VERBS = {"check": "Checking", "build": "Building"}
_STYLES: dict[str, str] = {"good": "green", "done": "green", "bad": "bold red", "broken": "bold yellow"}
# A build may break off after the image is there, when it is to be pushed.
_WORDS = {("check", "broken"): "not judged", ("build", "bad"): "failed", ("build", "broken"): "not finished"}
_SIGNS = {"good": "✓", "done": "✓", "bad": "✕", "broken": "?", "waiting": "·", "more": "…"}
_PLAIN_SIGNS = {"good": "+", "done": "+", "bad": "x", "broken": "?", "waiting": ".", "more": "..."}
_FRAMES, _PLAIN_FRAMES = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏", "|/-\\"


@dataclass
class _State:
    job: Job
    text: str = ""
    began: float | None = None
    ended: float | None = None
    how: End | None = None

    @property
    def is_running(self) -> bool:
        return self.began is not None and self.how is None

    @property
    def is_well(self) -> bool:
        return self.how in ("good", "done")

    def seconds(self, now: float) -> float:
        return 0.0 if self.began is None else (self.ended or now) - self.began


class Jobs:
    """Watches jobs (`engines.watch.Watch`) and shows them on a console; used in a `with`, by any number of threads."""

    def __init__(self, console: Console, now: Callable[[], float] = perf_counter) -> None:
        self._console = console
        self._now = now
        self._began = now()
        self._states: dict[Job, _State] = {}
        self._lock = RLock()
        self._over = Event()
        self._ticker: Thread | None = None
        self._live: Live | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def expect(self, jobs: Sequence[Job]) -> None:
        with self._lock:
            if all(state.how is not None for state in self._states.values()):
                # What came before is over and has been told.
                self._states.clear()
                self._began = self._now()
            for job in jobs:
                self._states.setdefault(job, _State(job))

    def doing(self, job: Job, text: str) -> None:
        with self._lock:
            state = self._states.setdefault(job, _State(job))
            state.text = tame(text)
            if state.began is None:
                state.began = self._now()
            self._start_ticking()

    def ended(self, job: Job, how: End, text: str = "") -> None:
        with self._lock:
            state = self._states.setdefault(job, _State(job))
            state.how, state.text, state.ended = how, tame(text), self._now()
            is_last = all(state.how is not None for state in self._states.values())
        if not self._console.has_progress or self._over.is_set():
            return
        if self._console.is_terminal:
            if is_last:
                self._hide()
        elif self._now() - self._began >= _LINES_AFTER_SECONDS:
            self._console.say(self._line_of(state))

    def close(self) -> None:
        """Show nothing any more."""
        self._over.set()
        if self._ticker is not None:
            # It may be about to write a line. Not for ever: an interruption may have left it without the terminal.
            self._ticker.join(1)
        self._hide()

    # When something is shown ----------------------------------------------------------------------------------------

    def _start_ticking(self) -> None:
        if self._ticker is None and self._console.has_progress and not self._over.is_set():
            self._ticker = Thread(target=self._tick, name="jobs", daemon=True)
            self._ticker.start()

    def _tick(self) -> None:
        """A job says nothing while it waits for a container, so somebody else has to look at the clock."""
        every = _SHOW_AFTER_SECONDS if self._console.is_terminal else _LINE_EVERY_SECONDS
        while not self._over.wait(every):
            if self._console.is_terminal:
                self._show()
            elif running := self._running():
                self._console.say(self._line_of_all(running))

    def _running(self) -> list[_State]:
        with self._lock:
            return [state for state in self._states.values() if state.is_running]

    def _show(self) -> None:
        with TERMINAL.lock:
            # Looked up here, since whoever ends the last one hides the view under the same lock.
            if TERMINAL.region is None and not self._over.is_set() and self._running():
                TERMINAL.region = self
                self.resume()

    def _hide(self) -> None:
        with TERMINAL.lock:
            if TERMINAL.region is self:
                self.pause()
                TERMINAL.region = None

    def pause(self) -> None:
        """Leave the terminal to a line."""
        if self._live is not None:
            self._live.stop()
            self._live = None

    def resume(self) -> None:
        """Be shown again below it."""
        from rich.console import Console as RichConsole
        from rich.live import Live

        rich = RichConsole(file=self._console.stderr, no_color=not self._console.has_color, highlight=False)
        self._live = Live(
            console=rich,
            get_renderable=lambda: self.draw(rich.size.height, rich.size.width, rich.encoding),
            refresh_per_second=_REFRESHES_A_SECOND,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._live.start(refresh=True)

    # What is shown --------------------------------------------------------------------------------------------------

    def draw(self, height: int, width: int, encoding: str = "utf-8") -> RenderableType:
        """The view at this moment, in at most `height` lines of a terminal."""
        from rich.console import Group
        from rich.text import Text

        is_utf = encoding.lower().startswith("utf")
        signs, frames = (_SIGNS, _FRAMES) if is_utf else (_PLAIN_SIGNS, _PLAIN_FRAMES)
        with self._lock:
            now, states = self._now(), [*self._states.values()]
            # One line for the heading, one for what is left out, one so that the cursor stays inside.
            shown, left_out = _chosen(states, max(1, height - 3))
            done = sum(state.how is not None for state in states)
            heading = Text.assemble(
                (_verb(states), "bold"), f"  {done} of {len(states)} done  {_clock(now - self._began)}"
            )
            lines = [heading, *_rows(shown, now, signs, frames, width)]
        if left_out:
            lines.append(Text(f"  {signs['more']} {left_out}", style="dim"))
        for line in lines:
            # A terminal shows Ctrl-C as two characters, which must not begin a line of their own.
            line.truncate(max(1, width - 3), overflow="ellipsis" if is_utf else "crop")
        return Group(*lines)

    def _line_of(self, state: _State) -> str:
        with self._lock:
            done = sum(state.how is not None for state in self._states.values())
            count = f"[{done}/{len(self._states)}]"
        text = f", {state.text}" if state.text else ""
        return f"{count} {state.job}: {_how(state)}{text} ({_clock(state.seconds(self._now()))})"

    def _line_of_all(self, running: Sequence[_State]) -> str:
        now = self._now()
        named = [f"{state.job}: {state.text} ({_clock(state.seconds(now))})" for state in running[:3]]
        more = [f"and {len(running) - 3} more"] if len(running) > 3 else []
        return f"{_verb(running)}: {'; '.join(named + more)}"


def _chosen(states: Sequence[_State], most: int) -> tuple[list[_State], str]:
    """Those to show where there is not room for all, and the others in words: what runs first, then what went wrong."""
    if len(states) <= most:
        return [*states], ""
    ranked = sorted(range(len(states)), key=lambda place: _rank(states[place]))
    chosen = {*ranked[:most]}
    others = [state for place, state in enumerate(states) if place not in chosen]
    counts = (
        (sum(state.is_running for state in others), "more under way"),
        (sum(state.how in ("bad", "broken") for state in others), "more went wrong"),
        (sum(state.is_well for state in others), "more are well"),
        (sum(state.began is None and state.how is None for state in others), "more to come"),
    )
    text = ", ".join(f"{count} {words}" for count, words in counts if count)
    return [state for place, state in enumerate(states) if place in chosen], text


def _rank(state: _State) -> int:
    if state.is_running:
        return 0
    if state.how is None:
        return 2
    return 3 if state.is_well else 1


def _rows(states: Sequence[_State], now: float, signs: dict[str, str], frames: str, width: int) -> Iterable[RichText]:
    """A line for each: its sign, platform, Python, what it is at, and its time; the last but one gives way."""
    from rich.text import Text

    names = max((len(state.job.platform) for state in states), default=0)
    pythons = max((len(state.job.python) for state in states), default=0)
    room = max(0, width - names - pythons - 18)
    for state in states:
        if state.is_running:
            sign, style = frames[int(now * _REFRESHES_A_SECOND) % len(frames)], "cyan"
        else:
            sign, style = signs[state.how or "waiting"], _STYLES.get(state.how or "", "dim")
        words = state.text if state.how is None else ", ".join(part for part in (_how(state), state.text) if part)
        place = f"{state.job.platform:<{names}}  {state.job.python:<{pythons}}  "
        yield Text.assemble(
            "  ",
            (sign, style),
            "  ",
            (place, "" if state.began is not None or state.how is not None else "dim"),
            (f"{_clock(state.seconds(now)) if state.began is not None else '':>6}", "dim"),
            "  ",
            (_shortened(words or "waiting", room), _STYLES.get(state.how or "", "dim")),
        )


def _shortened(text: str, room: int) -> str:
    return text if len(text) <= room else f"{text[: max(0, room - 3)]}..."


def _how(state: _State) -> str:
    how = state.how or ""
    return _WORDS.get((state.job.work, how), how)


def _verb(states: Sequence[_State]) -> str:
    return " and ".join(dict.fromkeys(_VERBS[state.job.work] for state in states)) or "Nothing"


def _clock(seconds: float) -> str:
    """Seconds as people count them while they wait: `3.2s`, `48s`, `2m 05s`."""
    if seconds < 9.95:
        return f"{seconds:.1f}s"
    return f"{seconds:.0f}s" if seconds < 59.5 else f"{round(seconds) // 60}m {round(seconds) % 60:02d}s"

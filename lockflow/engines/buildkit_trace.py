"""What a builder says of its progress (BuildKit's StatusResponse, a protobuf message) to steps and lines of output.

Of `moby.buildkit.v1.StatusResponse` only vertexes (field 1) and logs (field 3) are read; what else there is, and
fields that a newer builder adds, is passed over. Messages come from an engine and are treated as hostile: what cannot
be read is no news.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from msgspec import Struct

from lockflow.engines.protobuf import fields

_MOST_LOG = 200
"""How many last lines of output are kept for each step."""
_LONGEST_LINE = 2000


class StepNews(Struct, frozen=True, kw_only=True):
    """Something that became known of one step of a build: it began, it ended, or it said a line.

    `seconds` is how long it took, for one that ended. `is_cached` tells that its result was there already.
    """

    name: str
    kind: str  # "began", "ended", "failed", "line"
    seconds: float = 0.0
    is_cached: bool = False
    line: str = ""


@dataclass(slots=True)
class _Vertex:
    name: str = ""
    started: float = 0.0
    is_ended: bool = False
    has_begun: bool = False
    rest: bytes = b""
    lines: list[str] = field(default_factory=list)


class Trace:
    """Follows one build. Feed it messages in their order; it tells what is new in each, but for `hidden` words."""

    def __init__(self, hidden: Iterable[str] = ()) -> None:
        self._hidden = tuple(hidden)
        self._vertices: dict[bytes, _Vertex] = {}
        self._failed: _Vertex | None = None

    def feed(self, message: bytes) -> list[StepNews]:
        """Read one message; returns what is new, in order."""
        news: list[StepNews] = []
        try:
            for number, value in fields(message):
                if number == 1 and isinstance(value, bytes):
                    news += self._vertex(value)
                elif number == 3 and isinstance(value, bytes):
                    news += self._log(value)
        except ValueError:
            pass
        return news

    def last_lines(self, count: int) -> tuple[str, ...]:
        """The end of what the failed step said; of the last one that said anything where none is known to have failed.

        A builder's own error names a command and its exit code only: the reason is in these lines.
        """
        speaking = [vertex for vertex in self._vertices.values() if vertex.lines or vertex.rest]
        chosen = self._failed if self._failed is not None else speaking[-1] if speaking else None
        if chosen is None:
            return ()
        lines = [*chosen.lines, *([self._text(chosen.rest)] if chosen.rest else [])]
        return tuple(line for line in lines if line.strip())[-count:]

    def _vertex(self, message: bytes) -> Iterator[StepNews]:
        values = dict(fields(message))
        digest = values.get(1)
        if not isinstance(digest, bytes):
            return
        vertex = self._vertices.setdefault(digest, _Vertex())
        name, error = values.get(3), values.get(7)
        if isinstance(name, bytes):
            vertex.name = self._text(name)
        is_cached = bool(values.get(4))
        if 5 in values and not vertex.has_begun:
            vertex.has_begun, vertex.started = True, _seconds(values[5])
            if not is_cached:
                yield StepNews(name=vertex.name, kind="began")
        if isinstance(error, bytes) and error:
            self._failed = vertex if self._failed is None or not self._failed.lines else self._failed
            yield StepNews(name=vertex.name, kind="failed", line=self._text(error))
        elif 6 in values and not vertex.is_ended:
            vertex.is_ended = True
            took = max(0.0, _seconds(values[6]) - vertex.started) if vertex.started else 0.0
            yield StepNews(name=vertex.name, kind="ended", seconds=took, is_cached=is_cached)

    def _log(self, message: bytes) -> Iterator[StepNews]:
        values = dict(fields(message))
        digest, chunk = values.get(1), values.get(4)
        if not isinstance(digest, bytes) or not isinstance(chunk, bytes):
            return
        vertex = self._vertices.setdefault(digest, _Vertex())
        # A chunk may end anywhere, within a character even.
        *lines, vertex.rest = (vertex.rest + chunk).replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
        for line in lines:
            text = self._text(line)
            vertex.lines.append(text)
            yield StepNews(name=vertex.name, kind="line", line=text)
        vertex.rest = vertex.rest[-_LONGEST_LINE:]
        del vertex.lines[:-_MOST_LOG]

    def _text(self, value: bytes) -> str:
        return hide(_text(value), self._hidden)


def hide(text: str, words: Iterable[str]) -> str:
    """Text in which none of `words` stands any more: a step may print the secrets that it was given."""
    for word in words:
        text = text.replace(word, "****")
    return text


def _text(value: bytes) -> str:
    """Text for a terminal: no control characters, no line without end."""
    text = value.decode("utf-8", "replace")[:_LONGEST_LINE]
    return "".join(character if character.isprintable() or character == "\t" else " " for character in text).rstrip()


def _seconds(value: int | bytes) -> float:
    """A `google.protobuf.Timestamp`."""
    if not isinstance(value, bytes):
        return 0.0
    values = dict(fields(value))
    whole, nanos = values.get(1, 0), values.get(2, 0)
    return (whole if isinstance(whole, int) else 0) + (nanos if isinstance(nanos, int) else 0) / 1e9

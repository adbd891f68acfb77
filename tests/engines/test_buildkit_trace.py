from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from lockflow.engines.buildkit_trace import StepNews, Trace
from lockflow.engines.protobuf import field


def number(key: int, value: int) -> bytes:
    text = bytes([key << 3])
    while value > 0x7F:
        text += bytes([value & 0x7F | 0x80])
        value >>= 7
    return text + bytes([value])


def vertex(
    digest: str, name: str, *, began: int = 0, ended: int = 0, is_cached: bool = False, error: str = ""
) -> bytes:
    parts = [field(1, digest.encode()), field(3, name.encode())]
    parts += [number(4, 1)] if is_cached else []
    parts += [field(5, number(1, began))] if began else []
    parts += [field(6, number(1, ended) + number(2, 500_000_000))] if ended else []
    parts += [field(7, error.encode())] if error else []
    return field(1, b"".join(parts))


def log(digest: str, text: bytes) -> bytes:
    return field(3, field(1, digest.encode()) + field(4, text))


def test_steps_begin_and_end_once() -> None:
    trace = Trace()
    assert trace.feed(vertex("a", "[final 1/2] FROM x") + vertex("b", "[b] RUN y", began=100)) == [
        StepNews(name="[b] RUN y", kind="began")
    ]
    assert trace.feed(vertex("b", "[b] RUN y", began=100, ended=103)) == [
        StepNews(name="[b] RUN y", kind="ended", seconds=3.5)
    ]
    assert trace.feed(vertex("b", "[b] RUN y", began=100, ended=103)) == []
    assert trace.feed(vertex("c", "[c]", began=1, ended=1, is_cached=True)) == [
        StepNews(name="[c]", kind="ended", seconds=0.5, is_cached=True)
    ]


def test_lines_are_put_together_from_chunks_that_end_anywhere() -> None:
    trace = Trace()
    trace.feed(vertex("a", "step", began=1))
    text = "für\r\n50%\r100%\nrest".encode()
    lines = [news.line for at in range(len(text)) for news in trace.feed(log("a", text[at : at + 1]))]
    assert [line for line in lines if line] == ["für", "50%", "100%"]
    assert trace.last_lines(2) == ("100%", "rest")


def test_the_end_of_what_the_failed_step_said_is_kept() -> None:
    trace = Trace()
    trace.feed(vertex("a", "good", began=1) + log("a", b"all well\n"))
    trace.feed(vertex("b", "bad", began=1) + log("b", b"".join(b"line %d\n" % n for n in range(500))))
    news = trace.feed(vertex("b", "bad", began=1, ended=2, error="exit code: 1"))
    assert [(entry.kind, entry.line) for entry in news] == [("failed", "exit code: 1")]
    trace.feed(log("a", b"later\n"))
    assert trace.last_lines(3) == ("line 497", "line 498", "line 499")


def test_a_terminal_is_not_told_what_to_do() -> None:
    trace = Trace()
    (news,) = trace.feed(log("a", b"\x1b[31mred\x1b[0m \x07bell\n"))
    assert news.line == " [31mred [0m  bell"


@given(st.lists(st.binary(max_size=60), max_size=5))
def test_whatever_an_engine_says_is_read_without_an_error(messages: list[bytes]) -> None:
    trace = Trace()
    for message in messages:
        trace.feed(message)
    trace.last_lines(5)


def test_words_that_are_not_to_be_said_are_left_out_of_names_lines_and_errors() -> None:
    trace = Trace(["p@ss", "s3cret"])
    news = trace.feed(
        vertex("a", "RUN echo s3cret", began=1)
        + log("a", b"user s3cret\npart of s3c")
        + log("a", b"ret\nthe end p@ss")
        + vertex("a", "RUN echo s3cret", began=1, ended=2, error="it said s3cret")
    )
    assert [entry.line for entry in news] == ["", "user ****", "part of ****", "it said ****"]
    assert {entry.name for entry in news} == {"RUN echo ****"}
    assert trace.last_lines(3) == ("user ****", "part of ****", "the end ****")

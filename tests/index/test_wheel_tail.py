from __future__ import annotations

import contextlib
import io
import struct
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lockflow.index.wheel_tail import FIRST_LENGTH, InvalidWheel, Piece, Span, metadata_in
from support.archives import core_metadata, wheel, zip_archive

METADATA = core_metadata("demo", "1.0", "Requires-Dist: a")


def read(content: bytes, project: str = "demo") -> tuple[bytes, list[Span]]:
    """METADATA, and the spans that had to be asked for to have it."""
    spans = [Span(max(0, len(content) - FIRST_LENGTH), len(content))]
    pieces: list[Piece] = []
    while True:
        pieces.append(Piece(spans[-1].start, content[spans[-1].start : spans[-1].stop]))
        found = metadata_in(pieces, len(content), project)
        if not isinstance(found, Span):
            return found, spans
        assert len(spans) < 6, "asks without end"
        assert 0 <= found.start < found.stop <= len(content)
        spans.append(found)


@pytest.mark.parametrize("is_packed", [True, False])
def test_small_wheel_is_read_in_one_request(is_packed: bool) -> None:
    content, spans = read(wheel("demo", "1.0", METADATA, is_packed=is_packed))
    assert content == METADATA
    assert len(spans) == 1


def test_metadata_far_from_the_end_takes_one_more_request() -> None:
    content, spans = read(wheel("demo", "1.0", METADATA, padding=100_000))
    assert content == METADATA
    assert len(spans) == 2
    assert spans[1].stop - spans[1].start < 1000


def test_long_table_of_contents_takes_one_more_request() -> None:
    files = {f"demo/{number:05}.py": b"" for number in range(2000)}
    content, spans = read(zip_archive({"demo-1.0.dist-info/METADATA": METADATA, **files}))
    assert content == METADATA
    assert len(spans) == 3


def test_long_comment_behind_the_archive_is_searched_through() -> None:
    content, _ = read(zip_archive({"demo-1.0.dist-info/METADATA": METADATA}, comment=b"PK\x05\x06" * 15_000))
    assert content == METADATA


def test_stub_before_the_archive_shifts_all_offsets() -> None:
    content, _ = read(b"#!/bin/sh\n" * 50 + wheel("demo", "1.0", METADATA))
    assert content == METADATA


def test_archive_with_64_bit_fields_is_read() -> None:
    buffer = io.BytesIO()
    with (
        zipfile.ZipFile(buffer, "w") as archive,
        archive.open("demo-1.0.dist-info/METADATA", "w", force_zip64=True) as member,
    ):
        member.write(METADATA)
    plain = buffer.getvalue()
    start = plain.rfind(b"PK\x01\x02")
    end = plain.rfind(b"PK\x05\x06")
    record = struct.pack("<4sQ2H2L4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, 1, 1, end - start, start)
    locator = struct.pack("<4sLQL", b"PK\x06\x07", 0, end, 1)
    last = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    content, _ = read(plain[:end] + record + locator + last)
    assert content == METADATA


def test_own_metadata_is_chosen_among_vendored_ones() -> None:
    files = {"other-2.0.dist-info/METADATA": b"other", "De.Mo-1.0.dist-info/METADATA": METADATA}
    assert read(zip_archive(files), "de-mo")[0] == METADATA
    deep = {"demo/_vendor/x-1.dist-info/METADATA": b"x", "demo-1.0.dist-info/METADATA": METADATA}
    assert read(zip_archive(deep))[0] == METADATA


def test_metadata_under_another_name_is_taken_where_it_is_the_only_one() -> None:
    assert read(zip_archive({"other-2.0.dist-info/METADATA": METADATA}))[0] == METADATA


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "no ZIP archive"),
        (b"<html>" * 100_000, "no ZIP archive"),
        (zip_archive({}), "no METADATA"),
        (zip_archive({"demo/METADATA": b""}), "no METADATA"),
        (zip_archive({"a-1.dist-info/METADATA": b"", "b-1.dist-info/METADATA": b""}), "several METADATA"),
        (wheel("demo", "1.0", METADATA)[:-1], "no ZIP archive"),
        (wheel("demo", "1.0", METADATA).replace(b"PK\x03\x04", b"PK\x03\x05"), "does not point at its METADATA"),
        (wheel("demo", "1.0", METADATA).replace(b"PK\x01\x02", b"PK\x01\x03"), "table of contents is damaged"),
        (wheel("demo", "1.0", METADATA, is_packed=False).replace(b"Requires", b"requires"), "METADATA is damaged"),
        (zip_archive({"demo-1.0.dist-info/METADATA": b"x" * (17 << 20)}), "is said to have 17825792 bytes"),
    ],
)
def test_what_is_no_wheel_is_refused_with_a_reason(content: bytes, why: str) -> None:
    with pytest.raises(InvalidWheel, match=why):
        read(content)


def test_more_than_is_announced_is_not_unpacked() -> None:
    honest = zip_archive({"demo-1.0.dist-info/METADATA": b"x" * 100_000})
    place = honest.rfind(b"PK\x01\x02")
    lying = honest[: place + 24] + (10).to_bytes(4, "little") + honest[place + 28 :]
    with pytest.raises(InvalidWheel, match="damaged"):
        read(lying)


@settings(max_examples=300)
@given(st.integers(0, 2000), st.binary(min_size=1, max_size=4))
def test_wheel_with_changed_bytes_is_read_or_refused(place: int, change: bytes) -> None:
    content = wheel("demo", "1.0", METADATA)
    place %= len(content)
    changed = content[:place] + change + content[place + len(change) :]
    with contextlib.suppress(InvalidWheel):
        assert read(changed)[0] == METADATA

from __future__ import annotations

import html
import json
import zlib
from typing import Any, NoReturn

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockflow.errors import CacheError
from lockflow.index.model import File, Listing
from lockflow.index.simple import (
    InvalidPage,
    decode_flat,
    decode_listing,
    encode_flat,
    encode_listing,
    flat_listings,
    parse_flat,
    parse_listing,
    unload,
)
from lockflow.index.times import timestamp_ns

JSON = "application/vnd.pypi.simple.v1+json"
INDEX = "https://index.example/simple"
DIGEST = "0123456789abcdef" * 4


def entry(filename: str, **more: Any) -> dict[str, Any]:
    fields = {name.replace("_", "-"): value for name, value in more.items()}
    return {"filename": filename, "url": f"https://files.example/{filename}", "hashes": {"sha256": DIGEST}} | fields


def from_json(*files: dict[str, Any], project: str = "demo") -> Listing:
    body = json.dumps({"meta": {"api-version": "1.1"}, "name": project, "files": files}).encode()
    return parse_listing(body, JSON, f"{INDEX}/{project}/", project, INDEX)


def from_html(*anchors: str, project: str = "demo", head: str = "") -> Listing:
    body = f"<!DOCTYPE html><html><head>{head}</head><body>{''.join(anchors)}</body></html>".encode()
    return parse_listing(body, "text/html; charset=utf-8", f"{INDEX}/{project}/", project, INDEX)


def anchor(filename: str, attributes: str = "", *, fragment: str = f"#sha256={DIGEST}") -> str:
    return f'<a href="https://files.example/{filename}{fragment}" {attributes}>{filename}</a><br/>\n'


def names(listing: Listing) -> dict[str, list[str]]:
    return {release.version.text: [file.filename for file in release.files] for release in listing.releases}


def only(listing: Listing) -> File:
    (release,) = listing.releases
    (file,) = release.files
    return file


def test_json_entry_becomes_a_file() -> None:
    listing = from_json(
        entry(
            "demo-1.0-py3-none-any.whl",
            size=7,
            upload_time="2024-01-02T03:04:05.678901Z",
            requires_python=">=3.8",
            yanked="broken",
            core_metadata={"sha256": DIGEST.upper()},
        )
    )
    assert listing.name == "demo"
    assert listing.index == INDEX
    assert only(listing) == File(
        filename="demo-1.0-py3-none-any.whl",
        url="https://files.example/demo-1.0-py3-none-any.whl",
        hashes=(("sha256", DIGEST),),
        size=7,
        upload_time_ns=1_704_164_645_678_901_000,
        requires_python=">=3.8",
        yanked="broken",
        has_metadata=True,
        metadata_hash=("sha256", DIGEST),
    )


def test_html_anchor_becomes_a_file() -> None:
    listing = from_html(
        anchor(
            "demo-1.0-py3-none-any.whl",
            'data-size="7" data-upload-time="2024-01-02T03:04:05.678901Z" data-requires-python="&gt;=3.8" '
            f'data-yanked="broken" data-core-metadata="sha256={DIGEST}"',
        )
    )
    assert only(listing) == only(
        from_json(
            entry(
                "demo-1.0-py3-none-any.whl",
                size=7,
                upload_time="2024-01-02T03:04:05.678901Z",
                requires_python=">=3.8",
                yanked="broken",
                core_metadata={"sha256": DIGEST},
            )
        )
    )


def test_releases_ascend_with_sdists_first_and_files_by_name() -> None:
    listing = from_json(
        entry("demo-1.10-py3-none-any.whl"),
        entry("demo-1.9-py3-none-any.whl"),
        entry("demo-1.9-cp39-cp39-win32.whl"),
        entry("demo-1.9.zip"),
        entry("demo-1.9.tar.gz"),
        entry("demo-1.9rc1.tar.gz"),
    )
    assert names(listing) == {
        "1.9rc1": ["demo-1.9rc1.tar.gz"],
        "1.9": ["demo-1.9.tar.gz", "demo-1.9.zip", "demo-1.9-cp39-cp39-win32.whl", "demo-1.9-py3-none-any.whl"],
        "1.10": ["demo-1.10-py3-none-any.whl"],
    }
    assert list(names(listing)) == ["1.9rc1", "1.9", "1.10"]


def test_equal_versions_are_one_release_spelled_as_in_the_first_file() -> None:
    listing = from_json(
        entry("a_b-1.0.0-py3-none-win32.whl"),
        entry("a-b-1.0.tar.gz"),
        entry("A.B-1.0-py3-none-any.whl"),
        project="a-b",
    )
    assert names(listing) == {"1.0": ["a-b-1.0.tar.gz", "A.B-1.0-py3-none-any.whl", "a_b-1.0.0-py3-none-win32.whl"]}


def test_files_with_unreadable_names_are_left_out_and_foreign_wheels_kept() -> None:
    listing = from_json(
        entry("demo-1.0.tar.gz"),
        entry("other-1.0-py3-none-any.whl"),
        entry("other-1.0.tar.gz"),
        entry("demo-one.tar.gz"),
        entry("demo-1.0-py3-none.whl"),
        entry("demo-1.0-x-py3-none-any.whl"),
        entry("demo-1.0-1-py3-none-any.whl"),
        entry("de mo-1.0-py3-none-any.whl"),
        entry("demo-1.0_1-py3-none-any.whl"),
        entry("demo-1.0.exe"),
        entry(""),
    )
    assert names(listing) == {
        "1.0": ["demo-1.0.tar.gz", "demo-1.0-1-py3-none-any.whl", "other-1.0-py3-none-any.whl"],
    }


def test_two_files_with_one_name_are_both_kept() -> None:
    listing = from_json(
        entry("demo-1.0.tar.gz"), entry("demo-1.0.tar.gz") | {"url": "https://files.example/x/demo-1.0.tar.gz"}
    )
    assert names(listing) == {"1.0": ["demo-1.0.tar.gz", "demo-1.0.tar.gz"]}


@pytest.mark.parametrize(("written", "read"), [(None, False), (False, False), (True, True), ("", True), ("why", "why")])
def test_yanked_is_a_flag_or_a_reason(written: object, read: object) -> None:
    assert only(from_json(entry("demo-1.0.tar.gz", yanked=written))).yanked == read


@pytest.mark.parametrize(
    ("attribute", "read"),
    [("", False), ("data-yanked", True), ('data-yanked=""', True), ("data-yanked=false", "false")],
)
def test_yanked_in_html_counts_by_being_there(attribute: str, read: object) -> None:
    assert only(from_html(anchor("demo-1.0.tar.gz", attribute))).yanked == read


@pytest.mark.parametrize("requires_python", [">=garbage", ">=3.6.x", "3.6", "(>=3.6)"])
def test_files_whose_requires_python_cannot_be_read_are_left_out(requires_python: str) -> None:
    good = entry("demo-1.0.tar.gz")
    assert names(from_json(good, entry("demo-2.0.tar.gz", requires_python=requires_python))) == {
        "1.0": ["demo-1.0.tar.gz"]
    }
    attribute = f'data-requires-python="{html.escape(requires_python)}"'
    assert names(from_html(anchor("demo-1.0.tar.gz"), anchor("demo-2.0.tar.gz", attribute))) == {
        "1.0": ["demo-1.0.tar.gz"]
    }


def test_requires_python_is_mended_and_empty_means_none() -> None:
    assert only(from_json(entry("demo-1.0.tar.gz", requires_python=">=3.8<4.*"))).requires_python == ">=3.8,<4"
    assert only(from_json(entry("demo-1.0.tar.gz", requires_python=""))).requires_python is None


@pytest.mark.parametrize(
    ("fields", "has_metadata"),
    [
        ({"core_metadata": True}, True),
        ({"dist_info_metadata": True}, True),
        ({"core_metadata": False, "dist_info_metadata": True}, False),
        ({"dist_info_metadata": {"sha256": DIGEST}}, True),
        ({}, False),
    ],
)
def test_core_metadata_goes_before_its_older_name(fields: dict[str, Any], has_metadata: bool) -> None:
    assert only(from_json(entry("demo-1.0-py3-none-any.whl", **fields))).has_metadata is has_metadata


@pytest.mark.parametrize("size", [-1, 10**30, None])
def test_size_that_no_file_has_is_absent(size: int | None) -> None:
    assert only(from_json(entry("demo-1.0.tar.gz", size=size))).size is None


def test_hashes_are_ordered_lowered_and_only_known_ones() -> None:
    file = only(from_json(entry("demo-1.0.tar.gz", hashes={"sha512": "BB", "sha1": "11", "md5": "cc", "sha256": 'x"'})))
    assert file.hashes == (("md5", "cc"), ("sha512", "bb"))
    assert only(from_json(entry("demo-1.0.tar.gz", hashes=None))).hashes == ()


@pytest.mark.parametrize(
    ("fragment", "hashes"),
    [
        (f"#sha256={DIGEST.upper()}", (("sha256", DIGEST),)),
        ("#md5=abc", (("md5", "abc"),)),
        ("#egg=demo", ()),
        ("#sha1=abcd", ()),
        (f"#sha256={DIGEST}&amp;md5=abc", ()),
        ("", ()),
    ],
)
def test_hash_of_an_anchor_is_its_fragment(fragment: str, hashes: object) -> None:
    file = only(from_html(anchor("demo-1.0.tar.gz", fragment=fragment)))
    assert file.hashes == hashes
    assert file.url == "https://files.example/demo-1.0.tar.gz"


def test_relative_urls_count_from_the_page_and_its_base() -> None:
    relative = entry("demo-1.0.tar.gz") | {"url": "../../f/a b/demo-1.0.tar.gz"}
    assert only(from_json(relative)).url == "https://index.example/f/a%20b/demo-1.0.tar.gz"
    link = '<a href="../a b/demo-1.0.tar.gz">x</a>'
    assert only(from_html(link)).url == "https://index.example/simple/a%20b/demo-1.0.tar.gz"
    base = '<base href="https://files.example/f/g/"><base href="https://other.example/">'
    assert only(from_html(link, head=base)).url == "https://files.example/f/a%20b/demo-1.0.tar.gz"


def test_absolute_urls_lose_only_fragment_and_credentials() -> None:
    absolute = entry("demo-1.0.tar.gz") | {"url": "https://u:p@files.example/a b/../demo-1.0.tar.gz?q=1#sha256=00"}
    assert only(from_json(absolute)).url == "https://files.example/a b/../demo-1.0.tar.gz?q=1"


@pytest.mark.parametrize(
    "anchors",
    [
        "<A HREF='https://files.example/demo-1.0.tar.gz'>x</A>",
        "<a href=https://files.example/demo-1.0.tar.gz>x</a>",
        '<a\n class="x"\thref = "https://files.example/demo-1.0.tar.gz"/>',
        '<a href="https://files.example/&#100;emo-1.0.tar.gz">x</a>',
        '<a href="https://files.example/%64emo-1.0.tar.gz">other-2.0.tar.gz</a>',
        '<a title="a > b" href="https://files.example/demo-1.0.tar.gz">x</a>',
        '<a href="https://files.example/demo-1.0.tar.gz" href="https://files.example/demo-2.0.tar.gz">x</a>',
        '<abbr href="https://files.example/demo-2.0.tar.gz"></abbr><a href="https://files.example/demo-1.0.tar.gz">',
        '<a>x</a><a href>x</a><a href="">x</a><a href="https://files.example/demo-1.0.tar.gz">x</a>',
    ],
)
def test_anchors_are_read_however_they_are_written(anchors: str) -> None:
    assert list(names(from_html(anchors))) == ["1.0"]


@pytest.mark.parametrize(
    "hidden",
    ["<!-- {} -->", "<script>{}</script>", "<STYLE>{}</style >", "<textarea>{}</textarea>", "<title>{}</title>"],
)
def test_anchors_in_comments_and_raw_text_are_not_links(hidden: str) -> None:
    page = hidden.format(anchor("demo-2.0.tar.gz")) + anchor("demo-1.0.tar.gz")
    assert list(names(from_html(page))) == ["1.0"]


@pytest.mark.parametrize("text", ['<a href="', "<a ", "<!--", "<a x=' \"", "<script>", "<a b ", "<a href=x ", "<base "])
def test_page_made_to_be_slow_is_read_all_the_same(text: str) -> None:
    # A megabyte of what a careless pattern needs hours for.
    body = (text * (1_000_000 // len(text))).encode()
    assert parse_listing(body, "text/html", f"{INDEX}/demo/", "demo", INDEX).releases == ()


def test_html_times_and_sizes_that_cannot_be_read_are_absent() -> None:
    file = only(from_html(anchor("demo-1.0.tar.gz", 'data-upload-time="yesterday" data-size="x12"')))
    assert (file.upload_time_ns, file.size) == (None, None)


@pytest.mark.parametrize(
    ("text", "nanoseconds"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("2024-01-02T03:04:05.999999999Z", 1_704_164_645_999_999_999),
        ("2024-01-02T03:04:05.1Z", 1_704_164_645_100_000_000),
        ("2024-01-02T03:04:05+02:00", 1_704_157_445_000_000_000),
        ("2024-01-02 03:04:05.5-01:30", 1_704_170_045_500_000_000),
        ("2024-01-02t03:04:05z", 1_704_164_645_000_000_000),
        ("2024-01-02T03:04:05Z[UTC]", 1_704_164_645_000_000_000),
        ("2024-01-02T03:04:05", None),
        ("2024-01-02", None),
        ("2024-13-02T03:04:05Z", None),
        ("2024-01-02T24:04:05Z", None),
        ("1704164645", None),
        ("", None),
    ],
)
def test_times_have_an_offset_and_up_to_nanoseconds(text: str, nanoseconds: int | None) -> None:
    assert timestamp_ns(text) == nanoseconds


@pytest.mark.parametrize("text", ["2999-01-01T00:00:00Z", "0001-01-01T00:00:00Z"])
def test_time_that_does_not_fit_in_64_bits_is_none(text: str) -> None:
    assert timestamp_ns(text) is None


@pytest.mark.parametrize(
    ("times", "earliest"),
    [
        (("2024-01-02T03:04:05Z", "2024-01-02T03:04:04Z"), 1_704_164_644_000_000_000),
        (("2024-01-02T03:04:05Z", "2024-01-02T03:04:04.5Z"), 1_704_164_644_500_000_000),
        (("2024-01-02T03:04:05Z", "2024-01-02T03:04:05+02:00"), 1_704_157_445_000_000_000),
        (("2024-01-02T03:04:05Z", None), 0),
        ((None,), 0),
    ],
)
def test_earliest_upload_is_the_smallest_and_zero_where_one_is_unknown(
    times: tuple[str | None, ...], earliest: int
) -> None:
    files = [entry(f"demo-1.0-{n}-py3-none-any.whl", upload_time=text) for n, text in enumerate(times)]
    (release,) = from_json(*files).releases
    assert release.earliest_upload_ns == earliest


def test_entries_that_are_not_as_they_should_be_are_left_out_alone() -> None:
    body = {
        "files": [
            entry("demo-1.0.tar.gz"),
            {"filename": "demo-2.0.tar.gz"},
            entry("demo-3.0.tar.gz", size="12"),
            7,
            None,
        ]
    }
    listing = parse_listing(json.dumps(body).encode(), JSON, f"{INDEX}/demo/", "demo", INDEX)
    assert names(listing) == {"1.0": ["demo-1.0.tar.gz"]}


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"files": 1}', b"{}", b'{"files": [' + b"[" * 100_000, b"\xff"])
def test_what_is_no_json_page_is_said_to_be_none(body: bytes) -> None:
    with pytest.raises(InvalidPage, match="not the JSON of an index"):
        parse_listing(body, JSON, f"{INDEX}/demo/", "demo", INDEX)


def test_kind_of_page_is_guessed_only_where_it_is_not_said() -> None:
    body = json.dumps({"files": [entry("demo-1.0.tar.gz")]}).encode()
    assert parse_listing(body, "", f"{INDEX}/demo/", "demo", INDEX).releases
    assert not parse_listing(body, "text/html", f"{INDEX}/demo/", "demo", INDEX).releases
    assert parse_listing(anchor("demo-1.0.tar.gz").encode(), "", f"{INDEX}/demo/", "demo", INDEX).releases


@given(st.binary(max_size=200))
def test_any_bytes_are_a_page_or_refused(body: bytes) -> None:
    for content_type in (JSON, "text/html", ""):
        try:
            parse_listing(body, content_type, f"{INDEX}/demo/", "demo", INDEX)
        except InvalidPage:
            assert content_type != "text/html"


def test_flat_page_is_divided_by_project() -> None:
    page = anchor("a-1.0-py3-none-any.whl") + anchor("b-c-1.0.tar.gz") + anchor("readme.txt") + anchor("B_C-2.0.zip")
    listings = parse_flat(page.encode(), "text/html", "https://index.example/flat", "https://index.example/flat")
    assert {name: names(listing) for name, listing in listings.items()} == {
        "a": {"1.0": ["a-1.0-py3-none-any.whl"]},
        "b-c": {"1.0": ["b-c-1.0.tar.gz"], "2.0": ["B_C-2.0.zip"]},
    }
    assert all(listing.is_flat for listing in listings.values())


class Pieces:
    """The second part of a stored listing, in memory."""

    def __init__(self, tail: bytes) -> None:
        self.tail = tail

    def piece(self, start: int, length: int, checksum: int) -> bytes:
        assert zlib.crc32(self.tail[start : start + length]) == checksum
        return self.tail[start : start + length]

    def refuse(self) -> NoReturn:
        raise CacheError("damaged")


def test_files_that_are_none_are_refused_by_what_holds_them() -> None:
    listing = from_json(entry("demo-1.0.tar.gz"))
    unload(listing, [(0, 4, zlib.crc32(b"\x91\x01\x02\x03"))], Pieces(b"\x91\x01\x02\x03"))
    with pytest.raises(CacheError):
        _ = listing.releases[0].files


def test_listing_survives_being_stored() -> None:
    listing = from_json(
        entry("demo-1.0.tar.gz", upload_time="2024-01-02T03:04:05Z"),
        entry("demo-1!1.0rc1.post2.dev3+a.1-py3-none-any.whl", yanked="why", core_metadata=True),
        entry("demo-99999999999999999999.0.tar.gz"),
    )
    head, tail, places = encode_listing(listing)
    again = decode_listing(head, Pieces(tail))
    assert [tail[start : start + length] for start, length, _ in places] == [entry.raw for entry in listing.releases]
    assert names(again) == names(listing)
    assert (again.name, again.index, again.is_flat) == (listing.name, listing.index, listing.is_flat)
    for old, new in zip(listing.releases, again.releases, strict=True):
        assert (old.version.key, old.earliest_upload_ns, old.files) == (
            new.version.key,
            new.earliest_upload_ns,
            new.files,
        )
    flat = flat_listings([("demo-1.0.tar.gz", "file:///x/demo-1.0.tar.gz")], "links")
    assert names(decode_flat(encode_flat(flat))["demo"]) == {"1.0": ["demo-1.0.tar.gz"]}


def test_stored_bytes_that_are_damaged_are_refused() -> None:
    with pytest.raises(msgspec.DecodeError):
        decode_listing(b"\x93\x01\x02\x03", Pieces(b""))

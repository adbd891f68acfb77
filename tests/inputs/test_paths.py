from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockflow.inputs.paths import (
    InvalidURL,
    file_url_path,
    is_url,
    join,
    normalise,
    parent,
    parse_url,
    relative,
)


@pytest.mark.parametrize(
    ("path", "normal"),
    [
        ("./x/../d1/", "d1"),
        ("", "."),
        ("./", "."),
        ("a//b", "a/b"),
        ("../sib dir", "../sib dir"),
        ("a/../../b", "../b"),
        ("/a/../../b", "/b"),
        ("/", "/"),
        ("C:\\code\\x", "C:/code/x"),
    ],
)
def test_a_path_is_normalised_as_text(path: str, normal: str) -> None:
    assert normalise(path) == normal


def test_paths_are_seen_from_a_folder() -> None:
    assert join("/w/app", "../lib") == "/w/lib"
    assert join("/w/app", "/abs/x") == "/abs/x"
    assert relative("/w/lib", "/w/app") == "../lib"
    assert relative("/w/app", "/w/app") == "."
    assert relative("/x", "/") == "x"
    assert relative("D:/x", "C:/w") == "D:/x"
    assert parent("/w") == "/"
    assert parent("/") == "/"


names = st.lists(st.text("abc", min_size=1, max_size=2), max_size=4)


@given(names, names)
def test_joining_a_relative_path_leads_back(path: list[str], folder: list[str]) -> None:
    here, there = "/" + "/".join(folder), "/" + "/".join(path)
    assert join(here, relative(there, here)) == there


@pytest.mark.parametrize(
    ("text", "url", "user", "password"),
    [
        ("https://user:pw@index.example/simple/", "https://index.example/simple/", "user", "pw"),
        ("https://bob@index.example/simple/?x=1#frag", "https://index.example/simple/?x=1#frag", "bob", None),
        ("https://a%40b:p%3Aw@index.example/x", "https://index.example/x", "a@b", "p:w"),
        ("HTTPS://Index.Example:443", "https://index.example/", None, None),
        ("https://index.example:8443/a/../b/./c", "https://index.example:8443/b/c", None, None),
        ("https://index.example/a b", "https://index.example/a%20b", None, None),
        ("ssh://git@git.example/r.git", "ssh://git@git.example/r.git", None, None),
        ("ssh://git:pw@git.example/r.git", "ssh://git.example/r.git", "git", "pw"),
        ("https://[::1]:8080/x", "https://[::1]:8080/x", None, None),
    ],
)
def test_a_url_is_freed_of_its_credentials(text: str, url: str, user: str | None, password: str | None) -> None:
    address = parse_url(text)
    assert (address.url, address.user, address.password) == (url, user, password)


@pytest.mark.parametrize(
    "text", ["", "simple", "https:", "https://", "https:///x", "https://a b/", "https://x:99999/", "mailto:x", "C:/x"]
)
def test_what_names_no_host_is_no_url(text: str) -> None:
    with pytest.raises(InvalidURL):
        parse_url(text)


@given(st.text(max_size=30).map("https://".__add__))
def test_a_url_that_is_read_reads_the_same_again(text: str) -> None:
    try:
        url = parse_url(text).url
    except InvalidURL:
        return
    assert parse_url(url).url == url


def test_file_urls_are_paths() -> None:
    assert file_url_path("file:///srv/wheel%20house/") == "/srv/wheel house/"
    assert file_url_path("file://localhost/srv") == "/srv"
    assert file_url_path("file:/srv/../x") == "/x"
    assert is_url("file:x")
    assert not is_url("C:/x")

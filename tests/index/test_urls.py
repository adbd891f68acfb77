from __future__ import annotations

import pytest

from lockflow.index.urls import credentials_of, file_name_of, host_of, join, origin, with_suffix, without_credentials

PAGE = "https://index.example/simple/demo/"


@pytest.mark.parametrize(
    ("link", "url"),
    [
        ("a.whl", "https://index.example/simple/demo/a.whl"),
        ("../../f/a.whl#sha256=00", "https://index.example/f/a.whl"),
        ("../../../../f/a.whl", "https://index.example/f/a.whl"),
        ("/f/a.whl", "https://index.example/f/a.whl"),
        ("//Files.Example:443/a.whl", "https://files.example/a.whl"),
        ("//files.example:444//a.whl", "https://files.example:444//a.whl"),
        ("a/./b/../c//d/%2e%2e/%2E/a.whl", "https://index.example/simple/demo/a/c//a.whl"),
        ("a/..", "https://index.example/simple/demo/"),
        ("?x=1", "https://index.example/simple/demo/?x=1"),
        ("\\f\\a.whl", "https://index.example/f/a.whl"),
        ("/f/a\tb\n/c.whl", "https://index.example/f/ab/c.whl"),
        ("", "https://index.example/simple/demo/"),
    ],
)
def test_relative_link_is_joined_as_by_a_browser(link: str, url: str) -> None:
    assert join(PAGE, link) == url


def test_joined_path_and_query_are_escaped_each_in_its_way() -> None:
    # what uv 0.13.8 stores for a page that holds these links
    specials = "".join(chr(code) for code in range(0x20, 0x7F) if chr(code) not in '"#?<>&/%') + "é%7e%zz"
    assert join(PAGE, f"/f/{specials}/a.whl") == (
        "https://index.example/f/%20!$'()*+,-.0123456789:;=@ABCDEFGHIJKLMNOPQRSTUVWXYZ[/]^_%60"
        "abcdefghijklmnopqrstuvwxyz%7B|%7D~%C3%A9%7e%zz/a.whl"
    )
    assert join(PAGE, f'/f/<>"&/a.whl?{specials}&<>') == (
        "https://index.example/f/%3C%3E%22&/a.whl?%20!$%27()*+,-.0123456789:;=@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`"
        "abcdefghijklmnopqrstuvwxyz{|}~%C3%A9%7e%zz&%3C%3E"
    )


def test_absolute_link_is_kept_to_the_letter() -> None:
    assert join(PAGE, " HTTP://Files.Example/f/../a b/%7e/é.whl#x") == "HTTP://Files.Example/f/../a b/%7e/é.whl"


def test_credentials_are_taken_off_and_decoded() -> None:
    url = "https://us%40er:p%3Aw@files.example/a@b.whl"
    assert without_credentials(url) == "https://files.example/a@b.whl"
    assert credentials_of(url) == ("us@er", "p:w")
    assert credentials_of("https://files.example/a@b.whl") is None


def test_origin_is_scheme_host_and_port() -> None:
    assert origin("HTTPS://u:p@Files.Example:443/a") == origin("https://files.example/b") == "https://files.example"
    assert origin("http://files.example:443/") != origin("https://files.example:443/")
    assert host_of("http://u@[::1]:8080/a") == "::1"
    assert host_of("http://files.example:80/a") == "files.example"


def test_file_name_is_the_decoded_last_segment() -> None:
    assert file_name_of("https://files.example/a/b%2B1.whl?x=/c#d/e") == "b+1.whl"


def test_suffix_goes_before_a_query() -> None:
    assert with_suffix("https://files.example/a.whl?x=1", ".metadata") == "https://files.example/a.whl.metadata?x=1"

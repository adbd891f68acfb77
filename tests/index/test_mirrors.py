from __future__ import annotations

import pytest

from lockflow.index.mirrors import canonical, mirrored, strangers

MIRRORS = (
    ("https://index.example/simple", "https://mirror.example/index"),
    ("https://index.example", "https://mirror.example/rest"),
    ("https://files.example", "https://mirror.example/files"),
)


@pytest.mark.parametrize(
    ("here", "there"),
    [
        ("https://index.example/simple/core/", "https://mirror.example/index/core/"),
        ("https://index.example/simple", "https://mirror.example/index"),
        ("https://index.example/simple-other/", "https://mirror.example/rest/simple-other/"),
        ("https://index.example?x=1", "https://mirror.example/rest?x=1"),
        ("https://files.example/a/a-1.0.tar.gz", "https://mirror.example/files/a/a-1.0.tar.gz"),
        ("https://files.example.org/a-1.0.tar.gz", "https://files.example.org/a-1.0.tar.gz"),
        ("https://elsewhere.example/simple", "https://elsewhere.example/simple"),
    ],
)
def test_a_url_leads_to_its_mirror_and_back(here: str, there: str) -> None:
    assert mirrored(here, MIRRORS) == there
    assert canonical(there, MIRRORS) == here


def test_without_mirrors_a_url_is_itself() -> None:
    assert mirrored("https://index.example/simple", ()) == canonical("https://index.example/simple", ())


def test_what_lies_on_a_mirror_alone_is_found() -> None:
    urls = ["https://files.example/a", "https://mirror.example/odd/b", "https://other.example/c"]
    assert strangers(urls, MIRRORS) == ["https://mirror.example/odd/b"]


def test_a_mirror_on_the_host_it_stands_for_has_no_strangers() -> None:
    assert strangers(["https://files.example/a"], (("https://files.example", "https://files.example/near"),)) == []

from __future__ import annotations

import pytest

from lockflow.standards.hashes import STRENGTH, InvalidHash, digest_of, hash_text, parse_hash, strongest_hash


def test_strongest_algorithm_wins_over_order() -> None:
    hashes = [("sha512", "ff"), ("blake2b", "00"), ("md5", "ff"), ("sha256", "ff")]
    assert strongest_hash(hashes) == ("blake2b", "00")
    assert strongest_hash(hashes[2:]) == ("sha256", "ff")


def test_greater_digest_wins_within_one_algorithm() -> None:
    assert strongest_hash([("sha256", "aa"), ("sha256", "ab")]) == ("sha256", "ab")


def test_unknown_algorithms_do_not_count() -> None:
    assert strongest_hash([("sha1", "ff"), ("md5", "00")]) == ("md5", "00")
    assert strongest_hash([("sha1", "ff")]) is None
    assert strongest_hash([]) is None


def test_hash_text_and_parse_hash_are_inverse() -> None:
    assert hash_text(parse_hash("SHA256:ABCD")) == "sha256:abcd"


@pytest.mark.parametrize("text", ["", "abcd", "sha1:abcd", "sha256:", "sha256:xyz", "sha256=abcd"])
def test_what_is_no_hash_is_refused(text: str) -> None:
    with pytest.raises(InvalidHash):
        parse_hash(text)


def test_every_known_algorithm_can_be_computed() -> None:
    digests = {algorithm: digest_of(b"", algorithm) for algorithm in STRENGTH}
    assert digests["md5"] == "d41d8cd98f00b204e9800998ecf8427e"
    assert digests["sha256"].startswith("e3b0c44298fc1c14")
    assert digests["blake2b"].startswith("786a02f742015903")

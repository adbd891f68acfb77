from __future__ import annotations

import pytest

from lockflow.errors import InputError
from lockflow.lock.decode import decode
from lockflow.lock.encode import encode
from lockflow.lock.model import Lock
from lockflow.lock.revisions import LATEST_REVISION, era_of, in_revision, revision_of
from support.golden import GOLDEN


def read(case: str) -> Lock:
    return decode((GOLDEN / case / "uv.lock").read_text(encoding="utf-8"), "uv.lock")


@pytest.mark.parametrize(
    ("uv", "expected"),
    [
        (None, LATEST_REVISION),
        ("0.13.8", 5),
        ("1.0", 5),
        ("0.12.22", 5),
        ("0.12.21", 3),
        ("0.8.4", 3),
        ("0.8.3", 2),
        ("0.6.15", 2),
        ("0.6.14", 1),
        ("0.6.0", 1),
        ("0.5.31", 0),
    ],
)
def test_a_release_of_uv_writes_its_revision(uv: str | None, expected: int) -> None:
    assert revision_of(uv) == expected


@pytest.mark.parametrize(("uv", "expected"), [("0.13.8", 5), ("0.12.21", 4), ("0.11.33", 4), ("0.11.32", 3)])
def test_a_lock_without_metadata_had_a_revision_of_its_own(uv: str, expected: int) -> None:
    assert era_of(uv).revision_without_metadata == expected


def test_what_is_no_release_is_refused() -> None:
    with pytest.raises(InputError) as caught:
        revision_of("newest")
    assert caught.value.next


@pytest.mark.parametrize(
    ("revision", "present", "absent"),
    [
        (5, {"default-groups", "upload-time", "provides-extras", "group-requires-python"}, set()),
        (3, {"upload-time", "provides-extras"}, {"default-groups", "group-requires-python"}),
        (1, {"provides-extras"}, {"default-groups", "group-requires-python", "upload-time"}),
        (0, set(), {"default-groups", "group-requires-python", "upload-time", "provides-extras", "revision"}),
    ],
)
def test_an_older_revision_has_fewer_keys(revision: int, present: set[str], absent: set[str]) -> None:
    cases = ("default-groups", "extras", "group-requires-python", "group-requires-python-virtual")
    text = "".join(encode(in_revision(read(case), revision)) for case in cases)
    assert {key for key in present if key in text} == present
    assert not {key for key in absent if key in text}


def test_the_latest_revision_is_the_lock_itself() -> None:
    lock = read("extras")
    assert in_revision(lock, LATEST_REVISION) is lock

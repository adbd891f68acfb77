from __future__ import annotations

import pytest
from msgspec import structs

from lockflow.errors import EXIT_ANSWER_IS_NO
from lockflow.lock.decode import decode
from lockflow.lock.encode import encode
from lockflow.lock.model import Reason, Reuse, Validation
from lockflow.lock.modes import (
    RULES,
    Mode,
    Result,
    missing_lock,
    missing_members,
    must_be_written,
    needs_resolution,
    stale_lock,
)
from support.lock_graph import manifest_of

TEXT = """version = 1
requires-python = ">=3.9"

[[package]]
name = "app"
version = "1"
source = { virtual = "." }
"""
LOCK = decode(TEXT, "uv.lock")
OTHER = decode(TEXT.replace('"1"', '"2"'), "uv.lock")
STALE = Validation(reasons=(Reason(check="version", text="changed", reuse=Reuse.PREFERABLE),), reuse=Reuse.PREFERABLE)


@pytest.mark.parametrize(
    ("mode", "missing", "fresh", "stale"),
    [
        (Mode.WRITE, True, False, True),
        (Mode.DRY_RUN, True, False, True),
        (Mode.LOCKED, True, False, True),
        (Mode.FROZEN, False, False, False),
    ],
)
def test_resolving_is_for_locks_that_are_missing_or_stale(mode: Mode, missing: bool, fresh: bool, stale: bool) -> None:
    assert needs_resolution(mode, None) is missing
    assert needs_resolution(mode, Validation()) is fresh
    assert needs_resolution(mode, STALE) is stale


@pytest.mark.parametrize("mode", Mode)
def test_only_write_mode_writes_and_only_a_change(mode: Mode) -> None:
    assert must_be_written(mode, Result(lock=OTHER, previous=LOCK)) is (mode is Mode.WRITE)
    assert must_be_written(mode, Result(lock=LOCK, previous=None)) is (mode is Mode.WRITE)
    assert not must_be_written(mode, Result(lock=LOCK, previous=LOCK))


def test_layout_alone_is_no_change() -> None:
    reread = decode(encode(LOCK).replace("\n", "\r\n"), "uv.lock")
    assert not Result(lock=LOCK, previous=reread).is_changed


def test_the_revision_is_part_of_a_lock() -> None:
    assert Result(lock=LOCK, previous=structs.replace(LOCK, revision=5)).is_changed


def test_refusals_are_answers_with_four_parts() -> None:
    missing = missing_lock(Mode.LOCKED, "uv.lock", "--check")
    stale = stale_lock(Result(lock=OTHER, previous=LOCK, reasons=("why",)), "uv.lock", "--locked", ("Updated app",))
    for refusal in (missing, stale):
        assert refusal.exit_code == EXIT_ANSWER_IS_NO
        assert refusal.where == "uv.lock"
        assert refusal.next
    assert "--check" in missing.why
    assert stale.why == "why\nUpdated app"


def test_a_frozen_lock_must_know_every_member() -> None:
    manifest = manifest_of(LOCK)
    assert missing_members(LOCK, manifest) == ()
    renamed = structs.replace(manifest, members=(structs.replace(manifest.members[0], name="new"),))
    assert missing_members(LOCK, renamed) == ("new",)


def test_a_mode_that_needs_a_lock_never_writes_one() -> None:
    assert not any(rules.must_exist and rules.may_write for rules in RULES.values())

from __future__ import annotations

import pytest

from lockflow.engines.build_faults import build_failed, no_context, push_failed
from lockflow.errors import AnswerIsNo, EngineError

STEP = "executor failed running [/bin/sh -c python3 -I -B /lockflow/installer.py]: exit code: 2"


@pytest.mark.parametrize(
    ("said", "lines", "kind", "what"),
    [
        (STEP, ("error: Hash mismatch for `x`",), AnswerIsNo, "the image could not be built"),
        (STEP, ("OSError: [Errno 28] No space left on device",), EngineError, "the engine's disk is full"),
        ("write /var/lib/docker/x: no space left on device", (), EngineError, "the engine's disk is full"),
        (
            STEP,
            ("error: error sending request for url (https://index.example)",),
            EngineError,
            "does not reach an index",
        ),
        ("context canceled", (), EngineError, "the build was cancelled"),
        ("failed to do request: Head x: dial tcp: lookup", (), EngineError, "its base image cannot be had"),
        (
            "executor failed running [x]: failed to create endpoint",
            (),
            EngineError,
            "cannot start a container for a step",
        ),
        ("something new", (), EngineError, "could not be built"),
    ],
)
def test_each_end_of_a_build_has_its_words_and_exit_code(
    said: str, lines: tuple[str, ...], kind: type[Exception], what: str
) -> None:
    error = build_failed("the image", said, lines)
    assert type(error) is kind
    assert what in error.what
    assert error.why
    assert error.where


@pytest.mark.parametrize(
    ("why", "what"),
    [
        ("denied: requested access to the resource is denied", "does not let you push host/app:1"),
        ("no basic auth credentials", "does not let you push host/app:1"),
        ("Get https://host/v2/: dial tcp: lookup host: no such host", "the registry of host/app:1 cannot be reached"),
        ("blob upload invalid", "host/app:1 could not be pushed"),
    ],
)
def test_a_push_that_is_refused_and_one_that_finds_nobody_are_told_apart(why: str, what: str) -> None:
    error = push_failed("host/app:1", why)
    assert what in error.what
    assert error.why == why


def test_files_that_cannot_be_sent_are_named() -> None:
    error = no_context("the image", OSError(28, "No space left on device", "/tmp/x"))
    assert error.where == "/tmp/x"
    assert "No space left" in error.why

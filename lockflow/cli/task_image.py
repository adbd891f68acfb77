"""What the image tasks of the graph do: build, note what was built, and tell whether it may rest."""

from __future__ import annotations

import json
import os
from pathlib import Path
from time import perf_counter

import msgspec

from lockflow.building import ImageAsk, ImageResult, are_there, build_images, plan_images
from lockflow.cli.console import Console
from lockflow.cli.image import say_result
from lockflow.cli.task_run import RUN
from lockflow.errors import LockFileError, LockflowError
from lockflow.steps import Network, Target


def build(target: Target, ask: ImageAsk, record: Path, network: Network, console: Console) -> str:
    """Build images and note them in `record`; returns a text for what went in."""
    started = perf_counter()
    content = _content(target, ask)
    result = build_images(
        target,
        ask,
        network=network,
        watch=RUN.watch(),
        open_engine=RUN.open_engine,
        open_images=RUN.open_images,
    )
    say_result(result, console, perf_counter() - started)
    fresh = record.with_suffix(".part")
    try:
        fresh.write_bytes(msgspec.json.format(msgspec.json.encode(result), indent=2))
        os.replace(fresh, record)  # noqa: PTH105  both are paths here
    except OSError as error:
        raise LockFileError(
            "what was built cannot be noted",
            where=str(record),
            why=error.strerror or str(error),
            next="make room or give permission; the images are there, and the next run builds them from what is cached",
        ) from error
    return content


def stand(target: Target, ask: ImageAsk, record: Path, content: str) -> bool:
    """Whether what goes in is as it was (`content`), and the images in `record` are still there."""
    try:
        if _content(target, ask) != content:
            return False
        result = msgspec.json.decode(record.read_bytes(), type=ImageResult)
        return are_there(target, result, RUN.open_images)
    except (LockflowError, OSError, msgspec.DecodeError):
        # What is wrong is told by the build.
        return False


def _content(target: Target, ask: ImageAsk) -> str:
    return json.dumps([[entry.reference, entry.content] for entry in plan_images(target, ask)])

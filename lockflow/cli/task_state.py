"""What doit notes of tasks that succeeded, kept through full disks and ends in the middle of writing.

doit writes over its file in place and refuses to begin with one that it cannot read. All that is lost with it is time,
so here an unreadable one counts as empty, and one that cannot be written is told in a line.
"""

from __future__ import annotations

import os
from contextlib import suppress
from typing import Any

from doit import Globals
from doit.dependency import JSONCodec, JsonDB


class Codec(JSONCodec):  # type: ignore[misc]  # doit ships no types
    """JSON; what is none is taken for nothing."""

    def decode(self, data: str) -> Any:  # noqa: ANN401  as doit has it
        try:
            found = super().decode(data)
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}


def keep_whole() -> list[str]:
    """Let the notes of this run replace the old ones whole or not at all; what stopped them is put into the result."""
    backend, problems = Globals.dep_manager.backend, []

    def dump() -> None:
        draft = f"{backend.name}.part"
        try:
            with open(draft, "w", encoding="utf-8") as file:  # noqa: PTH123  the name is a text, as all of doit's
                file.write(backend.codec.encode(backend._db))
            os.replace(draft, backend.name)  # noqa: PTH105
        except OSError as error:
            problems.append(f"{error.strerror or error} ({backend.name})")
            with suppress(OSError):
                os.unlink(draft)  # noqa: PTH108

    # Another kind of store, which a dodo.py may ask for, knows itself what to do.
    if isinstance(backend, JsonDB):
        backend.dump = dump
    return problems

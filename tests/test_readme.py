"""What the README says of platforms is what their definitions say; REWRITE_EXPECTED=1 writes it anew."""

from __future__ import annotations

import os
import re
from pathlib import Path

from lockflow.platforms.model import Platform
from lockflow.platforms.read import known_platforms

README = Path(__file__).parent.parent / "README.md"
TABLE = re.compile(r"\| platform \| system \| aliases \|\n.*?\n\n", re.DOTALL)


def system(platform: Platform) -> str:
    if platform.macos is not None:
        return f"macOS {platform.macos.major}.{platform.macos.minor}, {platform.machine}"
    if platform.libc is not None:
        return f"Linux with {platform.libc.name} {platform.libc.major}.{platform.libc.minor}, {platform.machine}"
    return f"Windows, {platform.machine}"


def test_the_table_of_platforms_is_that_of_the_definitions() -> None:
    lines = ["| platform | system | aliases |", "| --- | --- | --- |"]
    for defined in known_platforms():
        platform = defined.platform
        aliases = ", ".join(f"`{alias}`" for alias in platform.aliases)
        lines.append(f"| `{platform.name}` | {system(platform)} | {aliases} |")
    table = "\n".join(lines) + "\n\n"
    text = README.read_text(encoding="utf-8")
    if os.environ.get("REWRITE_EXPECTED") == "1":
        README.write_text(TABLE.sub(lambda _: table, text), encoding="utf-8")
        return
    found = TABLE.search(text)
    assert found is not None
    assert found[0] == table


def test_the_picture_of_a_report_is_small() -> None:
    """docs/picture.py makes it."""
    found = re.search(r"!\[[^\]]+\]\((docs/[a-z]+\.webp)\)", README.read_text(encoding="utf-8"))
    assert found is not None
    picture = (README.parent / found[1]).read_bytes()
    assert picture[8:12] == b"WEBP"
    assert len(picture) < 150_000

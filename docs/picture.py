"""Makes docs/report.webp, the picture in the README, anew: the page of the report on the project that stands there.

    .venv/bin/python docs/picture.py [CHROMIUM]

It locks that project on the real index, so it needs the network, and a Chromium (by default /usr/bin/chromium).
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from lockflow.cli.main import main

DOCS = Path(__file__).parent
PICTURE = DOCS / "report.webp"
WIDTH, HEIGHT = 1180, 1060
MOST_BYTES = 150_000


def make(chromium: str) -> None:
    """Lock, check, and take the picture of the page."""
    project = re.search(r'```toml title="pyproject.toml"\n(.*?)```', (DOCS.parent / "README.md").read_text(), re.DOTALL)
    assert project is not None
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name, "trainer")
        folder.mkdir()
        (folder / "pyproject.toml").write_text(project[1], encoding="utf-8")
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            assert main(["lock", "--project", str(folder)]) == 0
            main(["report", "--project", str(folder)])
        flags = ("--headless", "--disable-gpu", "--hide-scrollbars", f"--window-size={WIDTH},{HEIGHT}",
                 "--blink-settings=preferredColorScheme=1")  # fmt: skip
        rights = ("--no-sandbox",) if os.getuid() == 0 else ()
        page = (folder / "reports" / "index.html").as_uri()
        subprocess.run([chromium, *flags, *rights, f"--screenshot={PICTURE}", page], check=True, capture_output=True)
    size = PICTURE.stat().st_size
    assert size < MOST_BYTES, f"{PICTURE.name} has {size} bytes"


if __name__ == "__main__":
    make(*(sys.argv[1:] or ["/usr/bin/chromium"]))

"""The comparison of environments sees what it should see, so that a measure made with it can fail."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from support.environments import contents, differences

LAUNCHER = (
    "#!/env/bin/python\nimport sys\nfrom pear import main\nif __name__:\n    sys.argv[0] = ''\n    sys.exit(main())\n"
)


def environment(root: Path) -> Path:
    for path, text in {
        "pyvenv.cfg": "home = x\n",
        "bin/activate": "x",
        "bin/pear": LAUNCHER,
        "lib/pear.py": "x = 1\n",
        "lib/pear-1.0.dist-info/INSTALLER": "uv",
        "lib/pear-1.0.dist-info/RECORD": "pear.py,sha256=1,6\npear-1.0.dist-info/INSTALLER,sha256=2,2\n",
        "lib/__pycache__/pear.pyc": "",
    }.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")
    return root


def write(path: str, text: str) -> Callable[[Path], object]:
    return lambda root: (root / path).write_text(text, encoding="utf-8")


@pytest.mark.parametrize(
    "change",
    [
        write("pyvenv.cfg", "home = y\n"),
        write("bin/activate", "y"),
        write("lib/pear-1.0.dist-info/INSTALLER", "lockflow"),
        write("lib/pear-1.0.dist-info/RECORD", "pear.py,sha256=1,6\npear-1.0.dist-info/INSTALLER,sha256=3,8\n"),
        write("bin/pear", LAUNCHER.replace("import sys\n", "import re, sys\n", 1)),
        write("lib/__pycache__/pear.pyc", "other"),
    ],
)
def test_what_may_differ_is_overlooked(tmp_path: Path, change: Callable[[Path], object]) -> None:
    one, other = environment(tmp_path / "one"), environment(tmp_path / "other")
    change(other)
    assert differences(contents(one), contents(other)) == []


@pytest.mark.parametrize(
    "change",
    [
        write("lib/pear.py", "x = 2\n"),
        write("lib/more.py", ""),
        lambda root: (root / "lib/pear.py").unlink(),
        lambda root: (root / "lib/pear.py").chmod(0o755),
        write("lib/pear-1.0.dist-info/RECORD", "pear.py,sha256=9,6\n"),
        write("lib/pear-1.0.dist-info/RECORD", "pear-1.0.dist-info/INSTALLER,sha256=2,2\n"),
        write("bin/pear", LAUNCHER.replace("main", "other")),
        write("bin/pear", LAUNCHER.replace("/env/", "/elsewhere/")),
        write("lib/big.bin", "x" * 10_000),
    ],
)
def test_all_else_is_seen(tmp_path: Path, change: Callable[[Path], object]) -> None:
    one, other = environment(tmp_path / "one"), environment(tmp_path / "other")
    change(other)
    assert differences(contents(one), contents(other)) != []

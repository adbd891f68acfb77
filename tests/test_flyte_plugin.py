"""What of the Flyte plugin holds without flytekit; tests/flyte has the rest."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parent.parent


def test_the_entry_point_names_a_file_that_can_be_loaded_without_flytekit() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    module = project["entry-points"]["flytekit.plugins"]["lockflow"]
    code = (
        "import sys; sys.modules['flytekit'] = None; import importlib; importlib.import_module(sys.argv[1]); "
        "print(sorted(name for name in sys.modules if name.startswith('lockflow')))"
    )
    done = subprocess.run([sys.executable, "-c", code, module], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "['lockflow', 'lockflow.flyte']"

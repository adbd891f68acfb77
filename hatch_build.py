"""Build hook: writes what a build knows and run time should not have to look up, and adds the platform definitions.

The default index is a constant of pypi-simple, so no address stands in this tree and run time imports nothing for it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

GENERATED = "lockflow/_default_index.py"


class LockflowBuildHook(BuildHookInterface[Any]):
    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Write the default index before any build; ship `platforms/` in a wheel.

        An editable install takes the definitions from the repository, so that an edit of one is seen at once.
        """
        from pypi_simple import PYPI_SIMPLE_ENDPOINT

        text = (
            '"""The index where a project names none; written by hatch_build.py from a constant of pypi-simple."""\n\n'
            f'DEFAULT_INDEX = "{PYPI_SIMPLE_ENDPOINT.rstrip("/")}"\n'
        )
        target = Path(self.root, GENERATED)
        if not target.exists() or target.read_text(encoding="utf-8") != text:
            target.write_text(text, encoding="utf-8")
        build_data["artifacts"].append(f"/{GENERATED}")
        if self.target_name == "wheel" and version != "editable" and Path(self.root, "platforms").is_dir():
            build_data["force_include"]["platforms"] = "lockflow/_platforms"

    def clean(self, versions: list[str]) -> None:  # noqa: ARG002  the interface has it
        Path(self.root, GENERATED).unlink(missing_ok=True)

from __future__ import annotations

from pathlib import Path

import pytest

from lockflow.inputs.model import ForkStrategy, Prerelease
from lockflow.inputs.read import ReadResult
from support.manifests import in_order, read, refusal


def block(text: str) -> str:
    return "# /// script\n" + "".join(f"# {line}\n" if line else "#\n" for line in text.splitlines()) + "# ///\n"


def script(folder: Path, text: str, **files: str) -> ReadResult:
    return read(folder, {"s.py": text, **files}, script="s.py")


def test_the_block_of_a_script_is_its_manifest(tmp_path: Path) -> None:
    text = (
        "#!/usr/bin/env python\n\n"
        + block(
            'requires-python = ">=3.12"\ndependencies = ["b>1", "a"]\n\n[tool.uv]\nconstraint-dependencies = ["b<9"]\n'
            "[tool.uv.sources]\na = { path = 'wheels/a-1.0-py3-none-any.whl' }"
        )
        + "print(1)\n"
    )
    (tmp_path / "wheels").mkdir()
    (tmp_path / "wheels/a-1.0-py3-none-any.whl").touch()
    result = script(tmp_path, text)
    manifest = result.manifest
    assert manifest.is_script
    assert manifest.requires_python.text == ">=3.12"
    assert in_order(manifest.requirements) == [
        {"name": "b", "specifier": ">1"},
        {"name": "a", "path": "wheels/a-1.0-py3-none-any.whl"},
    ]
    assert in_order(manifest.constraints) == [{"name": "b", "specifier": "<9"}]
    assert result.lock_path == tmp_path / "s.py.lock"
    assert result.input_files == (tmp_path / "s.py", tmp_path / "wheels/a-1.0-py3-none-any.whl")
    assert [path for path, _ in result.local_sources] == ["wheels/a-1.0-py3-none-any.whl"]


def test_a_script_without_a_block_needs_nothing(tmp_path: Path) -> None:
    result = script(tmp_path, "print(1)\n# /// other\n# x = 1\n# ///\n")
    assert result.manifest.requirements == ()
    assert result.manifest.requires_python.text == ">=3.11"
    assert result.warnings == ()


def test_lines_may_end_as_on_windows(tmp_path: Path) -> None:
    text = block('requires-python = ">=3.13"').replace("\n", "\r\n")
    (tmp_path / "s.py").write_bytes(text.encode())
    assert read(tmp_path, script="s.py").manifest.requires_python.text == ">=3.13"


def test_a_block_must_begin_its_line(tmp_path: Path) -> None:
    assert script(tmp_path, "if 1:\n  # /// script\n  # x\n  # ///\n  pass\n").warnings == ()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("# /// script\n# dependencies = []\n", "the metadata of s.py has no end\n  where: s.py, line 1"),
        ("x = 1\n# /// script\n# dependencies = []\n# /// x\n", "the closing line has more in it than '# ///'"),
        ("# /// script\n#dependencies = []\n# ///\n", "the metadata of s.py has no end"),
        (block("dependencies = []") + "x = 1\n" + block(""), "s.py has two blocks of metadata\n  where: s.py, line 5"),
        ("# /// script\n# ///\n# dependencies = ['a']\n# ///\n", "s.py is not valid TOML\n  where: s.py, line 2"),
        ("\n\n" + block("dependencies = [\n'a'"), "s.py is not valid TOML\n  where: s.py, line 5, column 4"),
        (block("dependencies = ['a >>1']"), "s.py, line 2, dependencies[0]"),
        (block("requires-python = '=>3'"), "requires-python cannot be '=>3'"),
        (block("requires-python = '>3,<2'"), "no Python satisfies requires-python"),
        (block("[tool.uv]\nenvironments = ['os_name == \"nt\"']"), "environments cannot be set for a script"),
        (block("[tool.uv]\nmanaged = false"), "managed cannot be set for a script"),
        (
            block("dependencies = ['a']\n[tool.uv.sources]\na = { workspace = true }"),
            "a script has no workspace to find a in",
        ),
    ],
)
def test_a_malformed_block_is_refused(tmp_path: Path, text: str, message: str) -> None:
    assert message in refusal(tmp_path, {"s.py": text}, script="s.py")


def test_a_missing_script_is_refused(tmp_path: Path) -> None:
    assert "there is no such script" in refusal(tmp_path, {}, script="s.py")


def test_unknown_keys_of_a_block_are_warned_about(tmp_path: Path) -> None:
    text = block("requires-python = '>=3.11'\nname = 'x'\n[tool.uv]\nresoltion = 'lowest'")
    one, two = script(tmp_path, text).warnings
    assert "unknown key 'name'" in one
    assert "did you mean resolution?" in two


def test_settings_of_a_script_come_before_those_of_the_folder_one_is_in(tmp_path: Path) -> None:
    files = {
        "s/s.py": block("requires-python = '>=3.11'\n[tool.uv]\nprerelease = 'allow'"),
        "s/uv.toml": "resolution = 'lowest'\n",
        "here/uv.toml": "fork-strategy = 'fewest'\nprerelease = 'disallow'\n",
    }
    settings = read(tmp_path, files, at="here", script="../s/s.py").manifest.settings
    assert settings.prerelease is Prerelease.ALLOW
    assert settings.fork_strategy is ForkStrategy.FEWEST
    assert settings.resolution.value == "highest"


def test_paths_of_a_script_are_relative_to_its_folder(tmp_path: Path) -> None:
    files = {
        "s/s.py": block("requires-python = '>=3.11'\ndependencies = ['a']\n[tool.uv.sources]\na = { path = '../a' }"),
        "a/pyproject.toml": "",
    }
    assert in_order(read(tmp_path, files, script="s/s.py").manifest.requirements) == [
        {"name": "a", "directory": "../a"}
    ]

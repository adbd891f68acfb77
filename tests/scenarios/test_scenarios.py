"""Every scenario locked from memory (`make scenarios`); with `-m uv` real uv is asked as well and must agree."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from support.index_content import IndexContent, one_origin
from support.index_server import IndexServer
from support.reference import run_uv, uv_path
from support.scenarios import SCENARIOS, load_scenario, lock_scenario, outcome

NAMES = sorted(path.stem for path in SCENARIOS.glob("*.toml"))


@pytest.mark.parametrize("name", NAMES)
def test_scenario_comes_out_as_expected(name: str, tmp_path: Path) -> None:
    scenario = load_scenario(SCENARIOS / f"{name}.toml")
    found = outcome(*lock_scenario(scenario, tmp_path / "project"), tmp_path / "project")
    if os.environ.get("REWRITE_EXPECTED"):
        scenario.rewrite(found)
        scenario = load_scenario(scenario.path)
    assert found == scenario.expected, scenario.about


@pytest.mark.uv
@pytest.mark.skipif(uv_path() is None, reason="uv is not installed beside this Python")
@pytest.mark.parametrize("name", NAMES)
def test_reference_locks_the_scenario_alike(name: str, tmp_path: Path) -> None:
    scenario = load_scenario(SCENARIOS / f"{name}.toml")
    run, _ = lock_scenario(scenario, tmp_path / "own")
    folder = tmp_path / "reference"
    expected = said = ""
    with IndexServer() as server:
        hosts = one_origin(server.origin)
        for number, (universe, args) in enumerate(scenario.states):
            server.answer = IndexContent(universe.table, hosts).answer
            universe.write(folder, hosts)
            # Pages may have changed since the state before.
            done = run_uv(["lock", *args], folder, tmp_path / f"uv-cache{number}")
            said = done.stderr
            if done.returncode != 0:
                break
        else:
            expected = hosts.publish((folder / "uv.lock").read_text(encoding="utf-8"))
    if run.code != 0:
        assert "No solution found" in said, said
        return
    assert expected, said
    assert (tmp_path / "own" / "uv.lock").read_text(encoding="utf-8") == expected

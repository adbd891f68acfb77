"""The files of tests/scenarios: a small world, and what must come out when it is locked."""

from __future__ import annotations

import json
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

from lockflow.resolve import drive
from lockflow.resolve.solve import Solver, Statistics
from support.index_server import MemoryTransport
from support.run import Run, run_lock
from support.universe import Universe, read_universe

SCENARIOS = Path(__file__).parent.parent / "scenarios"
_HEAD = "\n[expected]\n"


@dataclass(frozen=True, slots=True)
class Scenario:
    """One file. `states` are locked one after the other in the same folder, each with its arguments."""

    path: Path
    about: str
    states: tuple[tuple[Universe, tuple[str, ...]], ...]
    expected: Mapping[str, Any]

    def rewrite(self, outcome: Mapping[str, Any]) -> None:
        """Write what came out behind the scenario, in place of what was expected."""
        text = self.path.read_text(encoding="utf-8").partition(_HEAD)[0].rstrip("\n")
        self.path.write_text(text + "\n" + _HEAD + "".join(_expected_lines(outcome)), encoding="utf-8")


def load_scenario(path: Path) -> Scenario:
    table = tomllib.loads(path.read_text(encoding="utf-8"))
    states = [(read_universe(table), tuple(table.get("args", ())))]
    if "then" in table:
        later = {**table, **table["then"]}
        states.append((read_universe(later), tuple(later.get("args", ()))))
    return Scenario(path, table["about"], tuple(states), table.get("expected", {}))


def lock_scenario(scenario: Scenario, folder: Path) -> tuple[Run, list[Statistics]]:
    """Lock all states in `folder`; how the last run ended, and what each resolution cost."""
    costs: list[Statistics] = []

    class Counted(Solver):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            costs.append(self.statistics)

    run = Run(0, "")
    with patch.object(drive, "Solver", Counted):
        for number, (universe, args) in enumerate(scenario.states):
            universe.write(folder)
            transport = MemoryTransport(universe.content().answer)
            cache = folder.parent / f"{folder.name}-cache{number}"
            run = run_lock(folder, ["lock", *args], transport, cache=cache, python=universe.python)
            if run.code != 0:
                break
    return run, costs


def outcome(run: Run, costs: list[Statistics], folder: Path) -> dict[str, Any]:
    """What a scenario states of a run, in the order in which it is written down."""
    found: dict[str, Any] = {}
    if costs:
        # Of the last lock; a lock that was still right costs none.
        found["decisions"] = costs[-1].decisions
    if run.error is not None:
        return found | {"failure": [run.error.what, *run.error.why.splitlines()]}
    lock = tomllib.loads((folder / "uv.lock").read_text(encoding="utf-8"))
    found["forks"] = lock.get("resolution-markers", [])
    names = Counter(package["name"] for package in lock["package"])
    found["packages"] = [_package_text(package) for package in lock["package"] if package["name"] != "root-proj"]
    found["edges"] = [
        text for package in lock["package"] for text in _edge_texts(package, is_alone=names[package["name"]] == 1)
    ]
    return found


def _package_text(package: Mapping[str, Any]) -> str:
    text = f"{package['name']} {package.get('version', '')}".strip() + _place(package["source"])
    if "resolution-markers" in package:
        text += f" ; {' | '.join(package['resolution-markers'])}"
    return text


def _place(source: Mapping[str, Any]) -> str:
    index = source.get("registry", "https://index.example/simple")
    return "" if index == "https://index.example/simple" else f" from {index.rpartition('/')[2]}"


def _edge_texts(package: Mapping[str, Any], *, is_alone: bool) -> Iterator[str]:
    parent = package["name"] if is_alone else f"{package['name']} {package['version']}{_place(package['source'])}"
    tables = [("", package.get("dependencies", []))]
    tables += [(f"[{name}]", entries) for name, entries in package.get("optional-dependencies", {}).items()]
    tables += [(f":{name}", entries) for name, entries in package.get("dev-dependencies", {}).items()]
    for suffix, entries in tables:
        for entry in entries:
            extras = f"[{','.join(entry['extra'])}]" if "extra" in entry else ""
            version = f" {entry['version']}" if "version" in entry else ""
            place = _place(entry["source"]) if "source" in entry else ""
            marker = f" ; {entry['marker']}" if "marker" in entry else ""
            yield f"{parent}{suffix} -> {entry['name']}{extras}{version}{place}{marker}"


def _expected_lines(found: Mapping[str, Any]) -> Iterator[str]:
    for key, value in found.items():
        if isinstance(value, int):
            yield f"{key} = {value}\n"
        elif not value:
            yield f"{key} = []\n"
        else:
            yield f"{key} = [\n" + "".join(f"    {_quoted(text)},\n" for text in value) + "]\n"


def _quoted(text: str) -> str:
    # A JSON string is a TOML string.
    return json.dumps(text, ensure_ascii=False)

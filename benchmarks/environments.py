"""Environments of real projects by `lockflow sync` and by `uv sync` from the same lock: the same files, and how fast.

Each tool syncs with an empty cache, then again without the environment (warm), then with nothing to do. Projects are
not installed themselves, since only their pyproject.toml is here. The last lines say how many environments are equal
and how the times compare in the middle.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import sys
from pathlib import Path

from benchmarks.measure import Cost, run
from benchmarks.tools import BIN
from benchmarks.upstream import default_index
from support.environments import contents, differences
from support.reference import interpreters_path

HERE = Path(__file__).parent
HOME = HERE.parent / ".lockflow-bench" / "environments"
CUT_OFF = "2026-10-01T00:00:00Z"
PROJECTS = (
    "anyio", "fastapi", "mcp-python-sdk", "openai-agents", "set-django", "set-linters", "set-scraping", "set-sphinx",
    "uv-black", "uv-flask", "uv-github-wikidata-bot", "uv-jupyterlab",
)  # fmt: skip
STAGES = ("cold", "warm", "no-op")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("projects", nargs="*", help=f"folders in benchmarks/real-projects; default {len(PROJECTS)}")
    parser.add_argument("--repeat", type=int, default=3, help="runs of what is warm, of which the fastest counts")
    options = parser.parse_args()
    index = default_index()
    ratios: dict[str, list[float]] = {stage: [] for stage in STAGES}
    names = options.projects or PROJECTS
    equal = compared = 0
    print(
        "| project | packages | files | " + " | ".join(f"{stage} uv s | lockflow s" for stage in STAGES) + " | equal |"
    )
    print("|---" * (4 + 2 * len(STAGES)) + "|")
    for name in names:
        folder = project(name, index)
        if folder is None:
            continue
        compared += 1
        uv, reference = synced("uv", folder, index, options.repeat)
        own, found = synced("lockflow", folder, index, options.repeat)
        cells = []
        for stage in STAGES:
            cells += [f"{uv[stage].wall_seconds:.2f}", f"{own[stage].wall_seconds:.2f}"]
            ratios[stage].append(own[stage].wall_seconds / uv[stage].wall_seconds)
        lines = differences(reference, found)
        (HOME / f"{name}.diff").write_text("\n".join(lines), encoding="utf-8")
        equal += not lines and bool(found)
        count = sum(path.endswith(".dist-info/METADATA") for path in found)
        verdict = "yes" if not lines and found else f"{len(lines)} differ"
        print(f"| {name} | {count} | {len(found)} | {' | '.join(cells)} | {verdict} |", flush=True)
        for tool, costs in (("uv", uv), ("lockflow", own)):
            for stage, cost in costs.items():
                if cost.code != 0:
                    print(f"{name}: {tool}, {stage}: code {cost.code}: {cost.said.strip()[-600:]}", file=sys.stderr)
    print(f"environments: {equal} of {compared} equal")
    if compared:
        told = (f"{stage} {statistics.median(ratios[stage]):.1f}x" for stage in STAGES)
        print(f"wall time of lockflow to that of uv, median: {', '.join(told)}")
    return int(equal < compared)


def project(name: str, index: str) -> Path | None:
    """The project with a lock, made by lockflow; None where there is no lock for it today."""
    folder = HOME / name
    if not (folder / "uv.lock").exists():
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(HERE / "real-projects" / name, folder)
        for path in folder.rglob("*"):
            if path.is_file() and b"@INDEX@" in (content := path.read_bytes()):
                path.write_bytes(content.replace(b"@INDEX@", index.encode()))
        cost = call("lockflow", folder, index, "lock")
        if cost.code != 0:
            print(f"{name}: no lock: {cost.said.strip()[-300:]}", file=sys.stderr)
            return None
    return folder


def synced(tool: str, folder: Path, index: str, repeat: int) -> tuple[dict[str, Cost], dict[str, tuple[str, ...]]]:
    """What each stage cost, and what is in the environment at the end."""
    environment = folder / ".venv"
    shutil.rmtree(HOME / f"cache-{tool}", ignore_errors=True)
    costs = {}
    for stage in STAGES:
        found = []
        for _ in range(1 if stage == "cold" else repeat):
            if stage != "no-op":
                shutil.rmtree(environment, ignore_errors=True)
            found.append(call(tool, folder, index, "sync", "--frozen", "--no-install-workspace"))
        costs[stage] = min(found, key=lambda cost: cost.wall_seconds)
    seen = contents(environment)
    shutil.rmtree(environment, ignore_errors=True)
    return costs, seen


def call(tool: str, folder: Path, index: str, command: str, *more: str) -> Cost:
    cut_off = ["--exclude-newer", CUT_OFF] if command == "lock" else []
    cache = str(HOME / f"cache-{'lock' if command == 'lock' else tool}")
    settings = {
        "UV_DEFAULT_INDEX": index,
        "UV_CACHE_DIR": cache,
        "LOCKFLOW_CACHE_DIR": cache,
        "UV_PYTHON_DOWNLOADS": "never",
        "PATH": interpreters_path(),
    }
    kept = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
    return run([str(BIN / tool), command, *cut_off, *more], folder, kept | settings, timeout_seconds=900)


if __name__ == "__main__":
    sys.exit(main())

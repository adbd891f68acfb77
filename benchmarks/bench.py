"""lockflow against uv (and peers), alternating, on projects locked over a recorded index: tables of medians and ratios.

Every project is locked once by every tool over the recording index before anything is measured, so that the replay
holds whatever each of them asks for. Then, on a replay without any network, each tool in turn does three runs:

cold: no cache and no lock; warm: the cache of the run before, no lock; no-op: cache and lock as left by the run before.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from benchmarks.measure import Cost, run
from benchmarks.tools import MODES, OWN, Tool, peers

HERE = Path(__file__).parent
HOME = HERE.parent / ".lockflow-bench"
INDEX = HOME / "index"
RECORDED = INDEX / "recorded.json"
USED = HOME / "used"
Cell = tuple[str, float, str, str]
"""Project, latency in milliseconds, tool, mode."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--projects", default="web,data,ml,big", help="default %(default)s")
    parser.add_argument("--latency", default="0,25", help="milliseconds before every answer; default %(default)s")
    parser.add_argument("--runs", type=int, default=5, help="default %(default)s; slow peers do fewer")
    parser.add_argument("--tools", default="", help="only these, by name")
    parser.add_argument("--record-only", action="store_true", help="record what is missing and stop")
    options = parser.parse_args()
    tools = OWN + (peers(HOME / "peers") if os.environ.get("PEERS") == "1" else ())
    if options.tools:
        tools = tuple(tool for tool in tools if tool.name in options.tools.split(","))
    projects = options.projects.split(",")
    failures = record(projects, tools)
    if options.record_only:
        return int(any(tool == "uv" for _, tool in failures))
    costs: dict[Cell, list[Cost]] = defaultdict(list)
    for latency in map(float, options.latency.split(",")):
        for project in projects:
            able = [tool for tool in tools if (project, tool.name) not in failures]
            with replay(latency) as origin:
                measure(project, latency, able, origin, options.runs, costs)
    shutil.rmtree(USED, ignore_errors=True)
    table = "\n".join(as_markdown(projects, options.latency.split(","), tools, costs, failures))
    HOME.joinpath("results.md").write_text(table + "\n", encoding="utf-8")
    HOME.joinpath("results.json").write_text(
        json.dumps([[*cell, [cost[:4] for cost in found]] for cell, found in costs.items()]), encoding="utf-8"
    )
    print(table)
    return 0


@contextlib.contextmanager
def replay(latency_ms: float = 0, *, record_from: str | None = None) -> Iterator[str]:
    """Serve the recorded index from another process; gives its origin."""
    command = [sys.executable, "-m", "benchmarks.serve", str(INDEX), "--latency-ms", str(latency_ms)]
    if record_from:
        command += ["--record", record_from]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        assert server.stdin is not None
        yield server.stdout.readline().strip()
        server.stdin.close()


def record(projects: list[str], tools: tuple[Tool, ...]) -> set[tuple[str, str]]:
    """Let every tool lock every project once over the recording index; returns who could not.

    A peer that failed once is not asked again (minutes, for some); delete recorded.json to ask anew.
    """
    recorded = json.loads(RECORDED.read_text(encoding="utf-8")) if RECORDED.exists() else {}
    pairs = [(project, tool) for project in projects for tool in tools]
    missing = [
        (project, tool)
        for project, tool in pairs
        if key(project, tool) not in recorded or (recorded[key(project, tool)] != 0 and tool in OWN)
    ]
    if missing:
        from benchmarks.upstream import default_index  # noqa: PLC0415  httpx would weigh on every measured child

        with replay(record_from=default_index()) as origin:
            for project, tool in missing:
                cost = lock(tool, project, origin, fresh_folder(tool, project, origin), "cold")
                recorded[key(project, tool)] = cost.code
                outcome = "recorded" if cost.code == 0 else f"exit {cost.code}: {cost.said.strip()[-300:]}"
                print(f"{project}, {tool.name}: {cost.wall_seconds:.1f} s, {outcome}", file=sys.stderr)
                RECORDED.write_text(json.dumps(recorded, indent=1), encoding="utf-8")
    return {(project, tool.name) for project, tool in pairs if recorded[key(project, tool)] != 0}


def key(project: str, tool: Tool) -> str:
    return f"{project}: {' '.join(Path(word).name for word in tool.command)}"


def fresh_folder(tool: Tool, project: str, origin: str) -> Path:
    """An empty cache, and the project as this tool wants it.

    What was there is kept until all is measured: ext4 goes around the inodes of files deleted in the last minutes one
    by one, so that a run which stores files soon after others were deleted pays for these (a fifth of `big`, cold).
    """
    home = HOME / "work" / tool.name.replace(" ", "-")
    if home.exists():
        USED.mkdir(parents=True, exist_ok=True)
        home.rename(Path(tempfile.mkdtemp(dir=USED), home.name))
    folder = home / project
    shutil.copytree(HERE / "projects" / project, folder)
    tool.prepare(folder, origin)
    return folder


def lock(tool: Tool, project: str, origin: str, folder: Path, mode: str) -> Cost:
    if mode != "no-op":
        folder.joinpath(tool.lock).unlink(missing_ok=True)
    environment = tool.environment_for(origin, folder.parent / "cache")
    cost = run(tool.command, folder, environment, timeout_seconds=tool.timeout_seconds)
    if cost.code == 0 and not folder.joinpath(tool.lock).exists():
        return cost._replace(code=1, said=f"{tool.name} wrote no {tool.lock} for {project}")
    return cost


def measure(
    project: str, latency: float, tools: list[Tool], origin: str, runs: int, costs: dict[Cell, list[Cost]]
) -> None:
    """Alternate the tools, so that a slow minute of the machine falls on all of them."""
    for tool in tools:  # rehearsal: files in memory, bytecode written, replay built; never counted
        if tool.runs is None:
            lock(tool, project, origin, fresh_folder(tool, project, origin), "cold")
    for number in range(runs):
        for tool in tools:
            if tool.runs is not None and number >= tool.runs:
                continue
            folder = fresh_folder(tool, project, origin)
            for mode in MODES:
                cost = lock(tool, project, origin, folder, mode)
                if mode in tool.modes:
                    costs[project, latency, tool.name, mode].append(cost)
                if cost.code != 0:
                    print(f"{project}, {tool.name}, {mode}: exit {cost.code}: {cost.said[-300:]}", file=sys.stderr)
                    break


def as_markdown(
    projects: list[str], latencies: list[str], tools: tuple[Tool, ...], costs: dict[Cell, list[Cost]],
    failures: set[tuple[str, str]],
) -> Iterator[str]:  # fmt: skip
    yield "Medians; in each cell wall seconds / processor seconds / peak MB, and in brackets how many times uv's."
    for latency in map(float, latencies):
        for project in projects:
            yield f"\n**{project}**, {latency:g} ms before each answer\n"
            yield f"| | {' | '.join(MODES)} |"
            yield f"|---|{'---|' * len(MODES)}"
            for tool in tools:
                cells = [as_cell(costs, (project, latency, tool.name, mode)) for mode in MODES]
                failed = (project, tool.name) in failures
                yield f"| {tool.name} | {' | '.join(['fails'] * len(MODES) if failed else cells)} |"


def as_cell(costs: dict[Cell, list[Cost]], cell: Cell) -> str:
    own, reference = medians(costs.get(cell)), medians(costs.get((cell[0], cell[1], "uv", cell[3])))
    if own is None:
        return "fails" if costs.get(cell) else "–"
    digits = 2 if own[0] > 0.2 else 3
    text = f"{own[0]:.{digits}f} / {own[1]:.{digits}f} / {own[2]:.0f}"
    if reference is None or cell[2] == "uv":
        return text
    return text + " (" + " / ".join(f"{mine / theirs:.1f}" for mine, theirs in zip(own, reference, strict=True)) + ")"


def medians(found: list[Cost] | None) -> tuple[float, float, float] | None:
    good = [cost for cost in found or () if cost.code == 0]
    if not good or len(good) < len(found or ()):
        return None
    wall, cpu, peak = (statistics.median(values) for values in list(zip(*good, strict=True))[:3])
    return wall, max(cpu, 0.001), peak


if __name__ == "__main__":
    sys.exit(main())

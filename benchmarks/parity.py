"""Real projects locked by lockflow and by real uv on the index this machine reaches: the same bytes or not.

Both get the same cut-off. Locks and differences stay under `.lockflow-bench/parity/` to be read. The last line says
how many locks are identical and how many of lockflow's real uv accepts (`uv lock --check`).
"""

from __future__ import annotations

import argparse
import difflib
import os
import shutil
import sys
from pathlib import Path

from benchmarks.measure import Cost, run
from benchmarks.tools import BIN
from benchmarks.upstream import default_index
from support.reference import interpreters_path

HERE = Path(__file__).parent
HOME = HERE.parent / ".lockflow-bench" / "parity"
CUT_OFF = "2026-10-01T00:00:00Z"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("projects", nargs="*", help="names of folders in benchmarks/real-projects; default all")
    parser.add_argument("--from", dest="source", type=Path, default=HERE / "real-projects", help="another collection")
    parser.add_argument("--again", action="store_true", help="keep uv's locks of the run before, if there are any")
    options = parser.parse_args()
    names = options.projects or sorted(path.name for path in options.source.iterdir() if path.is_dir())
    index = default_index()
    identical = accepted = 0
    print(
        "| project | packages | forks | uv s | lockflow s | identical | accepted by uv |\n|---|---|---|---|---|---|---|"
    )
    for name in names:
        reference, uv_cost = lock_with("uv", options.source / name, index, keep=options.again)
        own, own_cost = lock_with("lockflow", options.source / name, index)
        same = reference != "" and reference == own
        check = call("uv", HOME / "lockflow" / name, index, "--check") if own else None
        is_accepted = check is not None and check.code == 0
        identical += same
        accepted += is_accepted
        counts = f"{reference.count('[[package]]')} | {forks(reference)}"
        print(
            f"| {name} | {counts} | {uv_cost.wall_seconds:.1f} | {own_cost.wall_seconds:.1f}"
            f" | {'yes' if same else difference(name, reference, own)} | {'yes' if is_accepted else 'no'} |",
            flush=True,
        )
        for tool, cost in (("uv", uv_cost), ("lockflow", own_cost), ("uv --check", check)):
            if cost is not None and cost.code != 0:
                print(f"{name}: {tool} ended with {cost.code}: {cost.said.strip()[-600:]}", file=sys.stderr)
    print(f"parity: {identical} of {len(names)} identical, {accepted} of {len(names)} accepted")
    return int(accepted < len(names))


def lock_with(tool: str, source: Path, index: str, *, keep: bool = False) -> tuple[str, Cost]:
    """The text of the lock, empty where there is none."""
    folder = HOME / tool / source.name
    lock = folder / "uv.lock"
    if keep and lock.exists():
        return lock.read_bytes().decode(), Cost(0, 0, 0, 0, "kept")
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(source, folder)
    for path in folder.rglob("*"):
        if path.is_file() and b"@INDEX@" in (content := path.read_bytes()):
            path.write_bytes(content.replace(b"@INDEX@", index.encode()))
    cost = call(tool, folder, index)
    return lock.read_bytes().decode() if cost.code == 0 and lock.exists() else "", cost


def call(tool: str, folder: Path, index: str, *more: str) -> Cost:
    command = [str(BIN / tool), "lock", "--exclude-newer", CUT_OFF, *more]
    cache = str(HOME / f"cache-{tool}")
    settings = {
        "UV_DEFAULT_INDEX": index,
        "UV_CACHE_DIR": cache,
        "LOCKFLOW_CACHE_DIR": cache,
        "UV_PYTHON_DOWNLOADS": "never",
        "PATH": interpreters_path(),
    }
    return run(command, folder, os.environ | settings, timeout_seconds=900)


def forks(lock: str) -> int:
    """Entries of the header's resolution-markers, which stand only where the resolution forked."""
    header = lock.partition("[[package]]")[0]
    if "resolution-markers = [" not in header:
        return 0
    return header.partition("resolution-markers = [")[2].partition("\n]")[0].count("\n    ")


def difference(name: str, reference: str, own: str) -> str:
    """Write the difference down, and say how large it is."""
    lines = list(difflib.unified_diff(reference.splitlines(True), own.splitlines(True), "uv", "lockflow", n=3))
    path = HOME / f"{name}.diff"
    path.write_text("".join(lines), encoding="utf-8")
    return f"{sum(line[0] in '+-' for line in lines[2:])} lines differ"


if __name__ == "__main__":
    sys.exit(main())

"""Compare levels `tags` and `probe` with one another and with uv's own plan, for every package of real locks.

The question is whether they say the same.

Each project is locked on the index this machine reaches, with the cut-off of the parity run. Then every package that
applies on linux/amd64 and linux/arm64 is judged three times: by the tag rules of the shipped definition, by a probe in
the platform's image, and by real uv there, which is asked on its own (`uv sync --frozen --dry-run --offline`, with and
without `--no-build`, again without each package that it refuses): `wheel` is what it would install without a build,
`sdist` what it would build, `missing` what it refuses both times. Needs an engine with the images of .ci/start-engine.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import shutil
import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

from benchmarks.parity import HERE, lock_with
from benchmarks.parity import HOME as PARITY
from benchmarks.upstream import default_index
from lockflow import checking, steps
from lockflow.engines.docker import DockerEngine
from lockflow.engines.model import Command, InputFile, Limits, Place
from lockflow.inputs.settings import NEWEST_UV
from lockflow.platforms.model import Level
from lockflow.report.model import PlatformReport
from support.containers import ARCHES
from support.old_uv import program_in, wheel_of

HOME = PARITY.with_name("agreement")
PROJECTS = ("fastapi", "set-airflow", "uv-jupyterlab")
WHEELS = {"linux/amd64": "manylinux2014_x86_64", "linux/arm64": "manylinux2014_aarch64"}
IMAGE = "python:{python}-slim-bookworm"
PYTHON = "3.11"

Judgement = Mapping[str, str]
"""What is said of each package, by `name==version`: a status, and of lockflow's levels the wheel that was chosen."""

ASK = r"""
import json, os, re, subprocess, sys
refusal = re.compile(r"Distribution `([A-Za-z0-9._-]+)==([^ ]+) @ ")
def ask(*flags):
    refused = {}
    while True:
        left_out = [f"--no-install-package={name}" for name in refused]
        argv = ["/lockflow/uv", "sync", "--frozen", "--dry-run", "--offline", "--all-extras", "--all-groups",
                "--all-packages", "--no-install-workspace", *flags, *left_out]
        done = subprocess.run(argv, cwd="/lockflow/project", capture_output=True, text=True)
        if done.returncode == 0:
            return {"planned": re.findall(r"^ \+ (\S+==\S+)", done.stderr, re.M), "refused": refused}
        found = refusal.search(done.stderr)
        if found is None or found[1] in refused:
            sys.exit(done.stderr)
        refused[found[1]] = found[2]
print(json.dumps([ask("--no-build"), ask()]))
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("projects", nargs="*", default=PROJECTS, help="folders of benchmarks/real-projects")
    parser.add_argument("--again", action="store_true", help="keep the locks of the run before, if there are any")
    options = parser.parse_args()
    differing: list[str] = []
    print("| project | platform | packages | wheel | sdist | missing | tags and probe differ | tags and uv differ |")
    print("|---|---|---|---|---|---|---|---|")
    for name, platform in itertools.product(options.projects, ARCHES):
        folder = _locked(name, keep=options.again)
        tags, probe = (_judged(folder, platform, level) for level in ("tags", "probe"))
        uv = _asked(folder, platform)
        plain = {package: said.partition(" ")[0] for package, said in tags.items()}
        of_probe, of_uv = differences(tags, probe), differences(plain, uv)
        counts = Counter(plain.values())
        statuses = " | ".join(str(counts[status]) for status in ("wheel", "sdist", "missing"))
        print(f"| {name} | {platform} | {len(tags)} | {statuses} | {len(of_probe)} | {len(of_uv)} |", flush=True)
        for package in sorted({*of_probe, *of_uv}):
            said = (judgement.get(package, "not there") for judgement in (tags, probe, uv))
            differing.append(f"| {name} | {platform} | {package} | {' | '.join(said)} |")
    if differing:
        print("\n| project | platform | package | tags | probe | uv |\n|---|---|---|---|---|---|", *differing, sep="\n")
    print(f"agreement: {len(differing)} disagreements")
    return int(bool(differing))


def _locked(name: str, *, keep: bool) -> Path:
    """A copy of the project with its lock, whose Linux platforms are the images at hand."""
    source = PARITY / "lockflow" / name
    if not (keep and (source / "uv.lock").exists()):
        _, cost = lock_with("lockflow", HERE / "real-projects" / name, default_index())
        if cost.code != 0:
            raise SystemExit(f"{name} was not locked: {cost.said}")
    folder = HOME / name
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(source, folder)
    (folder / "platforms").mkdir(exist_ok=True)
    for platform, arch in ARCHES.items():
        file = f"{platform.replace('/', '-')}.toml"
        shipped = (HERE.parent / "platforms" / file).read_text(encoding="utf-8")
        assert IMAGE in shipped
        text = shipped.replace(IMAGE, f"lockflow-test/python:{arch}")
        (folder / "platforms" / file).write_text(text, encoding="utf-8")
    return folder


def _judged(folder: Path, platform: str, level: Level) -> Judgement:
    """What lockflow says; raises where evidence speaks against the platform as a whole."""
    environment = {**os.environ, "UV_DEFAULT_INDEX": default_index()}
    is_probe = level == "probe"
    report = checking.check(
        steps.Target(directory=folder, environment=environment),
        [platform],
        pythons=[PYTHON],
        network=steps.Network(cache_dir=PARITY / "cache-lockflow"),
        executor="docker" if is_probe else "process",
        level=level,
        open_engine=DockerEngine if is_probe else None,
    )
    (found,) = report.platforms
    _say_objections(found)
    entries = (entry for python in found.pythons for entry in python.entries)
    # The members of the workspace are what the lock is for; nobody has files of them.
    return {
        f"{entry.package}=={entry.version}": f"{entry.status} {entry.file}".rstrip()
        for entry in entries
        if entry.reason != "a source tree"
    }


def _say_objections(report: PlatformReport) -> None:
    if report.fault is not None:
        raise SystemExit(f"{report.platform} could not be judged: {report.fault.what}: {report.fault.why}")
    for python in report.pythons:
        for objection in python.objections:
            print(f"{report.platform}: {objection.what}: {objection.why}", file=sys.stderr)


def _asked(folder: Path, platform: str) -> Judgement:
    """What real uv says, without lockflow in between but for the container it runs in."""
    files = [path for path in folder.rglob("*") if path.name in {"pyproject.toml", "uv.lock", "uv.toml"}]
    project = [
        InputFile(path=f"/lockflow/project/{path.relative_to(folder).as_posix()}", content=path.read_bytes())
        for path in files
    ]
    uv = program_in(wheel_of("uv", NEWEST_UV, WHEELS[platform]), NEWEST_UV)
    command = Command(
        argv=("python3", "-c", ASK),
        place=Place(image=f"lockflow-test/python:{ARCHES[platform]}", platform=platform),
        purpose=f"uv on {platform}",
        files=(*project, InputFile(path="/lockflow/uv", content=uv, is_executable=True)),
        environment=(
            ("UV_CACHE_DIR", "/lockflow/work/cache"),
            ("UV_PROJECT_ENVIRONMENT", "/lockflow/work/environment"),
            ("UV_PYTHON_DOWNLOADS", "never"),
        ),
        limits=Limits(timeout_seconds=600),
    )
    engine = DockerEngine()
    try:
        outcome = engine.run(command)
    finally:
        engine.close()
    if outcome.exit_code != 0:
        raise SystemExit(f"uv on {platform}: {outcome.stderr}")
    without_build, with_build = json.loads(outcome.stdout.splitlines()[-1])
    statuses = dict.fromkeys(without_build["planned"], "wheel")
    statuses |= dict.fromkeys(_named(without_build["refused"]), "sdist")
    return statuses | dict.fromkeys(_named(with_build["refused"]), "missing")


def _named(refused: Mapping[str, str]) -> Iterable[str]:
    return (f"{name}=={version}" for name, version in refused.items())


def differences(one: Judgement, other: Judgement) -> list[str]:
    return [package for package in {*one, *other} if one.get(package) != other.get(package)]


if __name__ == "__main__":
    sys.exit(main())

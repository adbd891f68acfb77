"""Random small projects, locked by lockflow and by real uv over loopback and compared byte for byte (`make fuzz`).

A tool, not a test: `python tests/resolve/fuzz.py --count 200 --seed 1`. Half of the cases are locked a second time
after an edit, so that the versions and forks of the old lock are reused. A case that differs is made as small as it
can be while it still differs, and written in the form of tests/scenarios.
"""

from __future__ import annotations

import argparse
import copy
import difflib
import itertools
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

from support.index_content import Answer, Hosts, IndexContent
from support.index_server import IndexServer, MemoryTransport
from support.reference import run_uv
from support.run import run_lock
from support.universe import Universe, read_universe
from support.universe_text import pyproject_text, scenario_text

Case = dict[str, Any]
"""`root` and `members` (see universe_text), `packages`, `indexes`; `then`: `args` and the parts that are replaced."""

NAMES = ("alpha", "beta", "delta", "eps", "eta", "gamma", "theta", "zeta")
VERSIONS = ("0.9", "1.0", "1.1", "1.1.1", "2.0", "2.1", "3.0", "4.0")
RARE_VERSIONS = ("2.0a1", "2.0rc1", "3.0b1", "4.0.dev1", "1.0.post1", "2.0+cpu", "3.0+cu1", "5.0a1", "0.9a1")
MARKERS = (
    "sys_platform == 'linux'", "sys_platform == 'win32'", "sys_platform == 'darwin'", "sys_platform != 'win32'",
    "sys_platform != 'linux'", "platform_machine == 'x86_64'", "platform_machine == 'aarch64'", "os_name == 'nt'",
    "python_version >= '3.10'", "python_version < '3.11'", "python_version >= '3.12'", "python_version < '3.9'",
    "python_full_version >= '3.11.4'", "python_version == '3.11'", "python_version != '3.10'",
    "platform_python_implementation == 'CPython'", "platform_python_implementation != 'PyPy'",
    "implementation_name == 'pypy'", "platform_system == 'Linux'", "platform_machine in 'x86_64 arm64'",
    "python_version in '3.9 3.10'",
)  # fmt: skip
PYTHONS = (
    ">=3.8",
    ">=3.9",
    ">=3.10",
    ">=3.11",
    ">=3.12",
    ">=3.13",
    ">=3.9,<3.13",
    "<3.12",
    ">3.9",
    "==3.11.*",
    "!=3.10.*",
)
OWN_PYTHONS = (">=3.8", ">=3.9", ">=3.9", ">=3.10", ">=3.11", ">=3.9,<3.13", ">=3.9,<4", "==3.11.*", ">=3.10.2", ">3.9")
ENVIRONMENTS = (
    "sys_platform == 'linux'", "sys_platform == 'win32'", "sys_platform == 'darwin'",
    "sys_platform == 'linux' and platform_machine == 'x86_64'",
    "sys_platform == 'darwin' and platform_machine == 'arm64'", "sys_platform == 'linux' and python_version >= '3.11'",
    "python_version < '3.11'", "python_version >= '3.12'",
)  # fmt: skip
TIMES = ("2023-01-01T00:00:00Z", "2023-06-01T00:00:00Z", "2024-06-01T00:00:00Z", "2025-01-01T00:00:00Z")
WHEELS = (
    "py3-none-any", "py2.py3-none-any", "cp39-cp39-manylinux_2_17_x86_64", "cp311-cp311-manylinux_2_17_x86_64",
    "cp311-cp311-manylinux_2_17_aarch64", "cp311-cp311-win_amd64", "cp311-cp311-macosx_11_0_arm64",
    "cp312-cp312-manylinux_2_17_x86_64", "cp312-cp312-win_amd64", "cp312-cp312-macosx_11_0_arm64",
    "cp39-abi3-manylinux_2_17_x86_64", "cp38-abi3-win_amd64", "pp310-pypy310_pp73-manylinux_2_17_x86_64",
    "py3-none-manylinux_2_17_x86_64", "py3-none-win_amd64", "py3-none-macosx_11_0_arm64", "py3-none-win32",
    "py310-none-any", "cp27-cp27m-win32", "cp313-cp313-musllinux_1_2_x86_64", "py3-none-macosx_10_9_universal2",
)  # fmt: skip


# Random cases -------------------------------------------------------------------------------------------------------


class Maker:
    """Makes cases from one source of randomness; mostly solvable ones, since those say more."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._versions: dict[str, list[str]] = {}
        self._extras: dict[str, list[str]] = {}

    def case(self) -> Case:
        chance, pick = self._random.random, self._random.choice
        names = sorted(self._random.sample(NAMES, self._random.randint(3, 7)))
        self._has_markers = chance() < 0.8
        self._has_rare = chance() < 0.35
        self._has_extras = chance() < 0.45
        self._has_platforms = chance() < 0.35
        self._has_pythons = chance() < 0.45
        for name in names:
            pool = [*VERSIONS, *(RARE_VERSIONS if self._has_rare else ())]
            self._versions[name] = self._random.sample(pool, self._random.randint(2, 6))
            self._extras[name] = self._random.sample(["x", "y"], self._random.randint(1, 2)) if self._is_extra() else []
        case: Case = {"root": self._root(names), "packages": self._packages(names)}
        if chance() < 0.12:
            case["indexes"] = {"other": self._packages(self._random.sample(names, self._random.randint(1, 3)))}
            case["root"]["indexes"] = {"other": {"explicit": chance() < 0.6}}
            if case["root"]["indexes"]["other"]["explicit"]:
                case["root"]["sources"] = self._sources(case)
            elif chance() < 0.5:
                case["root"]["uv"]["index-strategy"] = pick(["unsafe-first-match", "unsafe-best-match", "first-index"])
        if chance() < 0.15:
            self._add_members(case, names)
        if chance() < 0.5:
            case["then"] = self._edit(case, names)
        return case

    def _add_members(self, case: Case, names: list[str]) -> None:
        """One or two workspace members, which the root may depend on, and they on each other."""
        root = case["root"]
        members = self._random.sample(["m1", "m2"], self._random.randint(1, 2))
        for name in members:
            member: dict[str, Any] = {"name": name, "dependencies": self._requirements(names, 0, 3, is_own=True)}
            member["requires-python"] = root.get("requires-python", ">=3.9")
            if self._random.random() < 0.3:
                member["requires-python"] = ">=3.10"
            if self._random.random() < 0.3:
                member["extras"] = {"e1": self._requirements(names, 0, 2, is_own=True)}
            if self._random.random() < 0.3:
                member["groups"] = {"dev": self._requirements(names, 0, 2, is_own=True)}
            case.setdefault("members", {})[name] = member
        for name in members:
            if self._random.random() < 0.6:
                marker = f" ; {self._marker()}" if self._has_markers and self._random.random() < 0.3 else ""
                root["dependencies"].append(name + marker)
                root.setdefault("sources", {})[name] = {"workspace": True}
        root["workspace"] = sorted(members)
        if self._random.random() < 0.3 and len(members) == 2:
            root["uv"]["conflicts"] = [[{"package": name} for name in members]]
            root["dependencies"] = [text for text in root["dependencies"] if text.partition(" ")[0] not in members]

    def _is_extra(self) -> bool:
        return self._has_extras and self._random.random() < 0.5

    def _root(self, names: list[str]) -> dict[str, Any]:
        chance, pick, some = self._random.random, self._random.choice, self._requirements
        root: dict[str, Any] = {"dependencies": some(names, 1, 5, is_own=True)}
        root["requires-python"] = pick(OWN_PYTHONS)
        has_conflicts = chance() < 0.25
        if has_conflicts or chance() < 0.3:
            root["extras"] = {
                name: some(names, 0, 3, is_own=True) for name in self._random.sample(["e1", "e2", "e3"], 2)
            }
            if chance() < 0.3:
                root["extras"]["all"] = [f"root-proj[{','.join(sorted(root['extras']))}]"]
        if chance() < (0.5 if has_conflicts else 0.25):
            root["groups"] = {
                name: some(names, 0, 3, is_own=True) for name in self._random.sample(["dev", "g1", "g2"], 2)
            }
            # Not with conflicts: the order of those that the reference tool derives then is that of a hash table.
            if chance() < 0.2 and not has_conflicts:
                first, second = sorted(root["groups"])
                root["groups"][second].append({"include-group": first})
        root["uv"] = self._options(names)
        if has_conflicts:
            root["uv"]["conflicts"] = self._conflicts(root)
            if not root["uv"]["conflicts"]:
                del root["uv"]["conflicts"]
        return root

    def _options(self, names: list[str]) -> dict[str, Any]:
        chance, pick, some = self._random.random, self._random.choice, self._requirements
        options: dict[str, Any] = {}
        if chance() < 0.2:
            options["constraint-dependencies"] = some(names, 1, 2, is_own=True, with_extras=False)
        if chance() < 0.15:
            options["override-dependencies"] = list(some(names, 1, 2, is_own=True, with_extras=False))
            if chance() < 0.4:
                scope = {"name": pick(names)}
                if chance() < 0.5:
                    scope["version"] = pick(self._versions[scope["name"]])
                inner = some(names, 1, 2, with_extras=False)
                options["override-dependencies"] = [{"package": scope, "dependencies": inner}]
        if chance() < 0.1:
            options["exclude-dependencies"] = [pick(names)]
        if chance() < 0.15:
            options["environments"] = self._environments()
        if chance() < (0.5 if self._has_platforms else 0.05):
            options["required-environments"] = self._environments()
        if chance() < 0.12:
            options["resolution"] = pick(["lowest", "lowest-direct"])
        if chance() < 0.1:
            options["fork-strategy"] = "fewest"
        if chance() < (0.3 if self._has_rare else 0.05):
            options["prerelease"] = pick(["allow", "disallow", "explicit", "if-necessary", "if-necessary-or-explicit"])
        if chance() < 0.05:
            options["prerelease-package"] = {pick(names): pick(["allow", "disallow", "explicit"])}
        if chance() < 0.08:
            options["exclude-newer"] = pick(TIMES)
        if chance() < 0.05:
            options["exclude-newer-package"] = {pick(names): pick([*TIMES, False])}
        if chance() < 0.06:
            options["no-build"] = True
        if chance() < 0.04:
            options["no-binary-package"] = [pick(names)]
        return options

    def _environments(self) -> list[str]:
        """Environments that are disjoint, as they must be."""
        platforms = [text for text in ENVIRONMENTS if "sys_platform" in text and "python" not in text]
        chosen = {text.split("'")[1]: text for text in self._random.sample(platforms, self._random.randint(1, 3))}
        if self._random.random() < 0.15:
            return ["python_version < '3.11'", "python_version >= '3.12'"][: self._random.randint(1, 2)]
        if self._random.random() < 0.1:
            return [
                "sys_platform == 'linux' and python_version < '3.11'",
                "sys_platform == 'linux' and python_version >= '3.11'",
            ]
        return list(chosen.values())

    def _conflicts(self, root: dict[str, Any]) -> list[list[dict[str, str]]]:
        items = [{"extra": name} for name in root.get("extras", {}) if name != "all"]
        items += [{"group": name} for name in root.get("groups", {})]
        if self._random.random() < 0.2:
            items.append({"package": "root-proj"})
        if len(items) < 2:
            return []
        count = self._random.choice([1, 1, 1, 2])
        return [self._random.sample(items, self._random.randint(2, min(3, len(items)))) for _ in range(count)]

    def _packages(self, names: list[str]) -> dict[str, Any]:
        return {name: {version: self._release(name, names) for version in self._versions[name]} for name in names}

    def _release(self, name: str, names: list[str]) -> dict[str, Any]:
        chance = self._random.random
        others = [other for other in names if other != name]
        release: dict[str, Any] = {"requires": []}
        if others and chance() < 0.7:
            release["requires"] = self._requirements(others, 0, 3)
        extras = [extra for extra in self._extras[name] if chance() < 0.9]
        if extras:
            release["extras"] = list(extras)
            for extra in extras:
                release["requires"] += [_with_extra(text, extra) for text in self._requirements(others or names, 0, 2)]
            if len(extras) > 1 and chance() < 0.5:
                release["extras"].append("all")
                release["requires"].append(f"{name}[{','.join(extras)}] ; extra == 'all'")
        if self._has_pythons and chance() < 0.35:
            release["python"] = self._random.choice(PYTHONS)
            if chance() < 0.15:
                release["unlisted"] = True
        files = self._files()
        if files is not None:
            release["files"] = files
        if chance() < 0.3:
            release["time"] = self._random.choice(TIMES)
        if chance() < 0.04:
            release["yanked"] = "broken" if chance() < 0.5 else True
        return release

    def _files(self) -> list[str] | None:
        chance = self._random.random()
        if not self._has_platforms:
            return None if chance < 0.9 else ["sdist"] if chance < 0.95 else ["sdist", "py3-none-any"]
        if chance < 0.4:
            return None
        if chance < 0.5:
            return ["sdist"]
        files = self._random.sample(WHEELS, self._random.randint(1, 7))
        return [*files, "sdist"] if chance < 0.75 else files

    def _requirements(
        self, names: list[str], least: int, most: int, *, is_own: bool = False, with_extras: bool = True
    ) -> list[str]:
        count = self._random.randint(least, most)
        chosen = [self._random.choice(names) for _ in range(count)]
        return [self._requirement(name, is_own=is_own, with_extras=with_extras) for name in chosen]

    def _requirement(self, name: str, *, is_own: bool, with_extras: bool) -> str:
        chance = self._random.random
        text = name
        known = self._extras.get(name, [])
        if with_extras and known and chance() < 0.4:
            extras = (
                self._random.sample(["x", "y", "all"], self._random.randint(1, 2)) if chance() < 0.3 else [known[0]]
            )
            text += f"[{','.join(extras)}]"
        text += self._specifier(name, is_own=is_own)
        if self._has_markers and chance() < 0.4:
            text += f" ; {self._marker()}"
        return text

    def _specifier(self, name: str, *, is_own: bool) -> str:
        chance, pick = self._random.random(), self._random.choice
        ordered = sorted(self._versions[name])
        lower, upper = ordered[: len(ordered) // 2 + 1], ordered[len(ordered) // 2 :]
        is_careful = self._random.random() < 0.8
        if chance < 0.45:
            return ""
        if chance < 0.67:
            return f">={pick(lower if is_careful else ordered).partition('+')[0]}"
        if chance < 0.8:
            operator = "<" if self._random.random() < 0.6 else "<="
            return f"{operator}{pick(upper if is_careful else ordered).partition('+')[0]}"
        if chance < 0.86:
            return f"=={pick(ordered)}"
        if chance < 0.91:
            return f"!={pick(ordered).partition('+')[0]}"
        if chance < 0.94:
            return f"~={pick(lower).partition('+')[0]}"
        if chance < 0.96:
            return f"=={pick(ordered).split('.')[0]}.*"
        low, high = sorted(self._random.sample(VERSIONS, 2))
        return f">={low},<{high}"

    def _marker(self) -> str:
        chance = self._random.random()
        first, second = self._random.sample(MARKERS, 2)
        return first if chance < 0.75 else f"{first} and {second}" if chance < 0.9 else f"{first} or {second}"

    def _sources(self, case: Case) -> dict[str, Any]:
        sources: dict[str, Any] = {}
        for name in case["indexes"]["other"]:
            if self._random.random() < 0.7:
                source: dict[str, Any] = {"index": "other"}
                if self._random.random() < 0.4:
                    source["marker"] = self._marker()
                sources[name] = source
        return sources

    def _edit(self, case: Case, names: list[str]) -> dict[str, Any]:
        """What changes before the second lock, and how that is asked for."""
        chance, pick = self._random.random, self._random.choice
        edit: dict[str, Any] = {"args": []}
        kind = chance()
        if kind < 0.2:
            edit["args"] = ["--upgrade"]
        elif kind < 0.4:
            edit["args"] = ["--upgrade-package", pick(names)]
        elif kind < 0.5:
            edit["args"] = ["--refresh"]
        if chance() < 0.75:
            root = copy.deepcopy(case["root"])
            change = chance()
            if change < 0.3:
                root["dependencies"].append(self._requirement(pick(names), is_own=True, with_extras=True))
            elif change < 0.5 and root["dependencies"]:
                root["dependencies"].pop(self._random.randrange(len(root["dependencies"])))
            elif change < 0.6:
                root["requires-python"] = pick(OWN_PYTHONS)
            elif change < 0.9:
                kept = {key: root["uv"][key] for key in ("conflicts",) if key in root["uv"]}
                root["uv"] = self._options(names) | kept
            else:
                root["dependencies"] = self._requirements(names, 1, 4, is_own=True)
            edit["root"] = root
        if chance() < 0.5:
            packages = copy.deepcopy(case["packages"])
            for name in self._random.sample(names, min(2, len(names))):
                newer = pick([*VERSIONS, "5.0"])
                if newer not in packages[name]:
                    packages[name][newer] = self._release(name, names)
                elif chance() < 0.2 and len(packages[name]) > 1:
                    del packages[name][newer]
            edit["packages"] = packages
        return edit


def _with_extra(text: str, extra: str) -> str:
    requirement, separator, marker = text.partition(" ; ")
    if not separator:
        return f"{requirement} ; extra == '{extra}'"
    return f"{requirement} ; ({marker}) and extra == '{extra}'"


# Running both -------------------------------------------------------------------------------------------------------


class Outcome:
    """What the two made of one state of a case: `kind` is `same`, `unsatisfiable`, `refused` or how they differ."""

    def __init__(self, kind: str, ours: str, theirs: str, step: int) -> None:
        self.kind = kind
        self.ours = ours
        self.theirs = theirs
        self.step = step

    @property
    def differs(self) -> bool:
        return self.kind not in ("same", "unsatisfiable", "refused")

    @property
    def signature(self) -> tuple[str, int]:
        return (self.kind, self.step)

    def diff(self) -> str:
        lines = difflib.unified_diff(
            self.theirs.splitlines(), self.ours.splitlines(), "uv", "lockflow", n=3, lineterm=""
        )
        return "\n".join(lines) if self.kind == "bytes differ" else f"uv:\n{self.theirs}\nlockflow:\n{self.ours}"


class Judge:
    """Runs both tools on cases; each has an index of its own below one server, so that uv's cache can be shared."""

    def __init__(self, folder: Path, server: IndexServer) -> None:
        self._folder = folder
        self._server = server
        self._numbers = itertools.count()
        self._contents: dict[str, IndexContent] = {}
        server.answer = self._answer

    def judge(self, case: Case) -> Outcome:
        """The outcome of the first state that differs, else of the last."""
        number = next(self._numbers)
        folder = self._folder / f"case{number}"
        prefix = f"/c{number}"
        hosts = Hosts(*(f"{self._server.origin}{prefix}/{part}" for part in ("idx", "fil", "git")))
        outcome = None
        try:
            for step, (state, args) in enumerate(states(case)):
                outcome = self._judge_state(state, args, step, folder, prefix, hosts)
                if outcome.kind != "same":
                    break
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            self._contents.pop(prefix, None)
        assert outcome is not None
        return outcome

    def _judge_state(
        self, universe: Universe, args: list[str], step: int, folder: Path, prefix: str, hosts: Hosts
    ) -> Outcome:
        theirs, ours = folder / "theirs", folder / "ours"
        self._contents[prefix] = IndexContent(universe.table, hosts)
        universe.write(ours)
        universe.write(theirs, hosts)
        command = ["lock", "--python", sys.executable, *args]
        done = run_uv(command, theirs, self._folder / "uv-cache")
        try:
            run = run_lock(
                ours,
                ["lock", *args],
                MemoryTransport(universe.content().answer),
                cache=folder / f"cache{step}",
                python=universe.python,
            )
            code, said = run.code, run.said
        except Exception as error:  # noqa: BLE001  a crash is a finding like any other
            code, said = 99, f"{type(error).__name__}: {error}"
        if done.returncode == 0 and code == 0:
            expected = hosts.publish((theirs / "uv.lock").read_text(encoding="utf-8"))
            written = (ours / "uv.lock").read_text(encoding="utf-8")
            return Outcome("same" if expected == written else "bytes differ", written, expected, step)
        if code == 99:
            kind = "lockflow crashes"
        elif done.returncode == 0:
            kind = "only uv locks"
        elif code == 0:
            kind = "only lockflow locks"
        elif "No solution found" in done.stderr:
            kind = "unsatisfiable" if code == 1 else "failures differ"
        else:
            kind = "refused"
        return Outcome(kind, said, done.stderr, step)

    def _answer(self, method: str, target: str, headers: Any) -> Answer:
        prefix, _, rest = target[1:].partition("/")
        content = self._contents.get(f"/{prefix}")
        if content is None:
            return Answer(404, (), b"no such case\n")
        answer = content.answer(method, f"/{rest}", headers)
        if not rest.startswith("idx/"):
            return answer
        # The second lock of a case finds other pages.
        kept = [(name, value) for name, value in answer.headers if name != "cache-control"]
        return Answer(answer.status, [*kept, ("cache-control", "no-cache")], answer.body)


def states(case: Case) -> Iterator[tuple[Universe, list[str]]]:
    """The universes of a case in turn, with the arguments of each lock."""
    yield _universe(case), []
    then = case.get("then")
    if then is not None:
        yield _universe({**case, **then}), then["args"]


def _universe(case: Case) -> Universe:
    files = {f"{name}/pyproject.toml": pyproject_text(member) for name, member in case.get("members", {}).items()}
    return read_universe({**case, "root": pyproject_text(case["root"]), "files": files})


# Making cases smaller -----------------------------------------------------------------------------------------------


def minimise(case: Case, is_same: Callable[[Case], bool]) -> Case:
    """Leave out part after part for as long as the difference stays."""
    progress = True
    while progress:
        progress = False
        for path in sorted(_paths(case), key=len):
            smaller = _without(case, path)
            if smaller is not None and is_same(smaller):
                case = smaller
                progress = True
                break
        else:
            return case
    return case


def _paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where something could be left out: entries of tables and lists, and parts of requirements."""
    if isinstance(value, dict):
        for key in value:
            yield (*path, key)
            yield from _paths(value[key], (*path, key))
    elif isinstance(value, list):
        for place, entry in enumerate(value):
            yield (*path, place)
            yield from _paths(entry, (*path, place))
    elif isinstance(value, str) and " ; " in value:
        yield (*path, "marker")
        if " and " in value or " or " in value:
            yield (*path, "first")
            yield (*path, "second")


def _without(case: Case, path: tuple[Any, ...]) -> Case | None:
    smaller = copy.deepcopy(case)
    place: Any = smaller
    for key in path[:-1]:
        if isinstance(place[key], str):
            place[key] = _shorter(place[key], path[-1])
            return smaller
        place = place[key]
    if path in (("root",), ("packages",), ("then", "args")):
        return None
    del place[path[-1]]
    return smaller


def _shorter(text: str, how: str) -> str:
    requirement, _, marker = text.partition(" ; ")
    word = " and " if " and " in marker else " or "
    if how == "marker":
        return requirement
    parts = marker.split(word, 1)
    chosen = (parts[0] if how == "first" else parts[-1]).strip("()")
    return f"{requirement} ; {chosen}"


# The tool -----------------------------------------------------------------------------------------------------------


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0, help="the first of the seeds, one a case")
    parser.add_argument("--out", type=Path, help="a folder for the cases that differ, as scenarios")
    parser.add_argument("--no-minimise", action="store_true")
    parser.add_argument("--stop-after", type=int, default=10, help="end after so many differences")
    options = parser.parse_args()
    kinds: Counter[str] = Counter()
    found = 0
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as folder, IndexServer() as server:
        judge = Judge(Path(folder), server)
        for seed in range(options.seed, options.seed + options.count):
            case = Maker(seed).case()
            outcome = judge.judge(case)
            kinds[outcome.kind] += 1
            if outcome.differs:
                found += 1
                _report(seed, case, outcome, judge, options)
            if found >= options.stop_after:
                break
    seconds = time.monotonic() - started
    print(
        f"{sum(kinds.values())} cases in {seconds:.0f} s:", ", ".join(f"{n} {kind}" for kind, n in kinds.most_common())
    )
    return 1 if found else 0


def _report(seed: int, case: Case, outcome: Outcome, judge: Judge, options: argparse.Namespace) -> None:
    if not options.no_minimise:

        def is_same(smaller: Case) -> bool:
            try:
                return judge.judge(smaller).signature == outcome.signature
            except (KeyError, ValueError, IndexError):
                return False

        case = minimise(case, is_same)
        outcome = judge.judge(case)
    text = scenario_text(case)
    print(f"== seed {seed}: {outcome.kind} in lock {outcome.step + 1}\n{text}\n{outcome.diff()}\n", flush=True)
    if options.out:
        options.out.mkdir(parents=True, exist_ok=True)
        (options.out / f"seed-{seed}.toml").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())

"""A lock and a platform to a Check: by tags, in process; or by what a probe in a container says, judged here.

The tags and markers of the interpreter that was probed replace those of the definition, and coverage is decided anew
with them; then what uv plans (or installed) is compared with that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Literal

from msgspec.structs import replace

from lockflow.engines.model import Command, Outcome
from lockflow.errors import EngineError
from lockflow.lock.model import Lock
from lockflow.platforms.advice import with_advice
from lockflow.platforms.coverage import Policy, cover
from lockflow.platforms.environment import environment
from lockflow.platforms.model import (
    Check,
    Coverage,
    Evidence,
    Libc,
    Objection,
    Platform,
    Status,
    file_stem,
)
from lockflow.platforms.probing import Findings, Interpreter, Kit, Plan, findings_of, left_out, target_of
from lockflow.platforms.pythons import minor_of
from lockflow.platforms.selection import Graph
from lockflow.platforms.tags import ordered_tags, platform_tags
from lockflow.standards.requirements import Directory, Git
from lockflow.standards.tags import Tag

Advise = Callable[[Sequence[Coverage]], Policy]
"""What else is known of the bad findings of coverages (index pages); asked only where there are some."""

_COMPARED = (
    "os_name",
    "sys_platform",
    "platform_system",
    "platform_machine",
    "implementation_name",
    "platform_python_implementation",
)


def check_by_tags(
    graph: Graph, platform: Platform, pythons: Sequence[str], policy: Policy, advise: Advise | None = None
) -> Check:
    """Judge `platform` for every one of `pythons` (full versions) by the tag rules of its definition alone.

    `advise` is asked for what else is known of the packages with bad findings, where there are some.
    """
    coverages = [cover(graph, platform, python, policy) for python in pythons]
    if advise is not None and any(not finding.is_good for each in coverages for finding in each.findings):
        policy = advise(coverages)
    advised = (
        with_advice(coverage, graph, platform, python, policy)
        for coverage, python in zip(coverages, pythons, strict=True)
    )
    return Check(platform=platform.name, level="tags", coverages=tuple(advised))


def cover_by_tags(graph: Graph, platform: Platform, python: str, policy: Policy) -> Coverage:
    """Judge one Python by the tag rules of the definition."""
    return with_advice(cover(graph, platform, python, policy), graph, platform, python, policy)


def judge_probe(
    graph: Graph, platform: Platform, python: str, policy: Policy, kit: Kit, command: Command, outcome: Outcome
) -> Coverage:
    """Decide coverage with the real interpreter's tags and markers, and compare it with what uv found.

    Raises EngineError where the image has another Python than the one asked for.
    """
    findings = findings_of(command, outcome)
    interpreter = findings.interpreter
    if minor_of(interpreter.version) != minor_of(python):
        raise EngineError(
            f"the image has Python {interpreter.version}, not {minor_of(python)}",
            where=f"image {command.place.image}",
            why=f"platforms/{file_stem(platform.name)}.toml names it for Python {minor_of(python)}",
            next="write {python} where the image's name has the version, or leave this one out of python-versions",
        )
    real = as_observed(platform, interpreter)
    coverage = cover_by_tags(graph, real, interpreter.version, policy)
    objections = [*_of_definition(platform, real, interpreter)]
    uv_version = "" if kit.planner is None else kit.planner.version
    level: Literal["probe", "install"] = "probe"
    if findings.plan is not None:
        objections += _of_plan(graph.lock, coverage, findings.plan, uv_version, platform.name)
    if findings.install is not None and kit.installer is not None:
        level, uv_version = "install", kit.installer.version
        objections += _of_install(graph.lock, coverage, findings, uv_version, platform.name)
    evidence = Evidence(
        level=level,
        image=command.place.image,
        python=interpreter.version,
        libc="" if real.libc is None else f"{real.libc.name} {real.libc.major}.{real.libc.minor}",
        emulated=outcome.is_emulated,
        uv=uv_version,
        says=_says(findings.install or findings.plan),
    )
    return replace(coverage, evidence=evidence, objections=_once(objections))


def judge_opinion(
    graph: Graph,
    platform: Platform,
    python: str,
    policy: Policy,
    kit: Kit,
    command: Command,
    outcome: Outcome,
) -> Coverage:
    """Judge by the definition's tags, and compare that with what uv plans for the platform on a foreign machine."""
    findings = findings_of(command, outcome)
    coverage = cover_by_tags(graph, platform, python, policy)
    if findings.plan is None or kit.planner is None:
        return coverage
    # uv knows no kernel of a foreign platform, and takes the patch release of the interpreter that it runs on.
    values = tuple((key, "0" if key == "platform_release" else value) for key, value in platform.environment)
    full = findings.interpreter.version
    assumed = replace(platform, environment=values, pythons=((minor_of(full), full),))
    compared = cover(graph, assumed, full, policy)
    objections = _of_plan(graph.lock, compared, findings.plan, kit.planner.version, platform.name)
    evidence = Evidence(
        level="tags",
        image=command.place.image,
        uv=kit.planner.version,
        target=target_of(platform) or "",
        says=_says(findings.plan),
    )
    return replace(coverage, evidence=evidence, objections=_once(objections))


def as_observed(platform: Platform, interpreter: Interpreter) -> Platform:
    """Put what a real interpreter says in place of what the definition declares."""
    accepted = tuple(Tag(*triple) for triple in interpreter.tags)
    names = ("os_name", "sys_platform", "platform_system", "platform_machine", "platform_release", "platform_version")
    values = interpreter.environment
    return replace(
        platform,
        machine=values.get("platform_machine", platform.machine),
        environment=tuple((name, values.get(name, "")) for name in names),
        libc=_libc(accepted) or platform.libc,
        pythons=((minor_of(interpreter.version), interpreter.version),),
        tags=accepted,
    )


def _libc(tags: Iterable[Tag]) -> Libc | None:
    """The newest libc that is accepted, which is the one there."""
    best: tuple[int, int, Literal["glibc", "musl"]] | None = None
    for tag in tags:
        kind, *parts = tag.platform.split("_")
        name: Literal["glibc", "musl"] = "glibc" if kind == "manylinux" else "musl"
        if kind in ("manylinux", "musllinux") and len(parts) > 1 and parts[0].isdecimal() and parts[1].isdecimal():
            found = (int(parts[0]), int(parts[1]), name)
            best = found if best is None or found[:2] > best[:2] else best
    return None if best is None else Libc(name=best[2], major=best[0], minor=best[1])


def _of_definition(platform: Platform, real: Platform, interpreter: Interpreter) -> Iterable[Objection]:
    """Name what the definition says and the image does not have."""
    declared = environment(platform, interpreter.version)
    lines = [
        f"{name} is {interpreter.environment.get(name, '')!r} in the image, {declared[name]!r} in the definition"
        for name in _COMPARED
        if interpreter.environment.get(name, "") != declared[name]
    ]
    pinned = dict(platform.pythons).get(minor_of(interpreter.version))
    if pinned is not None and pinned != interpreter.version:
        lines.append(f"Python is {interpreter.version} in the image, {pinned} in the definition")
    if platform.libc != real.libc:
        lines.append(f"the libc is {_named(real.libc)} in the image, {_named(platform.libc)} in the definition")
    elif not lines:
        lines += _tag_differences(platform, real, interpreter.version)
    if lines:
        yield Objection(
            kind="definition",
            what=f"the image of {platform.name} is not what its definition says",
            why="\n".join(lines),
            advice=(f"correct platforms/{file_stem(platform.name)}.toml, or name the image that it describes",),
        )


def _tag_differences(platform: Platform, real: Platform, python: str) -> Iterable[str]:
    for there, here, words in (
        (real, platform, "the image accepts {}, the definition does not"),
        (platform, real, "the definition accepts {}, the image does not"),
    ):
        more = set(ordered_tags(there, python)) - set(ordered_tags(here, python))
        if more:
            platforms = [tag for tag in platform_tags(there) if tag not in platform_tags(here)]
            shown = platforms or sorted(str(tag) for tag in more)
            yield words.format(", ".join(shown[:4]) + (f" and {len(shown) - 4} more" if len(shown) > 4 else ""))


def _named(libc: Libc | None) -> str:
    return "none" if libc is None else f"{libc.name} {libc.major}.{libc.minor}"


def _of_plan(lock: Lock, coverage: Coverage, plan: Plan, version: str, name: str) -> list[Objection]:
    """Name what uv would install otherwise than judged here."""
    if plan.error:
        if coverage.refusal:
            return []
        return [
            Objection(
                kind="uv",
                what=f"uv {version} refuses the lock on {name}",
                why=plan.error,
                advice=_advice_on(plan.error),
            )
        ]
    if coverage.refusal:
        return [_differs(version, name, [f"it would install the lock, which is refused here: {coverage.refusal}"])]
    lines = _differences(lock, coverage, plan)
    return [_differs(version, name, lines)] if lines else []


def _differences(lock: Lock, coverage: Coverage, plan: Plan) -> list[str]:
    """Say which packages uv and the check here see differently, by name."""
    apart = {*left_out(lock)}
    trees = {package.name for package in lock.packages if isinstance(package.source, Directory | Git)}
    wheels = {
        (entry.package, "" if entry.version is None else str(entry.version))
        for entry in coverage.findings
        if entry.status in (Status.WHEEL, Status.PYTHON) and entry.package not in apart | trees
    }
    named = {package for package, _ in wheels}
    planned = {entry for entry in plan.packages if entry[0] not in apart | trees}
    refused = {entry.package: entry.words for entry in plan.refused}
    lines = [
        f"it would install {package} {version}, which has no wheel there"
        for package, version in sorted(planned - wheels)
    ]
    lines += [f"it refuses {package}: {words}" for package, words in sorted(refused.items()) if package in named]
    # A plan for one choice among conflicting items, or for some groups, does not have everything.
    if not lock.conflicts and not any(package.group_requires_python for package in lock.packages):
        lines += [
            f"it would not install {package} {version}, which applies there"
            for package, version in sorted(wheels - planned)
            if package not in refused
        ]
    return lines


def _differs(version: str, name: str, lines: Sequence[str]) -> Objection:
    return Objection(
        kind="uv",
        what=f"uv {version} sees the lock on {name} otherwise",
        why="\n".join(lines),
        advice=("please report it: this check and uv should agree", "lock again, and check again"),
    )


def _of_install(lock: Lock, coverage: Coverage, findings: Findings, version: str, name: str) -> Iterable[Objection]:
    if findings.verified is not None and findings.verified.code:
        words = findings.verified.words
        yield Objection(
            kind="uv",
            what=f"uv {version} does not take the lock for that of the project",
            why=words,
            advice=_advice_on(words),
        )
    install = findings.install
    if install is None:
        return
    if install.error and not coverage.refusal:
        yield Objection(
            kind="install",
            what=f"uv {version} cannot install the lock on {name}",
            why=install.error,
            advice=_advice_on(install.error),
        )
    elif not install.error:
        lines = _differences(lock, coverage, install)
        if lines:
            yield _differs(version, name, lines)
    for failure in findings.imports:
        yield Objection(
            kind="import",
            what=f"the module {failure.module} cannot be imported on {name}",
            why=failure.words,
            advice=("add what it needs to the image, or take it out of modules in [tool.lockflow]",),
        )


_ADVICE: Mapping[str, tuple[str, ...]] = {
    "but `--locked` was provided": (
        "lock again with `lockflow lock`",
        "if the lock is right for a newer uv: pin that one by uv in [tool.lockflow]",
    ),
    "Failed to parse `uv.lock`": ("pin a newer uv by uv in [tool.lockflow]: this one cannot read the lock",),
    "Failed to parse": ("correct the file that it names, or pin a uv that knows what stands there",),
    "unknown field": ("pin a uv that knows this setting by uv in [tool.lockflow], or leave it out",),
    "for the current platform": ("see what helps for the packages named above", "check with `--level tags` for all"),
    "required version": ("let required-version in [tool.uv] admit the uv that is pinned in [tool.lockflow]",),
}


def _advice_on(words: str) -> tuple[str, ...]:
    """What helps against something that uv says."""
    return next((advice for text, advice in _ADVICE.items() if text in words), ())


def _says(plan: Plan | None) -> str:
    if plan is None:
        return ""
    return plan.error or "\n".join(entry.words for entry in plan.refused)


def _once(objections: Iterable[Objection]) -> tuple[Objection, ...]:
    return tuple(dict.fromkeys(objections))

"""A report to the rows of a table and to its problems, one entry a package; terminal and Markdown print both."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from lockflow.errors import four_parts
from lockflow.platforms.model import ChainLink, Evidence, Objection, Status, file_stem
from lockflow.report.evidence import evidence_words, python_range
from lockflow.report.model import Entry, Fault, PlatformReport, Report, Verdict

_STATUS_ORDER = {Status.MISSING: 0, Status.PYTHON: 1, Status.SDIST: 2, Status.WHEEL: 3}
_VERDICT_ORDER = {Verdict.BROKEN: 0, Verdict.BAD: 1, Verdict.GOOD: 2}


class Row(Struct, frozen=True, kw_only=True):
    """One platform as counts. A package that several Pythons have counts once, by its worst status.

    `built` are allowed source distributions and source trees; `problems` are packages with a bad status, plus
    Pythons that the lock refuses and objections. `level` is the evidence in words.
    """

    platform: str
    verdict: Verdict
    level: str
    pythons: tuple[str, ...]
    packages: int
    wheels: int
    built: int
    problems: int


class Problem(Struct, frozen=True, kw_only=True):
    """What is wrong on one platform: a package with a bad status, a Python that the lock refuses, a broken check.

    `what`, `where`, `why` and `advice` are the four parts of a message. `status` is None and `package` empty where the
    problem is no package's; `pythons` are the minors concerned. `is_objection` tells that evidence speaks against the
    platform itself.
    """

    platform: str
    what: str
    where: str
    why: str
    advice: tuple[str, ...]
    pythons: tuple[str, ...] = ()
    package: str = ""
    version: str = ""
    status: Status | None = None
    chain: tuple[ChainLink, ...] = ()
    is_objection: bool = False


def rows(report: Report) -> tuple[Row, ...]:
    """Return a row for each platform, in the report's order."""
    return tuple(_row(platform) for platform in report.platforms)


def problems(report: Report) -> tuple[Problem, ...]:
    """List what is wrong: broken checks, then by platform (most problems first) missing, python, sdist; by name."""
    found = [(platform.verdict, _of_platform(platform)) for platform in report.platforms]
    found.sort(key=lambda item: (_VERDICT_ORDER[item[0]], -len(item[1])))
    return tuple(problem for _, several in found for problem in several)


def alike(problems: Sequence[Problem]) -> tuple[tuple[Problem, ...], ...]:
    """Put together what is wrong with one package on several platforms, in the order of the first of each."""
    found: dict[tuple[object, ...], list[Problem]] = {}
    for number, problem in enumerate(problems):
        alone = number if not problem.package else None
        found.setdefault((problem.package, problem.version, problem.status, alone), []).append(problem)
    return tuple(tuple(same) for same in found.values())


def likewise(same: Sequence[Problem]) -> str:
    """Say where else the first of some problems of one package is: `darwin, linux/amd64 (Python 3.13)`."""
    first, *others = same
    return ", ".join(
        other.platform if other.pythons == first.pythons else f"{other.platform} (Python {python_range(other.pythons)})"
        for other in others
    )


def floor_notes(report: Report) -> tuple[str, ...]:
    """Say of each platform whose floor rose, or is above what the platform has, in a sentence."""
    return tuple(filter(None, map(floor_note, report.platforms)))


def floor_note(platform: PlatformReport) -> str:
    """The same of one platform; empty where there is nothing to say."""
    floor = platform.floor
    if floor is None or not (floor.has_risen or floor.is_above_limit):
        return ""
    before = f" ({floor.previous} before)" if floor.has_risen else ""
    text = f"{platform.platform} now needs" if floor.has_risen else f"{platform.platform} needs"
    text += f" {floor.kind} {floor.version}{before}, because of {', '.join(floor.packages)}"
    return f"{text}; the platform has {floor.limit}" if floor.is_above_limit else text


def message(problem: Problem) -> str:
    """Print a problem as the four-part message of a terminal, without `error: ` in front."""
    why = problem.why
    if len(problem.chain) > 1:
        why += f"\nrequired by {chain_text(problem.chain)}"
    return four_parts(problem.what, where=problem.where, why=why, next="\n".join(problem.advice))


def chain_text(chain: Sequence[ChainLink]) -> str:
    """Print a chain in one line: `app 0.1.0 > torch 2.5.1 (extra gpu; sys_platform == 'linux') > …`."""
    return " > ".join(f"{named} ({conditions})" if conditions else named for named, conditions in chain_steps(chain))


def chain_steps(chain: Sequence[ChainLink]) -> tuple[tuple[str, str], ...]:
    """Return each step of a chain as the package with its version, and the conditions; empty for none."""
    return tuple(
        (f"{link.name} {link.version}".rstrip(), "; ".join(part for part in (link.via, link.marker) if part))
        for link in chain
    )


def _row(platform: PlatformReport) -> Row:
    worst: dict[tuple[str, str], Entry] = {}
    for python in platform.pythons:
        for entry in python.entries:
            known = worst.get((entry.package, entry.version))
            if known is None or _badness(entry) < _badness(known):
                worst[entry.package, entry.version] = entry
    return Row(
        platform=platform.platform,
        verdict=platform.verdict,
        level=evidence_words(platform),
        pythons=tuple(python.python for python in platform.pythons),
        packages=len(worst),
        wheels=sum(entry.status is Status.WHEEL for entry in worst.values()),
        built=sum(entry.status is Status.SDIST and entry.allowed for entry in worst.values()),
        problems=sum(not entry.is_good for entry in worst.values())
        + sum(bool(python.refusal) for python in platform.pythons)
        + len({objection for python in platform.pythons for objection in python.objections}),
    )


def _badness(entry: Entry) -> tuple[bool, int]:
    return entry.is_good, _STATUS_ORDER[entry.status]


def _of_platform(platform: PlatformReport) -> list[Problem]:
    found: list[Problem] = []
    if platform.fault is not None:
        found.append(_broken(platform.platform, platform.fault))
    refused: dict[str, list[str]] = {}
    for python in platform.pythons:
        if python.refusal:
            refused.setdefault(python.refusal, []).append(python.python)
    found.extend(_refused(platform.platform, reason, tuple(pythons)) for reason, pythons in refused.items())
    objected: dict[Objection, list[tuple[str, Evidence]]] = {}
    for python in platform.pythons:
        for objection in python.objections:
            objected.setdefault(objection, []).append((python.python, python.evidence))
    found.extend(_objected(platform.platform, objection, places) for objection, places in objected.items())
    bad: dict[tuple[str, str, Status], list[tuple[str, Entry]]] = {}
    for python in platform.pythons:
        for entry in python.entries:
            if not entry.is_good:
                bad.setdefault((entry.package, entry.version, entry.status), []).append((python.python, entry))
    ordered = sorted(bad.items(), key=lambda item: (_STATUS_ORDER[item[0][2]], item[0][0]))
    for _, entries in ordered:
        found.append(_bad_package(platform.platform, entries[0][1], tuple(python for python, _ in entries)))
    return found


def _broken(platform: str, fault: Fault) -> Problem:
    return Problem(
        platform=platform,
        what=f"{platform} could not be judged: {fault.what}",
        where=fault.where,
        why=fault.why,
        advice=(fault.next,) if fault.next else (),
    )


def _refused(platform: str, reason: str, pythons: tuple[str, ...]) -> Problem:
    return Problem(
        platform=platform,
        what=f"the lock cannot be used on {platform}",
        where=_where("uv.lock", pythons, platform),
        why=reason,
        advice=(
            f"leave {platform} out of platforms in [tool.lockflow], or these versions out of python-versions there",
            "or let requires-python and [tool.uv] environments of the project include it, and lock again",
        ),
        pythons=pythons,
    )


def _objected(platform: str, objection: Objection, places: Sequence[tuple[str, Evidence]]) -> Problem:
    pythons = tuple(python for python, _ in places)
    images = ", ".join(dict.fromkeys(evidence.image for _, evidence in places))
    return Problem(
        platform=platform,
        what=objection.what,
        where=_where(f"image {images}", pythons, platform),
        why=objection.why,
        advice=objection.advice,
        pythons=pythons,
        is_objection=True,
    )


def _bad_package(platform: str, entry: Entry, pythons: tuple[str, ...]) -> Problem:
    return Problem(
        platform=platform,
        what=_what(f"{entry.package} {entry.version}".rstrip(), entry.status, platform, pythons),
        where=_where(f"uv.lock, package {entry.package}", pythons, platform),
        why=entry.reason,
        advice=entry.advice,
        pythons=pythons,
        package=entry.package,
        version=entry.version,
        status=entry.status,
        chain=entry.chain,
    )


def _where(place: str, pythons: tuple[str, ...], platform: str) -> str:
    return f"{place}; Python {', '.join(pythons)}; platforms/{file_stem(platform)}.toml"


def _what(named: str, status: Status, platform: str, pythons: tuple[str, ...]) -> str:
    match status:
        case Status.MISSING:
            return f"no distribution of {named} fits {platform}"
        case Status.SDIST:
            return f"{named} would have to be built on {platform}"
        case Status.PYTHON:
            return f"{named} does not support Python {', '.join(pythons)}"
        case Status.WHEEL:
            return f"{named} fits {platform}"

"""One report with everything in it: good and bad platforms, a refusal, a broken check, hostile names."""

from __future__ import annotations

from lockflow.platforms.model import Broken, ChainLink, Check, Coverage, Finding, Status
from lockflow.report.assemble import assemble, platform_report
from lockflow.report.model import Report
from lockflow.standards.versions import Version

LOCK = f"sha256:{'0' * 64}"
INPUTS = f"sha256:{'1' * 64}"


def wheel(name: str, version: str = "1.0") -> Finding:
    tag = "py3-none-any"
    return Finding(
        package=name, version=Version.parse(version), status=Status.WHEEL, file=f"{name}-{version}-{tag}.whl", tag=tag
    )


def missing(name: str, version: str = "2.21.5", **changes: object) -> Finding:
    fields: dict[str, object] = {
        "reason": "1 wheel, none for aarch64 with glibc 2.36 (only manylinux x86_64); no source distribution",
        "chain": (
            ChainLink(name="app", version="0.1"),
            ChainLink(name="torch", version="2.5.1", via="extra gpu", marker="sys_platform == 'linux'"),
            ChainLink(name=name, version=version),
        ),
        "advice": ("leave it out there", "or move to a version that has a wheel"),
    }
    return Finding(package=name, version=Version.parse(version), status=Status.MISSING, **(fields | changes))  # type: ignore[arg-type]


def sdist(name: str, *, is_allowed: bool) -> Finding:
    return Finding(
        package=name,
        version=Version.parse("0.6.2"),
        status=Status.SDIST,
        is_allowed=is_allowed,
        reason="no wheels; only a source distribution",
        advice=() if is_allowed else (f'allow the build: add "{name}" to allow-sdist in [tool.lockflow]',),
    )


def tree(name: str) -> Finding:
    return Finding(package=name, version=None, status=Status.SDIST, is_allowed=True, reason="a source tree")


def check(platform: str, *coverages: Coverage) -> Check:
    return Check(platform=platform, level="tags", coverages=coverages)


def coverage(python: str, *findings: Finding, refusal: str = "") -> Coverage:
    return Coverage(platform="", python=python, findings=findings, refusal=refusal)


def good_report() -> Report:
    checks = [
        check(platform, coverage("3.11", wheel("a"), wheel("b")), coverage("3.12", wheel("a"), tree("lib")))
        for platform in ("darwin", "linux/amd64")
    ]
    return assemble([platform_report(one, lock=LOCK, inputs=INPUTS) for one in checks], lock=LOCK, inputs=INPUTS)


def bad_report() -> Report:
    nccl = missing("nvidia-nccl-cu12")
    python = Finding(
        package="old",
        version=Version.parse("1.0"),
        status=Status.PYTHON,
        reason="it requires Python <3.12, which excludes 3.12.16",
        advice=('set requires-python = ">=3.11,<3.12", which is what the locked old supports',),
    )
    odd = "a|b <img src=x> `c` @someone"
    outcomes: list[Check | Broken] = [
        check("darwin", coverage("3.11", wheel("a")), coverage("3.12", wheel("a"))),
        check("linux/amd64", coverage("3.11", wheel("a"), sdist("docopt", is_allowed=False)), coverage("3.12", python)),
        check(
            "linux/arm64",
            coverage("3.10", refusal='Python 3.10.22 is outside requires-python = ">=3.11"'),
            coverage("3.11", sdist("docopt", is_allowed=False), missing("odd", reason=odd, chain=()), nccl),
            coverage("3.12", wheel("a"), nccl),
        ),
        Broken(
            platform="windows/amd64",
            level="probe",
            what="no engine answers",
            where="npipe",
            why="connection refused",
            next="start the engine",
        ),
    ]
    return assemble([platform_report(one, lock=LOCK, inputs=INPUTS) for one in outcomes], lock=LOCK, inputs=INPUTS)

"""Reports as projects have them, to look at: a small one, a typical one in which something is wrong, and a large one.

PYTHONPATH=tests python -m support.demo_reports FOLDER     writes them as pages into a folder
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

from msgspec.structs import replace

from lockflow.platforms.model import (
    Broken,
    ChainLink,
    Check,
    Coverage,
    Edit,
    Evidence,
    Finding,
    Floor,
    Objection,
    Status,
)
from lockflow.report.as_html import as_html
from lockflow.report.assemble import assemble, platform_report
from lockflow.report.model import Report
from lockflow.report.write import read_page
from lockflow.standards.versions import Version

LOCK = "sha256:4f9d1c0b7c2ae6f1d1a95a0a3f4d5be6b4d98e4df8d04c11e2a6f0b7e6f29a53"
INPUTS = "sha256:9f3b1d2c6a5e4f708192a3b4c5d6e7f8091a2b3c4d5e6f708192a3b4c5d6e7f8"
MACHINES = {
    "darwin": ("macosx_11_0_arm64", None),
    "linux/amd64": ("manylinux_2_17_x86_64", "python:{python}-slim-bookworm"),
    "linux/arm64": ("manylinux_2_17_aarch64", "python:{python}-slim-bookworm"),
}
PURE = [
    "annotated-types",
    "anyio",
    "attrs",
    "certifi",
    "charset-normalizer",
    "click",
    "cloudpickle",
    "colorama",
    "dataclasses-json",
    "docker",
    "docstring-parser",
    "filelock",
    "flyteidl",
    "fsspec",
    "googleapis-common-protos",
    "h11",
    "httpcore",
    "httpx",
    "idna",
    "jinja2",
    "joblib",
    "jsonschema",
    "keyring",
    "marshmallow",
    "mashumaro",
    "mpmath",
    "networkx",
    "packaging",
    "pip-system-certs",
    "platformdirs",
    "pluggy",
    "pygments",
    "pytest",
    "python-dateutil",
    "pytz",
    "requests",
    "rich",
    "rich-click",
    "setuptools",
    "six",
    "sniffio",
    "statsd",
    "sympy",
    "threadpoolctl",
    "tqdm",
    "typing-extensions",
    "typing-inspect",
    "tzdata",
    "urllib3",
]
BUILT = [
    "cffi",
    "cryptography",
    "grpcio",
    "markupsafe",
    "msgpack",
    "numpy",
    "pandas",
    "protobuf",
    "pyarrow",
    "pydantic-core",
    "pyyaml",
    "rpds-py",
    "scikit-learn",
    "scipy",
    "tokenizers",
    "torch",
    "xgboost",
]
NAMES = [
    "amber",
    "azure",
    "basalt",
    "birch",
    "cedar",
    "cobalt",
    "coral",
    "delta",
    "ember",
    "fjord",
    "flint",
    "garnet",
    "grove",
    "harbor",
    "hazel",
    "indigo",
    "iris",
    "jade",
    "juniper",
    "karst",
    "kelp",
    "larch",
    "lilac",
    "linden",
    "maple",
    "marble",
    "meadow",
    "mica",
    "moss",
    "nimbus",
    "oak",
    "ochre",
    "onyx",
    "opal",
    "pine",
    "quartz",
    "raven",
    "reed",
    "ridge",
    "sable",
    "sage",
    "slate",
    "spruce",
    "stone",
    "tarn",
    "teal",
    "thorn",
    "tide",
    "umber",
    "vale",
    "willow",
    "wren",
]


def version_of(name: str) -> str:
    return f"{len(name) % 5}.{sum(map(ord, name)) % 30}.{ord(name[-1]) % 9}"


def wheel(name: str, platform: str, python: str, *, is_pure: bool = True, version: str = "") -> Finding:
    version = version or version_of(name)
    minor = python.replace(".", "")
    tag = "py3-none-any" if is_pure else f"cp{minor}-cp{minor}-{MACHINES[platform][0]}"
    file = f"{name.replace('-', '_')}-{version}-{tag}.whl"
    return Finding(package=name, version=Version.parse(version), status=Status.WHEEL, file=file, tag=tag)


def evidence(platform: str, python: str) -> Evidence:
    image = MACHINES[platform][1]
    if image is None:
        return Evidence(level="tags", image="python:3.12-slim-bookworm", uv="0.13.8", target="aarch64-apple-darwin")
    return Evidence(
        level="probe",
        image=image.replace("{python}", python),
        python=f"{python}.9",
        libc="glibc 2.36",
        emulated=platform == "linux/arm64",
        uv="0.13.8",
    )


def covered(platform: str, python: str, findings: Iterable[Finding], *objections: Objection) -> Coverage:
    ordered = tuple(sorted(findings, key=lambda finding: finding.package))
    return Coverage(
        platform=platform,
        python=python,
        findings=ordered,
        evidence=evidence(platform, python),
        objections=objections,
    )


def checked(platform: str, coverages: Iterable[Coverage], **more: object) -> Check:
    level = "tags" if MACHINES[platform][1] is None else "probe"
    return Check(platform=platform, level=level, coverages=tuple(coverages), **more)  # type: ignore[arg-type]


def joined(outcomes: Iterable[Check | Broken], *, executor: str = "docker") -> Report:
    reports = [platform_report(one, lock=LOCK, inputs=INPUTS, executor=executor) for one in outcomes]  # type: ignore[arg-type]
    return assemble(reports, lock=LOCK, inputs=INPUTS)


def small() -> Report:
    """A dozen packages, all of them well."""
    names = ("anyio", "certifi", "click", "h11", "httpcore", "httpx", "idna", "sniffio", "typing-extensions")
    pythons = ("3.12", "3.13")
    return joined(
        checked(
            platform,
            (
                covered(platform, python, [*(wheel(name, platform, python) for name in names), tree("app", "0.1.0")])
                for python in pythons
            ),
        )
        for platform in MACHINES
    )


def tree(name: str, version: str) -> Finding:
    return Finding(
        package=name,
        version=Version.parse(version),
        status=Status.SDIST,
        is_allowed=True,
        reason="a source tree",
    )


def typical() -> Report:
    """A project around torch and flytekit: most of it is well, and a few things are not, each in its own way."""
    outcomes = []
    for platform in MACHINES:
        coverages = []
        for python in ("3.11", "3.12", "3.13"):
            findings = [
                *(wheel(name, platform, python) for name in PURE),
                *(wheel(name, platform, python, is_pure=False) for name in BUILT),
                tree("training", "0.1.0"),
                docopt(),
                flytekit(platform, python),
            ]
            if platform == "linux/amd64":
                findings.append(wheel("nvidia-nccl-cu12", platform, python, is_pure=False, version="2.21.5"))
            if platform == "linux/arm64":
                findings.append(nccl())
            coverages.append(covered(platform, python, findings))
        kind, limit = ("macOS", "14.0") if platform == "darwin" else ("glibc", "2.36")
        risen = platform == "linux/amd64"
        floor = Floor(
            kind=kind,  # type: ignore[arg-type]
            machine="arm64" if platform == "darwin" else platform.rpartition("/")[2],
            version="12.0" if platform == "darwin" else "2.28",
            limit=limit,
            previous="2.17" if risen else "",
            packages=("pandas", "scipy", "torch") if risen else (),
        )
        outcomes.append(checked(platform, coverages, floor=floor))
    return joined(outcomes)


def nccl() -> Finding:
    return Finding(
        package="nvidia-nccl-cu12",
        version=Version.parse("2.21.5"),
        status=Status.MISSING,
        reason="1 wheel, none for aarch64 with glibc 2.36 (only manylinux x86_64); no source distribution",
        chain=(
            ChainLink(name="training", version="0.1.0"),
            ChainLink(name="torch", version="2.5.1", via="extra gpu", marker="sys_platform == 'linux'"),
            ChainLink(name="nvidia-nccl-cu12", version="2.21.5", marker="platform_system == 'Linux'"),
        ),
        advice=(
            (
                'add "nvidia-nccl-cu12>=2.26.2" to constraint-dependencies in [tool.uv]: 2.26.2 is the newest version '
                "with a wheel for linux/arm64, Python 3.12"
            ),
            (
                "ask for it only where it has wheels: add \"nvidia-nccl-cu12==2.21.5 ; platform_machine == 'x86_64'\" "
                'to override-dependencies in [tool.uv], or that marker to "torch" in extra gpu, which brings it in'
            ),
        ),
        edits=(Edit(kind="constraint", package="nvidia-nccl-cu12", value="nvidia-nccl-cu12>=2.26.2"),),
    )


def docopt() -> Finding:
    return Finding(
        package="docopt",
        version=Version.parse("0.6.2"),
        status=Status.SDIST,
        reason="no wheels; only a source distribution",
        chain=(
            ChainLink(name="training", version="0.1.0"),
            ChainLink(name="statsd", version=version_of("statsd"), via="group dev"),
            ChainLink(name="docopt", version="0.6.2"),
        ),
        advice=(
            "no other version of docopt on the index has a wheel for any platform",
            'allow the build: add "docopt" to allow-sdist in [tool.lockflow]',
        ),
    )


def flytekit(platform: str, python: str) -> Finding:
    found = wheel("flytekit", platform, python, version="1.10.3")
    if python != "3.13":
        return found
    return replace(
        found,
        status=Status.PYTHON,
        reason="it requires Python <3.13,>=3.8, which excludes 3.13.9",
        chain=(ChainLink(name="training", version="0.1.0"), ChainLink(name="flytekit", version="1.10.3")),
        advice=('set requires-python = ">=3.11,<3.13", which is what the locked flytekit supports',),
    )


def large(packages: int = 600) -> Report:
    """Many packages on three platforms with four Pythons each; every ninth has something wrong somewhere."""
    names = sorted(
        f"{NAMES[number % len(NAMES)]}-{NAMES[number * 7 % len(NAMES)]}-{number:03d}" for number in range(packages)
    )
    names[3] = "a-package-with-a-name-that-is-much-longer-than-anybody-would-want-to-type-by-hand"
    outcomes = []
    for place, platform in enumerate(MACHINES):
        coverages = [
            covered(
                platform, python, (_of_many(name, number, place, platform, python) for number, name in enumerate(names))
            )
            for python in ("3.11", "3.12", "3.13", "3.14")
        ]
        outcomes.append(checked(platform, coverages))
    return joined(outcomes)


def _of_many(name: str, number: int, place: int, platform: str, python: str) -> Finding:
    found = wheel(name, platform, python, is_pure=number % 3 > 0)
    if number % 29 == place:
        return replace(nccl(), package=name, version=found.version)
    if number % 31 == 0 and python == "3.14":
        return replace(flytekit(platform, "3.13"), package=name, version=found.version)
    return replace(docopt(), package=name) if number % 97 == 0 else found


def broken() -> Report:
    """Nothing could be judged on one platform, and one image is not what its definition says."""
    base = small()
    odd = Objection(
        kind="definition",
        what="the image of linux/amd64 is not what its definition says",
        why="the libc is glibc 2.31 in the image, glibc 2.36 in the definition",
        advice=("correct platforms/linux-amd64.toml, or name the image that it describes",),
    )
    coverages = (covered("linux/amd64", "3.12", [wheel("anyio", "linux/amd64", "3.12")], odd),)
    absent = Broken(
        platform="linux/arm64",
        level="probe",
        what="the engine cannot run programs for linux/arm64",
        where="an engine on linux/amd64, image python:3.12-slim-bookworm",
        why="exec /usr/local/bin/python3: exec format error",
        next="install qemu-user-static there (or run the image tonistiigi/binfmt once), or name an engine that is "
        'linux/arm64 itself: engines = { "linux/arm64" = "ssh://user@host" } in [tool.lockflow]',
    )
    others = joined([checked("linux/amd64", coverages), absent])
    return assemble([base.platforms[0], *others.platforms], lock=LOCK, inputs=INPUTS)


DEMOS = {"small": small, "typical": typical, "broken": broken, "large": large}


def main(folder: str) -> None:
    for name, made in DEMOS.items():
        path = Path(folder, f"{name}.html")
        path.write_text(as_html(made(), read_page(), title="training"), encoding="utf-8")
        print(path)


if __name__ == "__main__":
    main(sys.argv[1])

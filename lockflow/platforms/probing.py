"""What is run in the container of a platform, as a Command; and what the probe there says, read from its Outcome.

What runs there is `probe.py`; what its findings mean is decided in `checks.py`.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
from msgspec import Struct

from lockflow.engines import uv
from lockflow.engines.model import WORK, Command, InputFile, Limits, Outcome, Place
from lockflow.errors import EngineError
from lockflow.lock.model import Lock
from lockflow.platforms.model import Platform
from lockflow.platforms.pythons import minor_of
from lockflow.standards.specifiers import InvalidSpecifier, Specifiers
from lockflow.standards.versions import Version

MARK = "lockflow-probe:"
"""What stands before the findings on stdout; `probe.py` has the same."""

_SCRIPTS = "/lockflow"
_TARGETS = {
    ("darwin", "arm64"): "aarch64-apple-darwin",
    ("darwin", "x86_64"): "x86_64-apple-darwin",
    ("win32", "AMD64"): "x86_64-pc-windows-msvc",
    ("win32", "ARM64"): "aarch64-pc-windows-msvc",
}
_PROBE = Limits(timeout_seconds=180)
_INSTALL = Limits(timeout_seconds=3600, memory_bytes=4 << 30, cpus=2, processes=1024)


class Program(Struct, frozen=True, kw_only=True):
    """A uv: its release, and its bytes for one platform."""

    version: str
    content: bytes


class Kit(Struct, frozen=True, kw_only=True):
    """What every container is given.

    `scripts` are `probe.py` and what it imports; `project` the lock and the files of the project that uv reads, all
    below `/lockflow`. `planner` plans; `installer` is the pinned release, None where nothing is installed. `modules`
    are imported after an installation. `environment` reaches the network: certificates, proxies, credentials.
    """

    scripts: tuple[InputFile, ...]
    project: tuple[InputFile, ...]
    planner: Program | None = None
    installer: Program | None = None
    script: str = ""
    modules: tuple[str, ...] = ()
    environment: tuple[tuple[str, str], ...] = ()
    can_verify: bool = False


class Interpreter(Struct, frozen=True):
    """What a real interpreter says of itself."""

    version: str
    environment: dict[str, str]
    tags: tuple[tuple[str, str, str], ...]


class Refusal(Struct, frozen=True):
    """A package that uv does not install, in its words."""

    package: str
    words: str


class Plan(Struct, frozen=True):
    """What uv installs (name, version), after leaving out what it refused; `error` where it does nothing at all."""

    refused: tuple[Refusal, ...]
    packages: tuple[tuple[str, str], ...]
    error: str
    code: int


class Verified(Struct, frozen=True):
    """Whether uv takes the lock for that of its project: 0 where it does."""

    code: int
    words: str


class ImportFailure(Struct, frozen=True):
    """A module that cannot be imported, and the last that was said."""

    module: str
    words: str


class Findings(Struct, frozen=True):
    """All that a probe says."""

    interpreter: Interpreter
    plan: Plan | None = None
    verified: Verified | None = None
    install: Plan | None = None
    imports: tuple[ImportFailure, ...] = ()


def place_of(platform: Platform, python: str) -> Place | None:
    """Return where the interpreter of a platform and Python is; None where no container can be that platform."""
    if platform.image is None or platform.engine_platform is None:
        return None
    return Place(image=platform.image.replace("{python}", minor_of(python)), platform=platform.engine_platform)


def target_of(platform: Platform) -> str | None:
    """Return what uv calls a platform that no container can be, to plan for it elsewhere; None for all others."""
    return None if platform.image is not None else _TARGETS.get((platform.system, platform.machine))


def probe_command(kit: Kit, lock: Lock, place: Place, python: str, *, target: str = "", macos: str = "") -> Command:
    """Ask the interpreter in `place` what it is, and uv what it would do there (or for `target`), and let it do so."""
    is_install = kit.installer is not None and not target
    return Command(
        argv=("python3", "-I", "-B", "-c", _start(), _job(kit, lock, python, target, is_install=is_install)),
        place=place,
        purpose=f"the {'installation' if is_install else 'probe'} for Python {minor_of(python)} on {place.platform}",
        files=(*kit.scripts, *kit.project, *_programs(kit, is_install=is_install)),
        environment=(
            ("UV_CACHE_DIR", f"{WORK}/cache"),
            ("UV_PROJECT_ENVIRONMENT", f"{WORK}/environment"),
            ("UV_PYTHON_DOWNLOADS", "never"),
            ("UV_LINK_MODE", "copy"),
            ("UV_NO_PROGRESS", "1"),
            *((("MACOSX_DEPLOYMENT_TARGET", macos),) if macos else ()),
            *(kit.environment if is_install else ()),
        ),
        has_network=is_install,
        limits=_INSTALL if is_install else _PROBE,
    )


def findings_of(command: Command, outcome: Outcome) -> Findings:
    """Read what the probe said. Raises EngineError where it did not come to say it."""
    last = next((line for line in reversed(outcome.stdout.splitlines()) if line.startswith(MARK)), "")
    try:
        if outcome.exit_code == 0 and last:
            return msgspec.json.decode(last.removeprefix(MARK), type=Findings)
        why = outcome.stderr.strip()[-600:] or f"it ended with status {outcome.exit_code}"
    except (msgspec.DecodeError, RecursionError) as error:
        why = f"it answered something else: {error}"
    raise EngineError(
        f"{command.purpose} broke",
        where=f"image {command.place.image}, {command.place.platform}",
        why=why,
        next="check that the image has Python 3.8 or newer as python3, and that it starts",
    )


def _start() -> str:
    """Run the probe with `packaging` beside it; `-I` keeps all else out."""
    run = f"runpy.run_path({_SCRIPTS + '/probe.py'!r}, None, '__main__')"
    return f"import runpy, sys; sys.path.insert(0, {_SCRIPTS!r}); {run}"


def _job(kit: Kit, lock: Lock, python: str, target: str, *, is_install: bool) -> str:
    apart = left_out(lock)
    unselected = () if kit.script else _unselected(lock, python)
    job: dict[str, object] = {"plan": (), "verify": (), "install": (), "modules": kit.modules}
    if kit.planner is not None:
        argv = uv.plan(left_out=apart, unselected=unselected, script=kit.script, target=target)
        job["plan"] = ("/lockflow/uv", *argv)
    if is_install:
        argv = uv.install(left_out=apart, unselected=unselected, script=kit.script)
        job["install"] = ("/lockflow/uv-pinned", *argv)
        job["verify"] = ("/lockflow/uv-pinned", *uv.verify()) if kit.can_verify else ()
    return msgspec.json.encode(job).decode()


def _programs(kit: Kit, *, is_install: bool) -> Iterable[InputFile]:
    if kit.planner is not None:
        yield InputFile(path="/lockflow/uv", content=kit.planner.content, is_executable=True)
    if is_install and kit.installer is not None:
        yield InputFile(path="/lockflow/uv-pinned", content=kit.installer.content, is_executable=True)


def left_out(lock: Lock) -> tuple[str, ...]:
    """List the packages that no container is asked to install, since it builds nothing: those without any wheel."""
    with_wheels = {package.name for package in lock.packages if package.wheels}
    return tuple(sorted({package.name for package in lock.packages} - with_wheels))


def _unselected(lock: Lock, python: str) -> tuple[str, ...]:
    """Leave out what conflicts, of which no installation has everything, and groups that this Python is not for."""
    items = [item for items in lock.conflicts for item in items]
    here = Version.parse(python)
    limited = [entry for package in lock.packages for entry in package.group_requires_python]
    groups = [name for name, text in (*limited, *lock.manifest.group_requires_python) if not _admits(text, here)]
    return uv.unselected_flags(
        (item.name for item in items if item.kind == "extra" and item.name),
        (*groups, *(item.name for item in items if item.kind == "group" and item.name)),
    )


def _admits(text: str, python: Version) -> bool:
    try:
        return Specifiers.parse(text).range.contains(python)
    except InvalidSpecifier:
        return True

"""The look into a finished image: what its files and its own interpreter say, judged by the lock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from lockflow.engines.images import ImageEngine
from lockflow.engines.model import Command, Limits, Place
from lockflow.errors import AnswerIsNo
from lockflow.image_plans import Project
from lockflow.images import witness
from lockflow.images.elf import machine_of
from lockflow.images.model import Binary, Expected, ImagePlan, Seen
from lockflow.images.verify import foreign_binaries, verify
from lockflow.platforms.model import Platform
from lockflow.standards.markers.evaluate import evaluate
from lockflow.standards.requirements import Directory

_WITNESS = Limits(timeout_seconds=300, memory_bytes=512 << 20, cpus=2)
_MOST_ASKED_FOR = 100


def look(images: ImageEngine, project: Project, plan: ImagePlan, platform: Platform, image: str) -> tuple[Seen, int]:
    """Look into an image: what it says, and how many programs and shared objects it has.

    Raises AnswerIsNo where it is not what the lock says.
    """
    binaries = [
        Binary(path=head.path, machine=machine)
        for head in images.heads(image, plan.engine_platform)
        if (machine := machine_of(head.head)) is not None
    ]
    foreign = foreign_binaries(platform.machine, binaries)
    seen = _seen(images, plan, image, [binary.path for binary in foreign[:_MOST_ASKED_FOR]])
    facts = images.facts(image, plan.engine_platform)
    try:
        packages = _expected(project, seen.environment)
    except (KeyError, ValueError) as error:
        raise _no_python(plan, image, f"what it says of itself decides no marker: {error}") from error
    expected = Expected(
        packages=packages,
        python=plan.python,
        machine=platform.machine,
        engine_platform=plan.engine_platform,
    )
    wrong = verify(expected, seen, facts.platform, facts.user, foreign)
    if wrong:
        raise AnswerIsNo(
            f"the image for {platform.name} is not what the lock says",
            where=f"{image[:19]}, made of {plan.base} by uv {plan.uv}",
            why="\n".join(wrong),
            next=_advice(plan),
        )
    return seen, len(binaries)


def _advice(plan: ImagePlan) -> str:
    lines = ["it got no name and was not pushed"]
    if plan.target and (plan.built_packages or plan.local_packages):
        built = ", ".join((*plan.built_packages, *plan.local_packages))
        lines.append(
            f"what is built from source ({built}) was built on {plan.builder_platform}: for machine code, name an "
            f"engine that is {plan.engine_platform} itself in [tool.lockflow.engines]"
        )
    return "\n".join(lines)


def _seen(images: ImageEngine, plan: ImagePlan, image: str, paths: Sequence[str]) -> Seen:
    assert witness.__file__ is not None
    program = Path(witness.__file__).read_text(encoding="utf-8")
    command = Command(
        argv=("python", "-c", program, *paths),
        place=Place(image=image, platform=plan.engine_platform),
        purpose=f"the look into the image for {plan.platform}",
        is_as_image_user=True,
        limits=_WITNESS,
    )
    outcome = images.run(command)
    line = next((line for line in outcome.stdout.splitlines() if line.startswith(witness.MARK)), "")
    try:
        if outcome.exit_code == 0 and line:
            return msgspec.json.decode(line.removeprefix(witness.MARK), type=Seen)
        why = outcome.stderr.strip()[-800:] or f"it ended with status {outcome.exit_code}"
    except (msgspec.DecodeError, RecursionError) as error:
        why = f"it answered something else: {error}"
    raise _no_python(plan, image, why)


def _no_python(plan: ImagePlan, image: str, why: str) -> AnswerIsNo:
    return AnswerIsNo(
        f"the Python of the image for {plan.platform} does not run",
        where=f"image {image[:19]}, made of {plan.base}",
        why=why,
        next="the interpreter of base must lie where that of builder does, and be the same minor version",
    )


def _expected(project: Project, environment: Mapping[str, str]) -> tuple[tuple[str, str | None], ...]:
    """What the lock selects in the environment that the image's own interpreter states."""
    packages = [entry.package for entry in project.entries if evaluate(entry.marker, environment)]
    return tuple(
        (package.name, None if package.version is None else str(package.version))
        for package in packages
        if not (isinstance(package.source, Directory) and package.source.install == "virtual")
    )

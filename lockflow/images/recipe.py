"""A plan of an image to the recipe that builds it: the text of a Dockerfile for BuildKit.

Two stages install, on the platform that the builder runs natively, whatever platform the image is for: one what the
lock has from elsewhere, which rests as long as lock and project files do; then the project itself. The last stage
takes what they made and runs nothing, so nothing is emulated.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from lockflow.images.model import HOME, MANIFESTS, SOURCE, TOOLS, ImagePlan

_INSTALLER = "/lockflow/installer.py"
_CACHE = "--mount=type=cache,id=lockflow-uv,target=/var/cache/lockflow,sharing=shared"
_SECRETS = ("environment", "netrc", "authorities")
_HEAD = """\
# {name} for {platform}, Python {python}: made by lockflow from uv.lock. BuildKit builds it; nothing runs emulated.
ARG BASE={base}
ARG BUILDER={builder}

# What the lock has from elsewhere, installed by the pinned uv.
FROM --platform={builder_platform} ${{BUILDER}} AS dependencies
USER 0:0
WORKDIR {folder}
RUN {mounts} \\
    {install}
"""
_PROJECT = """
# The projects themselves: an edit of their sources begins here.
FROM dependencies AS project
RUN {mounts} \\
    {install}
"""
_FINAL = """
FROM --platform={engine_platform} ${{BASE}} AS final
COPY --from=dependencies /out/dependencies/ /
"""


def recipe(plan: ImagePlan, labels: Mapping[str, str]) -> str:
    """The recipe of `plan`; `labels` come last, since they change with everything."""
    folder = f"/src/{plan.folder}".rstrip("/.")
    common = {
        "name": plan.name,
        "platform": plan.platform,
        "python": plan.python,
        "base": plan.base,
        "builder": plan.builder,
        "builder_platform": plan.builder_platform,
        "engine_platform": plan.engine_platform,
        "folder": folder,
    }
    text = _HEAD.format(mounts=_mounts(MANIFESTS), install=_install(plan, "dependencies"), **common)
    if plan.local_packages:
        text += _PROJECT.format(mounts=_mounts(SOURCE), install=_install(plan, "project"))
    text += _FINAL.format(**common)
    if plan.local_packages:
        text += "COPY --from=project /out/project/ /\n"
    text += "" if plan.home else "WORKDIR /app\n"
    text += "".join(f"COPY {_words(f'{SOURCE}/{plan.folder}/{file}', f'/app/{file}')}\n" for file in plan.files)
    text += 'ENV PATH="/opt/venv/bin:$PATH" VIRTUAL_ENV=/opt/venv\n'
    text += "".join(f"ENV {name}={_quoted(value)}\n" for name, value in plan.environment)
    text += f"USER {plan.user}\n"
    # The user who is in force when a folder is made owns it.
    text += f"WORKDIR {plan.home}\n" if plan.home else ""
    if plan.has_copies:
        text += f"COPY --chown={plan.user} {_words(f'{HOME}/', f'{plan.home}/')}\n"
    text += f"ENTRYPOINT {json.dumps(plan.entrypoint)}\n" if plan.entrypoint else ""
    return text + "".join(f"LABEL {_quoted(name)}={_quoted(value)}\n" for name, value in sorted(labels.items()))


def uv_arguments(plan: ImagePlan, stage: str) -> tuple[str, ...]:
    """What the pinned uv is told in a stage: `dependencies`, or `project`."""
    words = ["sync", "--locked", "--no-editable", *plan.selection]
    if plan.target:
        words += ["--python-platform", plan.target]
    if stage == "dependencies":
        words += ["--no-install-workspace", *(f"--no-install-package={name}" for name in plan.local_packages)]
        # Only what the project allows is built from source, and never a wheel taken in its place.
        words += ["--no-build", *(f"--no-binary-package={name}" for name in plan.built_packages)]
    return tuple(words)


def _install(plan: ImagePlan, stage: str) -> str:
    words = ["python3", "-I", "-B", _INSTALLER, plan.uv, f"/out/{stage}", *uv_arguments(plan, stage)]
    return " ".join(_shell(word) for word in words)


def _mounts(tree: str) -> str:
    mounts = [
        f"--mount=type=bind,source={TOOLS},target=/lockflow",
        # Writable, since backends write beside sources; what they write is dropped.
        f"--mount=type=bind,source={tree},target=/src,rw",
        _CACHE,
        *(f"--mount=type=secret,id={name}" for name in _SECRETS),
    ]
    return " \\\n    ".join(mounts)


def _shell(word: str) -> str:
    """A word for the shell; most need no quotes."""
    if word and all(character.isalnum() or character in "-_./=:+@%," for character in word):
        return word
    return "'" + word.replace("'", "'\\''") + "'"


def _words(*words: str) -> str:
    return json.dumps([word.replace("/./", "/") for word in words])


def _quoted(text: str) -> str:
    """A word of a LABEL: in double quotes, in which `$` would begin a variable."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("$", "\\$") + '"'

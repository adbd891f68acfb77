"""Everything that goes into an image to a digest of it, the labels that state it, and the tag that follows from it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping

from lockflow.images.model import ImagePlan

LOCK = "io.lockflow.lock"
UV = "io.lockflow.uv"
PLATFORM = "io.lockflow.platform"
PYTHON = "io.lockflow.python"
INPUTS = "io.lockflow.inputs"
_TITLE = "org.opencontainers.image.title"
_VERSION = "org.opencontainers.image.version"
_BASE = "org.opencontainers.image.base.name"
_TAG_DIGITS = 12

_PART = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
REPOSITORY = re.compile(rf"(?:[A-Za-z0-9.-]+(?::[0-9]+)?/)?{_PART}(?:/{_PART})*")
TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,95}")
"""What engines and registries take (the grammar of references of distribution); there is room for a platform."""


def content_digest(files: Iterable[tuple[str, str]]) -> str:
    """The digest of files, given as path and digest each, in whatever order."""
    lines = "".join(f"{digest} {path}\n" for path, digest in sorted(files))
    return f"sha256:{hashlib.sha256(lines.encode()).hexdigest()}"


def inputs_digest(recipe: str, files: Iterable[tuple[str, str]], bases: Iterable[str]) -> str:
    """The digest of all that decides what is in an image: its recipe without labels, its files, its base images."""
    text = "\n".join([recipe, content_digest(files), *bases])
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def labels(plan: ImagePlan, *, lock: str, inputs: str, version: str) -> Mapping[str, str]:
    """The labels of an image; `lock` and `inputs` are digests, `version` the project's (empty where it has none)."""
    found = {
        _TITLE: plan.name,
        _VERSION: version,
        _BASE: plan.base,
        LOCK: lock,
        UV: plan.uv,
        PLATFORM: plan.platform,
        PYTHON: plan.python,
        INPUTS: inputs,
    }
    return {name: value for name, value in found.items() if value}


def usual_tag(files: Iterable[tuple[str, str]], settings: str) -> str:
    """The tag where nobody names one: the same for all platforms, another when lock, sources or settings change."""
    text = f"{content_digest(files)}\n{settings}"
    return hashlib.sha256(text.encode()).hexdigest()[:_TAG_DIGITS]


def reference_of(name: str, tag: str, platform: str, *, is_one_of_several: bool) -> str:
    """The name of the image for a platform: `app:1`, or `app:1-linux-arm64` where there are others beside it."""
    return f"{name}:{tag}-{platform.replace('/', '-')}" if is_one_of_several else f"{name}:{tag}"

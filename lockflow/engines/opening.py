"""Opens engines: the one place from which the Docker SDK is imported, when a container or an image is wanted."""

from __future__ import annotations

from collections.abc import Mapping

from lockflow.engines import build_faults, faults
from lockflow.engines.images import ImageEngine
from lockflow.engines.model import Engine
from lockflow.errors import EngineError


def open_engine(addresses: Mapping[str, str]) -> Engine:
    """Open a Docker engine; raises EngineError where it does not answer or the SDK is not installed."""
    try:
        from lockflow.engines.docker import DockerEngine  # noqa: PLC0415  it takes longer to load than most runs take
    except ImportError as error:
        raise faults.no_sdk(str(error)) from error
    return DockerEngine(addresses)


def open_images(addresses: Mapping[str, str]) -> ImageEngine:
    """Open a Docker engine that makes images; raises EngineError as `open_engine` does."""
    try:
        from lockflow.engines.docker_images import DockerImages  # noqa: PLC0415  as above
    except ImportError as error:
        raise build_faults.no_sdk(str(error)) from error
    try:
        return DockerImages(addresses)
    except EngineError as error:
        # There is no other way to an image, as there is to a check.
        advice = "start the engine, or name its address in DOCKER_HOST"
        raise EngineError(error.what, where=error.where, why=error.why, next=advice) from error

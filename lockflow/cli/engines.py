"""How the roof opens an engine: the one place from which the Docker SDK is imported, when a container is wanted."""

from __future__ import annotations

from collections.abc import Mapping

from lockflow.engines import faults
from lockflow.engines.model import Engine


def open_engine(addresses: Mapping[str, str]) -> Engine:
    """Open a Docker engine; raises EngineError where it does not answer or the SDK is not installed."""
    try:
        from lockflow.engines.docker import DockerEngine
    except ImportError as error:
        raise faults.no_sdk(str(error)) from error
    return DockerEngine(addresses)

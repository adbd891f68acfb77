"""What tests with a real engine share."""

from __future__ import annotations

import docker

from lockflow.engines.owner import OWNER

ARCHES = {"linux/amd64": "amd64", "linux/arm64": "arm64"}
"""Platforms of the images that .ci/start-engine makes, with their tags."""


def left_behind(client: docker.DockerClient) -> list[str]:
    """Names of containers that lockflow made and that are there."""
    return [container.name for container in client.containers.list(all=True, filters={"label": OWNER})]

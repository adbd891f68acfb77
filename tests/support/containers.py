"""What tests with a real engine share."""

from __future__ import annotations

import os

import docker

from lockflow.engines.owner import OWNER

ARCHES = {"linux/amd64": "amd64", "linux/arm64": "arm64"}
"""Platforms of the images that .ci/start-engine makes, with their tags."""


def left_behind(client: docker.DockerClient, *pids: int) -> list[str]:
    """Names of containers that are there of these processes, by default of this one: others may use the engine too."""
    found = client.containers.list(all=True, filters={"label": OWNER}, ignore_removed=True)
    return [each.name for each in found if int(each.labels[OWNER].split(" ")[1]) in (pids or (os.getpid(),))]


def running(client: docker.DockerClient, pid: int) -> bool:
    """Whether a container of a process runs."""
    found = client.containers.list(filters={"label": OWNER}, ignore_removed=True)
    return any(int(each.labels[OWNER].split(" ")[1]) == pid for each in found)

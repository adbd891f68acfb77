"""What tests with a real engine share."""

from __future__ import annotations

import ipaddress
import os
from pathlib import Path
from typing import Any

import docker

from lockflow.engines.owner import OWNER
from support.house import House
from support.old_uv import wheel_of

ARCHES = {"linux/amd64": "amd64", "linux/arm64": "arm64"}
"""Platforms of the images that .ci/start-engine makes, with their tags."""

PROJECT = """\
[project]
name = "app"
version = "0.1.0"
requires-python = ">=3.11"
dependencies = {dependencies}

[project.optional-dependencies]
more = ["{extra}"]

[dependency-groups]
dev = ["tool"]
"""
"""The head of a project for the Pythons of these images."""
SHIPPED = Path(__file__).parent.parent.parent / "platforms"


def bridge_of(client: docker.DockerClient) -> str:
    """The address of this machine on the bridge, where containers reach it as well."""
    network: dict[str, Any] = client.networks.get("bridge").attrs["IPAM"]["Config"][0]
    # Engines that have not run a container yet do not say the gateway, which is the first address.
    return network.get("Gateway") or str(next(ipaddress.ip_network(network["Subnet"]).hosts()))


def carry_wheels(index: House, name: str, version: str, *, python: str = "") -> None:
    """Put the real wheels of a release for both platforms on an index."""
    for platform in ("manylinux2014_x86_64", "manylinux2014_aarch64"):
        wheel = wheel_of(name, version, platform, python=python)
        index.carry(name, wheel.name, wheel.read_bytes())


def define_platforms(project: Path, **replaced: str) -> None:
    """Give a project definitions of the Linux platforms whose images are at hand; `replaced` are versions of a libc."""
    (project / "platforms").mkdir(parents=True)
    for arch in ARCHES.values():
        definition = (SHIPPED / f"linux-{arch}.toml").read_text(encoding="utf-8")
        definition = definition.replace("python:{python}-slim-bookworm", f"lockflow-test/python:{arch}")
        for old, new in replaced.items():
            definition = definition.replace(f'{old} = "2.36"', f'{old} = "{new}"')
        (project / "platforms" / f"linux-{arch}.toml").write_text(definition, encoding="utf-8")


def left_behind(client: docker.DockerClient, *pids: int) -> list[str]:
    """Names of containers that are there of these processes, by default of this one: others may use the engine too."""
    found = client.containers.list(all=True, filters={"label": OWNER}, ignore_removed=True)
    return [each.name for each in found if int(each.labels[OWNER].split(" ")[1]) in (pids or (os.getpid(),))]


def running(client: docker.DockerClient, pid: int) -> bool:
    """Whether a container of a process runs."""
    found = client.containers.list(filters={"label": OWNER}, ignore_removed=True)
    return any(int(each.labels[OWNER].split(" ")[1]) == pid for each in found)

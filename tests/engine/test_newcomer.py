"""Somebody new types what README and first hour print, in an empty container, and gets what is printed there.

The real index is asked for what README names; https://index.example of the first hour is a server on the bridge. Twice:
without a terminal, where all is compared, and on one, where times are told and pauses in which nothing moves.
"""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Any

import docker
import pytest

from support.index_server import IndexServer
from support.newcomer import HOME, Newcomer, empty_container
from support.workbench import Workbench
from support.worlds import World, first_hour

pytestmark = [
    pytest.mark.engine,
    pytest.mark.network,
    # The SDK leaves it to the collector to close the sockets over which it hears what a command says.
    pytest.mark.filterwarnings("ignore:.*unclosed <socket:ResourceWarning"),
    pytest.mark.filterwarnings("ignore:Exception ignored in. <socket:pytest.PytestUnraisableExceptionWarning"),
]


@pytest.mark.parametrize("is_terminal", [False, True], ids=["text", "terminal"])
def test_what_is_printed_is_what_comes(
    is_terminal: bool, client: docker.DockerClient, bridge: str, bench: Workbench, capsys: pytest.CaptureFixture[str]
) -> None:
    bench.releases.clear()
    world = World(bench)
    first_hour(world)
    with IndexServer(host=bridge) as server:
        server.answer = world.at(server.origin)
        environment = {"LOCKFLOW_MIRRORS": world.mirrors(server.origin)}
        with empty_container(client, environment) as container:
            played = play(container, world, is_terminal=is_terminal)
    with capsys.disabled():
        tell(played, is_terminal=is_terminal)


def play(container: Any, world: World, *, is_terminal: bool) -> Newcomer:
    newcomer = Newcomer(PurePosixPath(HOME, "lockflow"), container=container, is_terminal=is_terminal)
    newcomer.compares = not is_terminal
    newcomer.follow("../README.md", lambda section: section == "Install")
    newcomer.go_to(PurePosixPath(HOME, "readme"))
    newcomer.follow("../README.md", lambda section: section in ("", "Use"))
    newcomer.go_to(PurePosixPath(HOME, "trainer"))
    newcomer.on_section = world.sections
    newcomer.follow("first-hour.md", lambda section: section != "An image")
    return newcomer


def tell(played: Newcomer, *, is_terminal: bool) -> None:
    print(f"\n{'on a terminal' if is_terminal else 'without a terminal'}:")
    for command, seconds in played.times:
        print(f"{seconds:6.1f}s  {command.splitlines()[0][:100]}")
    print(f"{sum(seconds for _, seconds in played.times):6.1f}s  in all")
    print(f"pauses over 2 seconds: {len(played.pauses)}")
    for pause in played.pauses:
        print(f"  {pause}")

from __future__ import annotations

import pytest

from lockflow.engines import uv


@pytest.mark.parametrize(("version", "can"), [("0.5.1", False), ("0.6.12", False), ("0.8.22", True), ("0.13.8", True)])
def test_old_releases_cannot_plan(version: str, can: bool) -> None:
    assert uv.can_plan(version) is can


def test_a_plan_needs_no_network_builds_nothing_and_covers_all_that_can_be_asked_for() -> None:
    argv = uv.plan(left_out=("tree", "app"), target="aarch64-apple-darwin")
    assert argv[:5] == ("sync", "--frozen", "--dry-run", "--no-build", "--offline")
    assert {"--all-extras", "--all-groups", "--all-packages"} <= {*argv}
    assert argv[-4:] == (
        "--python-platform",
        "aarch64-apple-darwin",
        "--no-install-package=app",
        "--no-install-package=tree",
    )


def test_an_installation_is_of_the_lock_as_it_is() -> None:
    argv = uv.install(unselected=uv.unselected_flags(["gpu"], ["docs"]))
    assert argv[:3] == ("sync", "--frozen", "--no-build")
    assert argv[-2:] == ("--no-extra=gpu", "--no-group=docs")
    assert "--offline" not in argv


def test_a_script_has_no_extras_to_choose() -> None:
    assert uv.install(script="job.py") == ("sync", "--frozen", "--no-build", "--script", "job.py")

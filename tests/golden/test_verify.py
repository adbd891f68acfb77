"""Every lock of the reference tool says what its index says: nothing to find is the right answer."""

from __future__ import annotations

from pathlib import Path

import pytest

from lockflow import steps
from lockflow.verify import verify
from support.golden import case_names, load_case, play


@pytest.mark.golden
@pytest.mark.parametrize("name", case_names())
def test_a_lock_of_the_reference_verifies(name: str, tmp_path: Path) -> None:
    case = load_case(name)
    folder, transport, environment = play(case, tmp_path)
    (folder / case.lock).write_bytes(case.hosts.localise(case.expected).encode())
    major, minor = case.python.split(".")[:2]
    target = steps.Target(
        directory=folder,
        script=Path(case.args[case.args.index("--script") + 1]) if "--script" in case.args else None,
        environment=environment,
        python=(int(major), int(minor)),
    )
    network = steps.Network(transport=transport, cache_dir=tmp_path / "cache")
    found = verify(target, network=network)
    assert [f"{entry.package} {entry.version}: {entry.text}" for entry in found.differences] == []

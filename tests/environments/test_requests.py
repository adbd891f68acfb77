from __future__ import annotations

import pytest

from lockflow.environments.requests import fits, parse_request
from lockflow.standards.interpreter import Answers, Interpreter, Layout, interpreter_of


def interpreter(version: str = "3.12.1", *, name: str = "cpython", abis: tuple[str, ...] = ("cp312",)) -> Interpreter:
    minor = ".".join(version.split(".")[:2])
    values = {
        "implementation_name": name, "platform_machine": "x86_64", "sys_platform": "linux", "python_version": minor,
        "python_full_version": version, "platform_python_implementation": "CPython", "os_name": "posix",
    }  # fmt: skip
    layout = Layout(purelib="lib", platlib="lib", scripts="bin", headers="include")
    return interpreter_of(
        Answers(
            executable="/bin/python3", version=version, environment=values, implementation=name, abis=abis,
            libc="glibc 2.36", macos="", platform="linux-x86_64", bits=64, layout=layout,
        )
    )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "is_met"),
    [
        ("", True), ("any", True), ("python3", True), ("3", True), ("3.12", True), ("3.12.1", True), ("3.12.2", False),
        ("3.11", False), ("3.1", False), ("cpython@3.12", True), ("cpython-3.12.1-linux-x86_64-gnu", True),
        ("python3.12", True), ("pypy3.12", False), (">=3.11,<3.13", True), ("<3.12", False), ("~=3.12.0", True),
        ("3.12t", False), ("3.13rc1", False),
    ],
)  # fmt: skip
def test_a_request_is_met_or_not(text: str, is_met: bool) -> None:
    request = parse_request(text, "--python")
    assert request.place == ""
    assert fits(interpreter(), request) == is_met


def test_without_a_global_lock_it_has_to_be_asked_for() -> None:
    free = interpreter("3.13.1", abis=("cp313t",))
    assert fits(free, parse_request("3.13t", ""))
    assert not fits(free, parse_request("3.13", ""))


def test_a_development_version_counts_as_its_release() -> None:
    assert fits(interpreter("3.12.0rc1"), parse_request(">=3.12", ""))


@pytest.mark.parametrize("text", ["/usr/bin/python3", "./venv", "python-of-mine", ">=three"])
def test_anything_else_is_a_place(text: str) -> None:
    assert parse_request(text, "").place == text


def test_tags_run_from_the_own_abi_to_any() -> None:
    tags = [str(tag) for tag in interpreter().tags]
    assert tags[0] == "cp312-cp312-manylinux_2_36_x86_64"
    assert "cp38-abi3-manylinux2014_x86_64" in tags
    assert tags.index("cp312-none-any") < tags.index("py3-none-any")
    assert "cp311-cp311-manylinux_2_36_x86_64" not in tags

from __future__ import annotations

from msgspec.structs import replace

from lockflow.platforms.environment import environment
from lockflow.platforms.read import read_platforms

(ARM64,) = (defined.platform for defined in read_platforms(["linux/arm64"]))


def test_an_environment_has_every_key_of_pep_508() -> None:
    assert dict(environment(ARM64, "3.12.16")) == {
        "implementation_name": "cpython",
        "implementation_version": "3.12.16",
        "os_name": "posix",
        "platform_machine": "aarch64",
        "platform_python_implementation": "CPython",
        "platform_release": "",
        "platform_system": "Linux",
        "platform_version": "",
        "python_full_version": "3.12.16",
        "python_version": "3.12",
        "sys_platform": "linux",
    }


def test_the_definition_may_say_which_patch_release_runs_there() -> None:
    debian = replace(ARM64, pythons=(("3.11", "3.11.2"),))

    assert environment(debian, "3.11.18")["python_full_version"] == "3.11.2"
    assert environment(debian, "3.12.16")["python_full_version"] == "3.12.16"

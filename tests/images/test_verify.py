from __future__ import annotations

from typing import Any

from lockflow.images.model import Binary, Expected, Seen
from lockflow.images.verify import foreign_binaries, verify

PLACE = "/opt/venv/lib/python3.12/site-packages"
EXPECTED = Expected(
    packages=(("app", None), ("numpy", "2.0.0"), ("fast-thing", "1.0+cpu")),
    python="3.12",
    machine="aarch64",
    engine_platform="linux/arm64",
)


def seen(**more: Any) -> Seen:
    values: dict[str, Any] = {
        "environment": {"python_version": "3.12", "python_full_version": "3.12.9", "platform_machine": "aarch64"},
        "distributions": (("app", "0.1", PLACE), ("NumPy", "2.0", PLACE), ("fast_thing", "1.0+cpu", PLACE)),
        "owners": {},
        "prefix": "/opt/venv",
        "user": (1000, 1000),
        "libc": "glibc",
        "libc_version": "2.36",
    }
    return Seen(**{**values, **more})


def wrong(found: Seen, *foreign: Binary, platform: str = "linux/arm64", user: str = "1000:1000") -> tuple[str, ...]:
    return verify(EXPECTED, found, platform, user, foreign)


def test_an_image_that_is_what_the_lock_says_has_nothing_wrong() -> None:
    assert wrong(seen(), platform="linux/arm64/v8") == ()


def test_what_is_missing_other_twice_or_too_much_is_named() -> None:
    distributions = (
        ("numpy", "2.1.0", PLACE),
        ("fast-thing", "1.0+cpu", PLACE),
        ("fast.thing", "1.0+cpu", PLACE),
        ("stray", "9", PLACE),
    )
    assert wrong(seen(distributions=distributions)) == (
        "app is not installed",
        "fast-thing is installed 2 times: 1.0+cpu, 1.0+cpu",
        "numpy is installed as 2.1.0, not as 2.0.0",
        "stray 9 is installed, though the lock does not select it there",
    )


def test_what_the_base_brings_does_not_count_as_installed() -> None:
    distributions = (*seen().distributions[:1], *seen().distributions[2:], ("numpy", "2.0", "/usr/lib/python3"))
    assert wrong(seen(distributions=distributions)) == (
        "numpy 2.0.0 is not installed",
        "numpy is that of the base image",
    )


def test_another_python_machine_platform_or_user_is_named() -> None:
    environment = {"python_version": "3.11", "python_full_version": "3.11.2", "platform_machine": "x86_64"}
    found = wrong(seen(environment=environment, user=(0, 0), prefix="/usr"), platform="linux/amd64", user="")
    assert found == (
        "the image is for linux/amd64, not for linux/arm64",
        "it runs as root",
        "its Python is 3.11.2, not 3.12",
        "its Python runs on x86_64, not on aarch64",
        "`python` there is that of /usr, not of /opt/venv",
    )
    for user in ("root", "0", "0:0", "root:root"):
        assert wrong(seen(), user=user) == ("it runs as root",)


def test_machine_code_of_another_machine_is_named_with_its_owner() -> None:
    binaries = [
        Binary(path="/usr/bin/python3", machine="aarch64"),
        Binary(path=f"{PLACE}/numpy/core.so", machine="x86_64"),
        Binary(path="/usr/local/bin/uv", machine="x86_64"),
        Binary(path=f"{PLACE}/debug/attach.so", machine="x86_64"),
    ]
    foreign = foreign_binaries("aarch64", binaries)
    assert len(foreign) == 3
    owners = {f"{PLACE}/numpy/core.so": ("numpy", False), f"{PLACE}/debug/attach.so": ("debug", True)}
    assert wrong(seen(owners=owners), *foreign) == (
        f"{PLACE}/numpy/core.so is for x86_64, not for aarch64, of numpy",
        "/usr/local/bin/uv is for x86_64, not for aarch64",
    )


def test_many_files_for_another_machine_are_counted() -> None:
    found = wrong(seen(), *(Binary(path=f"/lib/{number}.so", machine="i686") for number in range(20)))
    assert len(found) == 9
    assert found[-1] == "and 12 more files are for another machine"

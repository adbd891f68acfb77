"""What uv 0.13.8 takes for the same requirements, and what not: each pair was tried with `uv lock --check`."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from lockflow.lock.asked import asks_the_same
from lockflow.standards.markers.simplify import simplify_python
from lockflow.standards.python_range import python_range
from lockflow.standards.requirements import Requirement, parse_requirement

LINUX = "sys_platform == 'linux'"
OTHER = "sys_platform != 'linux'"
NEVER = "python_version < '3.7'"


def read(texts: list[str]) -> list[Requirement]:
    found = [parse_requirement(text) for text in texts]
    return [replace(entry, marker=simplify_python(entry.marker, python_range(">=3.9"))) for entry in found]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (["a>=1"], ["a>=1", "a"]),
        (["a>=2"], ["a>=1", "a>=2"]),
        (["a>=1,<3"], ["a>=1", "a<3"]),
        (["a"], [f"a ; {LINUX}", "a"]),
        (["a"], [f"a ; {LINUX}", f"a ; {OTHER}"]),
        ([f"a>=1 ; {LINUX}", f"a ; {OTHER}"], ["a", f"a>=1 ; {LINUX}"]),
        (["a[x,y]"], ["a[x]", "a[y]"]),
        (["a[x]"], ["a[x]", "a"]),
        ([f"a[x] ; {LINUX}", f"a ; {OTHER}"], ["a", f"a[x] ; {LINUX}"]),
        (["a~=1.0"], ["a>=1.0,==1.*"]),
        (["a~=1.0"], ["a>=1.0,<2.0"]),
        (["a>1.0"], ["a>1.0,!=1.0"]),
        (["a>=1.0"], ["a>=1.0,!=0.5a1"]),
        (["a==1.0,>=0.5"], ["a>=1.0,<=1.0"]),
        (["a==1.0"], ["a==1"]),
        (["a==1.0"], [f"a==1.0 ; {LINUX}", f"a==1.0 ; {OTHER}"]),
        (["a[x]==1.0"], ["a==1.0", "a[x]==1.0"]),
        (["a>=1.0a1"], ["a>=1.0a1", "a"]),
        (["a>=1.0a1"], ["a>=1.0a1", "a>=0.5a1"]),
        (["a"], ["a", f"a ; {NEVER}"]),
        ([f"a>=1 ; {NEVER}"], ["a>=1 ; python_version < '3.6'"]),
        (["a>=1 ; extra == 'e'"], ["a>=1 ; extra == 'e'", "a ; extra == 'e'"]),
    ],
)
def test_the_same_is_asked_in_other_words(old: list[str], new: list[str]) -> None:
    assert asks_the_same(read(old), read(new))
    assert asks_the_same(read(new), read(old))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (["a"], ["a", "a>=1"]),
        ([f"a ; {LINUX}"], [f"a ; {LINUX}", "a"]),
        ([f"a>=1 ; {LINUX}"], [f"a>=1 ; {LINUX}", "a"]),
        (["a>=1"], ["a>=1", f"a<4 ; {LINUX}"]),
        (["a[x]"], ["a[x]", "a[y]"]),
        (["a==1.0"], ["a>=1.0,<=1.0"]),
        (["a==1.0"], ["a==1.0", "a"]),
        (["a==1.0"], ["a==1.0,>=0.5"]),
        (["a==1.0"], ["a==1.0", "a[x]"]),
        (["a===1.0"], ["a==1.0"]),
        (["a>=1.0,!=1.0"], ["a>1.0"]),
        (["a<=1.0"], ["a<1.0.post1"]),
        (["a==1.*"], ["a>=1.0.dev0,<2.0.dev0"]),
        (["a>=1.0"], ["a>=1.0", "a>=0.5a1"]),
        (["a!=1.0"], ["a!=1.0", "a!=1.0a1"]),
        ([f"a>=1.0a1 ; {LINUX}", "a>=1"], ["a>=1", "a>=0.5a1"]),
        (["a"], ["a", f"a>=1 ; {NEVER}"]),
        (["a"], ["a", f"b ; {NEVER}"]),
        (["a>=1"], ["a>=1", "a ; extra == 'e'"]),
        (["a @ https://files.example/a-1.zip"], ["a"]),
    ],
)
def test_something_else_is_asked(old: list[str], new: list[str]) -> None:
    assert not asks_the_same(read(old), read(new))
    assert not asks_the_same(read(new), read(old))


def test_the_order_in_which_systems_are_named_does_not_matter() -> None:
    written = [
        "b>=1",
        f"b<5 ; {LINUX}",
        "b[x,y]>=1,<9",
        "b ; sys_platform == 'darwin'",
        "b ; python_version >= '3.11'",
        "b ; os_name == 'nt'",
        "b ; platform_machine == 'x' or platform_machine == 'y'",
    ]
    assert asks_the_same(read(written), read(sorted(written)[::-1]))
    assert asks_the_same(read(written[1:]), read(sorted(written)))
    assert not asks_the_same(read([*written[:2], *written[3:]]), read(sorted(written)))

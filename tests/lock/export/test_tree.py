from __future__ import annotations

from lockflow.lock.decode import decode
from lockflow.lock.export.model import Wish
from lockflow.lock.export.tree import Drawing, as_tree
from support.golden import load_case

HEAD = 'version = 1\nrevision = 5\nrequires-python = ">=3.9"\n'


def entry(name: str, *requires: str, source: str = '{ registry = "https://index.example/simple" }') -> str:
    dependencies = ", ".join(f'{{ name = "{target}" }}' for target in requires)
    return f'\n[[package]]\nname = "{name}"\nversion = "1"\nsource = {source}\ndependencies = [{dependencies}]\n'


def drawn(text: str, **how: object) -> list[str]:
    return list(as_tree(decode(text, "uv.lock"), Wish(defaults=("dev",)), Drawing(**how)))  # type: ignore[arg-type]


ROUND = HEAD + entry("a", "b") + entry("app", "a", source='{ virtual = "." }') + entry("b", "a")


def test_extras_and_groups_are_named_and_repeats_are_marked() -> None:
    text = load_case("workspace").expected
    assert drawn(text) == [
        "root v0.1.0",
        "├── b v1.0.0",
        "└── lib-a v1.2.3",
        "    ├── b v1.0.0",
        "    ├── lib-b[x] v0.0.1",
        "    │   └── d v1.0.0 (extra: x)",
        "    └── c v1.0.0 (group: dev)",
        "lib-b v0.0.1 (*)",
        "lib-a v1.2.3 (*)",
        "(*) Package tree already displayed",
    ]


def test_a_cycle_ends() -> None:
    assert drawn(ROUND, has_repeats=True) == [
        "app v1",
        "└── a v1",
        "    └── b v1",
        "        └── a v1 (*)",
        "(*) Package tree is a cycle and cannot be shown",
    ]


def test_upside_down_a_cycle_begins_with_its_first_package() -> None:
    assert drawn(ROUND, is_inverted=True)[0] == "a v1"


def test_a_package_asked_for_is_drawn_alone() -> None:
    assert drawn(ROUND, packages=("b",), depth=1) == ["b v1", "└── a v1"]
    assert drawn(ROUND, packages=("zzz",)) == []

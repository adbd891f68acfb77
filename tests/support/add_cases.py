"""Projects, and commands that edit them: what `add` and `remove` are compared with real uv on."""

from __future__ import annotations

from dataclasses import dataclass

HEAD = """\
[project]
name = "demo"
version = "0.1.0"
requires-python = ">=3.11"
"""
INDEX = """
[[tool.uv.index]]
url = "https://index.example/simple"
default = true
"""


@dataclass(frozen=True)
class Case:
    """`text` without the index, which is appended; `commands` run one after the other."""

    name: str
    text: str
    commands: tuple[tuple[str, ...], ...]
    index: str = INDEX
    files: tuple[tuple[str, str], ...] = ()


def _case(name: str, text: str, *commands: str, index: str = INDEX, **files: str) -> Case:
    given = tuple((f"{key}.txt".replace("_py.txt", ".py"), text) for key, text in files.items())
    return Case(name, text, tuple(tuple(command.split("|")) for command in commands), index, given)


ONE_LINE = HEAD + 'dependencies = ["apple"]\n'
SORTED = HEAD + 'dependencies = [\n  "apple>=1",\n  "pear",  # sweet\n]\n'
UNSORTED = HEAD + 'dependencies = [\n    # fruit\n    "pear",\n    "apple", # red\n    # last\n]\n'
GROUPS = HEAD + 'dependencies = []\n\n[dependency-groups]\na = ["pear"]\nz = [{ include-group = "a" }]\n'

SCRIPT = """\
# /// script
# requires-python = ">=3.11"
# dependencies = [
#   "apple", # red
# ]
#
# [[tool.uv.index]]
# url = "https://index.example/simple"
# default = true
# ///

print()
"""

CASES = (
    _case("first", HEAD + "dependencies = []\n", "add|apple"),
    _case("no-list", HEAD, "add|apple"),
    _case("one-line", ONE_LINE, "add|pear"),
    _case("one-line-front", HEAD + 'dependencies = ["pear"]\n', "add|apple"),
    _case("spaced", HEAD + 'dependencies = [ "apple", "plum" ]\n', "add|pear"),
    _case("sorted", SORTED, "add|core"),
    _case("sorted-end", SORTED, "add|plum"),
    _case("sorted-front", SORTED, "add|aaa"),
    _case("unsorted", UNSORTED, "add|core"),
    _case("comment-on-bracket", HEAD + 'dependencies = [ # these\n    "pear",\n]\n', "add|apple"),
    _case("own-line-comment-front", HEAD + 'dependencies = [\n    # these\n    "pear",\n]\n', "add|apple"),
    _case("several", HEAD + "dependencies = []\n", "add|plum|apple|pear<3"),
    _case("renewed", SORTED, "add|pear>=1.0"),
    _case("kept", SORTED, "add|apple"),
    _case("extras", HEAD + 'dependencies = ["apple[b]>=1"]\n', "add|apple[a]"),
    _case("marker", SORTED, "add|pear>=1 ; sys_platform == 'linux'"),
    _case("marker-flag", HEAD + "dependencies = []\n", "add|pear|--marker|python_version < '3.13'"),
    _case("spelling", HEAD + "dependencies = []\n", "add|Two.Words"),
    _case("dev", HEAD + "dependencies = []\n", "add|--dev|pear"),
    _case("group", GROUPS, "add|--group|m|apple"),
    _case("group-before-include", GROUPS, "add|--group|z|apple"),
    _case("group-unsorted", GROUPS.replace("a =", "y ="  ).replace('"a"', '"y"').replace("z =", "b ="),
          "add|--group|c|apple"),
    _case("optional", HEAD + "dependencies = []\n", "add|--optional|fast|apple"),
    _case("optional-more", HEAD + 'dependencies = []\n\n[project.optional-dependencies]\nfast = ["apple"]\n',
          "add|--optional|fast|pear", "add|--optional|slow|plum"),
    *(_case(f"bounds-{kind}", HEAD + "dependencies = []\n", f"add|pear|plum|zero|--bounds|{kind}")
      for kind in ("lower", "major", "minor", "exact")),
    _case("add-bounds", HEAD + 'dependencies = []\n\n[tool.uv]\nadd-bounds = "major"\n', "add|pear"),
    _case("tables-behind", HEAD + "dependencies = []\n\n[tool.other]\nx = 1\n\n[tool.last]\ny = 2\n",
          "add|--dev|pear"),
    _case("remove", SORTED, "remove|apple"),
    _case("remove-commented", UNSORTED, "remove|apple"),
    _case("remove-last", ONE_LINE, "remove|apple"),
    _case("remove-inner", HEAD + 'dependencies = [\n    "apple", # a\n    "pear", # b\n    "plum", # c\n]\n',
          "remove|pear"),
    _case("remove-group", HEAD + 'dependencies = []\n\n[dependency-groups]\ndev = ["pear"]\n', "remove|--dev|pear"),
    _case("remove-optional", HEAD + 'dependencies = []\n\n[project.optional-dependencies]\nx = ["pear", "plum"]\n',
          "remove|--optional|x|pear"),
    _case("there-and-back", SORTED, "add|core", "remove|core"),
    _case("path", HEAD + "dependencies = []\n", "add|../lib"),
    _case("path-editable", HEAD + "dependencies = []\n", "add|--editable|../lib"),
    _case("path-removed", HEAD + "dependencies = []\n", "add|../lib", "remove|lib"),
    _case("member", HEAD + "dependencies = []\n", "add|./inner"),
    _case("member-refused", HEAD + "dependencies = []\n", "add|--no-workspace|./inner"),
    _case("inline-extras", HEAD + 'dependencies = []\noptional-dependencies = { fast = ["apple"] }\n',
          "add|--optional|fast|pear", "add|--optional|slow|plum"),
    _case("dotted-extras", HEAD + 'dependencies = []\noptional-dependencies.fast = ["apple"]\n',
          "add|--optional|fast|pear"),
    _case("quoted", HEAD + "dependencies = []\n\n[dependency-groups]\n\"dev\" = ['apple']\n", "add|--dev|pear"),
    _case("legacy-dev", HEAD + 'dependencies = []\n\n[tool.uv]\ndev-dependencies = ["apple"]\n', "add|--dev|pear"),
    _case("source-replaced",
          HEAD + 'dependencies = ["lib"]\n\n[tool.uv.sources]\nlib = { path = "../lib" }\n', "add|--editable|../lib"),
    _case("source-joined",
          HEAD + 'dependencies = ["lib"]\n\n[tool.uv.sources]\nlib = { path = "../lib" }\n',
          "add|./inner", "remove|lib"),
    _case("table-after-workspace", HEAD + "dependencies = []\n\n[tool.uv.workspace]\nmembers = []\n\n[tool.x]\ny = 1\n",
          "add|./inner", "add|--dev|pear"),
    _case("legacy-order", "[tool.x]\ny = 1\n\n" + HEAD + "dependencies = []\n\n[tool.y]\nz = 1\n",
          "add|--dev|pear", "add|../lib"),
    _case("comment-at-end", HEAD + "dependencies = []\n# the end\n", "add|--dev|pear", index="# really\n" + INDEX),
    _case("twice", HEAD + "dependencies = []\n", "add|pear<2", "add|pear<3", "add|--dev|pear"),
    _case("raw", HEAD + "dependencies = []\n", "add|--raw|pear"),
    _case("frozen", HEAD + "dependencies = []\n", "add|--frozen|nowhere"),
    _case("named-index", HEAD + "dependencies = []\n", "add|pear|--index|more=https://index.example/simple"),
    _case("named-index-alone", HEAD + "dependencies = []\n", "add|pear|--index|more=https://index.example/simple",
          index=""),
    _case("file", HEAD + "dependencies = []\n", "add|-r|r.txt", r="pear<2  # why\nplum>=1 ; python_version < '3.13'\n"),
    _case("file-in-file", HEAD + "dependencies = []\n", "add|--group|x|-r|r.txt", r="plum\n-r m.txt\n", m="pear[a]\n"),
    _case("file-and-bounds", HEAD + "dependencies = []\n", "add|-r|r.txt|--bounds|major", r="pear\nplum==1.0\n"),
    _case("constraints", HEAD + "dependencies = []\n", "add|pear|plum|-c|c.txt", c="pear<2\n"),
    _case("constraints-in-file", HEAD + "dependencies = []\n", "add|-r|r.txt", r="-c c.txt\npear\n", c="pear<2\n"),
    _case("empty-file", HEAD + "dependencies = []\n", "add|--group|x|-r|r.txt", r="# nothing\n"),
    _case("script", HEAD + "dependencies = []\n", "add|pear|plum|--script|s.py", "remove|pear|--script|s.py",
          s_py=SCRIPT),
    _case("two-indexes", HEAD + "dependencies = []\n",
          "add|pear|--index|b=https://index.example/simple/b|--index|a=https://index.example/simple/a"),
)  # fmt: skip

LIB = '[project]\nname = "{name}"\nversion = "1"\nrequires-python = ">=3.11"\ndependencies = []\n'

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockflow.index.metadata import (
    InvalidMetadata,
    as_metadata,
    mended_specifiers,
    parse_core_metadata,
    parse_pkg_info,
    parse_project_table,
)
from lockflow.standards.markers.parse import parse_marker
from lockflow.standards.requirements import parse_requirement
from lockflow.standards.versions import Version
from support.archives import core_metadata

ONE = Version.parse("1.0")
HEAD = "Metadata-Version: 2.1\nName: demo\nVersion: 1.0\n"


def requires(text: str) -> tuple[str, ...]:
    return parse_core_metadata(text.encode()).requires_dist


def test_headers_become_metadata_in_their_order() -> None:
    content = core_metadata(
        "De.Mo",
        "1.0",
        "Requires-Dist: b >=1 ; extra == 'x'",
        "Requires-Dist: a[y]",
        "Requires-Python: >=3.8",
        "Provides-Extra: X_y",
        "Provides-Extra: x.y",
        "Provides-Extra: no extra!",
    )
    metadata = as_metadata(parse_core_metadata(content), ONE)
    assert metadata.name == "de-mo"
    assert metadata.version == ONE
    assert metadata.requires_dist == (parse_requirement("b >=1 ; extra == 'x'"), parse_requirement("a[y]"))
    assert metadata.requires_python == ">=3.8"
    assert metadata.provides_extras == ("x-y",)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (HEAD + "requires-dist:a<2\n", ("a<2",)),
        (HEAD.replace("\n", "\r\n") + "Requires-Dist: a<2\r\n\r\nRequires-Dist: b", ("a<2",)),
        (HEAD + "X: a\rRequires-Dist: a<2\r", ("a<2",)),
        (HEAD + "Requires-Dist: a\n >=1,\n\t<2\n", ("a >=1, <2",)),
        (HEAD + "License: x\n  y\n \nRequires-Dist: a\n", ("a",)),
        (HEAD + "\nRequires-Dist: a\n", ()),
        (HEAD + "no header\nRequires-Dist: a\n", ()),
        (HEAD + "Requires-Dist : a\nRequires-Dist: b\n", ()),
        (HEAD + ": x\nRequires-Dist: a\n", ("a",)),
        ("From x\n" + HEAD + "Requires-Dist: a\n", ("a",)),
        (HEAD + "Name: other\nVersion: 2.0\nRequires-Dist: a\n", ("a",)),
        (HEAD + "Requires-Dist: a\nRequires-Dist: a\n", ("a", "a")),
        ("Name: demo\nVersion: 1.0", ()),
    ],
)
def test_headers_end_where_those_of_a_mail_would(text: str, expected: tuple[str, ...]) -> None:
    assert requires(text) == expected


def test_bytes_that_are_no_utf8_do_not_matter_elsewhere() -> None:
    assert parse_core_metadata(HEAD.encode() + b"Author: \xff\nRequires-Dist: a\n").requires_dist == ("a",)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "no name"),
        ("\n" + HEAD, "no name"),
        ("\ufeff" + HEAD.partition("\n")[2], "no name"),
        ("Name: demo\n", "no version"),
        ("Name: demo\nVersion: one\n", "version is 'one'"),
        ("Name: de mo\nVersion: 1\n", "name is 'de mo'"),
        (HEAD + "Requires-Dist:\n", "Requires-Dist is ''"),
        (HEAD + "Requires-Python: 3.6\n", "Requires-Python is '3.6'"),
    ],
)
def test_unusable_metadata_is_refused_with_the_field_at_fault(text: str, fault: str) -> None:
    with pytest.raises(InvalidMetadata, match=fault):
        parse_core_metadata(text.encode())


# Of each form: what uv 0.13.8 makes of it, None where it says that the metadata is invalid.
FORMS = [
    ("t (>=1.0<2)", "t >=1.0,<2"),
    ("t >=1.9.*", "t >=1.9"),
    ("t <2.*", "t <2"),
    ("t >1.5.*", "t >1.5"),
    ("t >=1.5,<=2.*", "t >=1.5,<=2"),
    ("t >='1.5'", "t >=1.5"),
    ("t >=1.5'", "t >=1.5"),
    ('t >="1.5",<2', "t >=1.5,<2"),
    ("t (>=1.5,)", "t >=1.5"),
    ("t >=1.5,<2,", "t >=1.5,<2"),
    ("t !=2.0*", "t !=2.0.*"),
    ("t !=~2.0", "t !=2.0.*"),
    ("t >dev", "t >0.0.0.dev0"),
    ("t >=2.0.0a1.0", "t >=2.0.0a1"),
    ("t >=1.5<2 ; python_version > '2'", "t >=1.5,<2 ; python_version > '2'"),
    ("t !=1.5.*,>=1", "t !=1.5.*,>=1"),
    ("t ~=1", None),
    ("t ~=1.5.*", None),
    ("t (>=1.5", None),
    ("t >=1.5)", None),
    ("t ==1.5.", None),
    ("t =>1.5", None),
    ("t >=1.5 <2", None),
    ("t>=1.5, ,<2", None),
    ("t 1.5", None),
    ("t >=1.5.x", None),
    ("t ==*", None),
    ("t[x,] >=1.5", None),
    ("t >=1.5 ;", None),
    ("t >=1.5 ; python_version >= 3.6", None),
]


@pytest.mark.parametrize(("form", "meaning"), FORMS)
def test_published_requirements_are_mended_as_uv_mends_them(form: str, meaning: str | None) -> None:
    text = f"{HEAD}Requires-Dist: {form}\n"
    if meaning is None:
        with pytest.raises(InvalidMetadata, match="Requires-Dist"):
            parse_core_metadata(text.encode())
    else:
        assert parse_requirement(requires(text)[0]) == parse_requirement(meaning)


@pytest.mark.parametrize(
    ("text", "mended"),
    [
        (">=3.6", ">=3.6"),
        (">=3.6.*", ">=3.6"),
        (">=3.6<3.99", ">=3.6,<3.99"),
        (">='3.6'", ">=3.6"),
        ("!=3.0*", "!=3.0.*"),
        ("(>=3.6)", None),
        ("3.6", None),
        ("*", None),
        ("~=3", None),
        (">=3.6 <3.99", None),
        (">=1" * 5000, None),
    ],
)
def test_specifiers_are_mended_or_refused(text: str, mended: str | None) -> None:
    assert mended_specifiers(text) == mended


@given(st.binary(max_size=300))
def test_any_bytes_are_metadata_or_refused(content: bytes) -> None:
    for text in (content, HEAD.encode() + content):
        with contextlib.suppress(InvalidMetadata):
            assert as_metadata(parse_core_metadata(text), ONE).name


# PKG-INFO -------------------------------------------------------------------------------------------------------


def test_pkg_info_binds_from_version_2_2_on() -> None:
    lines = ("Requires-Dist: a",)
    assert parse_pkg_info(core_metadata("demo", "1.0", *lines, metadata_version="2.1")) is None
    assert parse_pkg_info(core_metadata("demo", "1.0", *lines, metadata_version="3.0")) is None
    for version in ("2.2", "2.4", "2.10"):
        core = parse_pkg_info(core_metadata("demo", "1.0", *lines, metadata_version=version))
        assert core is not None
        assert core.requires_dist == ("a",)


@pytest.mark.parametrize("field", ["Requires-Dist", "requires-python", "Provides-Extra"])
def test_pkg_info_with_a_dynamic_field_that_matters_does_not_bind(field: str) -> None:
    assert parse_pkg_info(core_metadata("demo", "1.0", f"Dynamic: {field}", metadata_version="2.2")) is None


def test_pkg_info_may_leave_other_fields_dynamic() -> None:
    core = parse_pkg_info(core_metadata("demo", "1.0", "Dynamic: License", "Dynamic: Version", metadata_version="2.2"))
    assert core is not None
    assert core.is_version_dynamic


def test_invalid_pkg_info_tells_nothing() -> None:
    assert parse_pkg_info(core_metadata("demo", "one", metadata_version="2.2")) is None


# [project] ------------------------------------------------------------------------------------------------------


def test_project_table_tells_dependencies_and_extras() -> None:
    core = parse_project_table(
        """
        [project]
        name = "De_mo"
        version = "1.0"
        requires-python = ">=3.8"
        dependencies = ["a>=1"]
        [project.optional-dependencies]
        X_1 = ["b ; sys_platform == 'linux' or sys_platform == 'darwin'", "c @ https://files.example/c;1.whl"]
        """,
        ONE,
    )
    assert core is not None
    metadata = as_metadata(core, ONE)
    assert (metadata.name, metadata.requires_python, metadata.provides_extras) == ("de-mo", ">=3.8", ("x-1",))
    a, b, c = metadata.requires_dist
    assert a == parse_requirement("a>=1")
    assert b.marker == parse_marker("(sys_platform == 'linux' or sys_platform == 'darwin') and extra == 'x-1'")
    assert c == parse_requirement("c @ https://files.example/c;1.whl ; extra == 'x-1'")


def test_dynamic_version_of_a_project_table_is_that_of_the_file() -> None:
    core = parse_project_table('[project]\nname = "demo"\ndynamic = ["version"]\n', Version.parse("7.0"))
    assert core is not None
    assert (core.version, core.is_version_dynamic) == ("7.0", True)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[project",
        "project = 1",
        '[project]\nname = "demo"',
        '[project]\nversion = "1"',
        '[project]\nname = "de mo"\nversion = "1"',
        '[project]\nname = "demo"\nversion = "one"',
        '[project]\nname = "demo"\nversion = 1',
        '[project]\nname = "demo"\nversion = "1"\ndynamic = ["dependencies"]',
        '[project]\nname = "demo"\nversion = "1"\ndynamic = ["optional-dependencies"]',
        '[project]\nname = "demo"\nversion = "1"\ndynamic = ["requires-python"]',
        '[project]\nname = "demo"\nversion = "1"\ndynamic = "version"',
        '[project]\nname = "demo"\nversion = "1"\nrequires-python = "3.8"',
        '[project]\nname = "demo"\nversion = "1"\nrequires-python = 3.8',
        '[project]\nname = "demo"\nversion = "1"\ndependencies = ["a b"]',
        '[project]\nname = "demo"\nversion = "1"\ndependencies = [1]',
        '[project]\nname = "demo"\nversion = "1"\noptional-dependencies = { x = "a" }',
        '[project]\nname = "demo"\nversion = "1"\noptional-dependencies = ["a"]',
        '[project]\nname = "demo"\nversion = "1"\noptional-dependencies = { "x y" = [] }',
        '[project]\nname = "demo"\nversion = "1"\n[tool.poetry.dependencies]\na = "^1"',
        "a = " + "[" * 20_000,
    ],
)
def test_project_table_that_does_not_tell_everything_tells_nothing(text: str) -> None:
    assert parse_project_table(text, ONE) is None


def test_poetry_beside_declared_dependencies_does_not_matter() -> None:
    text = '[project]\nname = "demo"\nversion = "1.0"\ndependencies = []\n[tool.poetry]\nx = 1\n'
    assert parse_project_table(text, ONE) is not None

from __future__ import annotations

import pytest

from lockflow.images.model import Drift, Key, Tool, Written
from lockflow.images.preflight import preflight
from lockflow.images.written import written
from lockflow.lock.decode import decode

LOCK = """\
version = 1
revision = 3
requires-python = ">=3.11"
{more}
[[package]]
name = "app"
version = "0.1.0"
source = {{ virtual = "." }}
"""
OPTIONS = '\n[options]\nprerelease-mode = "allow"\n'


def found(files: dict[str, str], version: str = "0.5.1", *, more: str = "") -> tuple[Drift, ...]:
    lock = decode(LOCK.format(more=more), "uv.lock")
    return preflight(lock, written(files), [Tool(version=version, role="the builder's")])


def test_a_plain_project_is_read_alike_by_every_uv() -> None:
    assert found({"pyproject.toml": '[project]\nname = "app"\ndependencies = ["idna"]\n'}) == ()


def test_an_unknown_key_alone_does_no_harm() -> None:
    text = "[tool.uv]\nrequired-environments = [\"sys_platform == 'linux'\"]\n"
    assert found({"pyproject.toml": text}) == ()


def test_an_unknown_key_hides_a_setting_that_the_lock_was_made_with() -> None:
    text = '[tool.uv]\nrequired-environments = ["sys_platform == \'linux\'"]\nprerelease = "allow"\n'
    (drift,) = found({"pyproject.toml": text}, more=OPTIONS)
    assert drift.what == "uv 0.5.1 (the builder's) would refuse the lock"
    assert "ignores all settings there, prerelease among them" in drift.why
    assert drift.since == "0.6.1"
    assert drift.removed == (Key(name="required-environments", file="pyproject.toml"),)
    assert found({"pyproject.toml": text}, "0.6.1", more=OPTIONS) == ()


def test_an_unknown_key_hides_an_index_too() -> None:
    text = '[tool.uv]\nadd-bounds = "exact"\nindex = [{ url = "https://index.example/simple", default = true }]\n'
    (drift,) = found({"pyproject.toml": text}, "0.7.8")
    assert (drift.concern, drift.since) == ("setting", "0.7.9")


def test_of_several_unknown_keys_the_youngest_decides() -> None:
    text = '[tool.uv]\nadd-bounds = "exact"\nsystem-certs = true\nprerelease = "allow"\n'
    (drift,) = found({"pyproject.toml": text}, "0.7.8", more=OPTIONS)
    assert drift.since == "0.11.0"
    assert [key.name for key in drift.removed] == ["add-bounds", "system-certs"]


def test_a_uv_toml_takes_the_place_of_the_settings() -> None:
    files = {
        "pyproject.toml": '[tool.uv]\nsystem-certs = true\nprerelease = "allow"\n',
        "uv.toml": 'prerelease = "allow"\n',
    }
    assert found(files, more=OPTIONS) == ()
    assert written(files).keys == (Key(name="prerelease", file="uv.toml"),)


@pytest.mark.parametrize(
    ("required", "version", "count"),
    [(">=0.9", "0.8.0", 1), (">=0.9", "0.9.0", 0), ("==0.8.*", "0.13.8", 1), ("0.13.8", "0.13.8", 0), ("", "0.1.0", 0)],
)
def test_a_uv_that_the_project_does_not_take_is_found(required: str, version: str, count: int) -> None:
    drifts = found({"pyproject.toml": f'[tool.uv]\nrequired-version = "{required}"\n'}, version)
    assert [drift.concern for drift in drifts].count("required-version") == count


@pytest.mark.parametrize(
    ("text", "becomes"),
    [
        ("a ; platform_system == 'Darwin'", "a ; sys_platform == 'darwin'"),
        ('a ; platform_system != "Windows"', 'a ; sys_platform != "win32"'),
    ],
)
def test_a_marker_is_rewritten_as_the_lock_has_it(text: str, becomes: str) -> None:
    quoted = text.replace('"', '\\"')
    (drift,) = found({"pyproject.toml": f'[project]\ndependencies = ["{quoted}"]\n'}, "0.5.10")
    assert [(edit.old, edit.new) for edit in drift.replacements] == [(text, becomes)]
    assert becomes in drift.advice[1]


def test_a_marker_without_counterpart_leaves_only_a_newer_uv() -> None:
    (drift,) = found({"pyproject.toml": "[dependency-groups]\ndev = [\"a ; platform_system == 'Haiku'\"]\n"})
    assert drift.replacements == ()
    assert len(drift.advice) == 1


def test_members_are_looked_at_as_well() -> None:
    files = {
        "pyproject.toml": "[tool.uv.workspace]\nmembers = ['lib']\n",
        "lib/pyproject.toml": "[project.optional-dependencies]\nfast = [\"a ; platform_system == 'Linux'\"]\n",
    }
    (drift,) = found(files)
    assert drift.where == "lib/pyproject.toml"


def test_every_tool_is_asked() -> None:
    lock = decode(LOCK.format(more=""), "uv.lock")
    asked = Written(platform_system=(("a ; platform_system == 'Linux'", "pyproject.toml"),))
    tools = [Tool(version=version, role=role) for version, role in (("0.5.1", "one"), ("0.9.0", "two"), ("0.5.9", "3"))]
    assert [drift.what for drift in preflight(lock, asked, tools)] == [
        "uv 0.5.1 (one) would refuse the lock",
        "uv 0.5.9 (3) would refuse the lock",
    ]


def test_a_stale_lock_and_a_missing_tree_need_no_uv_to_be_found() -> None:
    lock = decode(LOCK.format(more=""), "uv.lock")
    drifts = preflight(lock, Written(), [], stale=["idna was added"], absent=["lib"])
    assert next((drift.concern, drift.why) for drift in drifts) == ("lock", "idna was added")
    assert drifts[1].what == "the source tree lib is not there"


@pytest.mark.parametrize("text", ["[", "x = 1\n[tool]\nuv = 3\n", "[project]\ndependencies = 3\n", "\x00"])
def test_what_is_no_project_says_nothing(text: str) -> None:
    assert written({"pyproject.toml": text}) == Written()


@pytest.mark.parametrize(
    ("cutoff", "span"), [("7 days", "7 days"), ("P7D", "P7D"), ("2 weeks", "2 weeks"), ("2026-01-01", "")]
)
def test_a_relative_cut_off_is_told_from_a_date(cutoff: str, span: str) -> None:
    assert written({"pyproject.toml": f'[tool.uv]\nexclude-newer = "{cutoff}"\n'}).span == span

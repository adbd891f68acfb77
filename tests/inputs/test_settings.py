from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lockflow.inputs.model import Cutoff, ForkStrategy, IndexStrategy, Prerelease, Resolution, Settings
from lockflow.inputs.read import ReadResult
from support.manifests import NOW_NS, project, read, refusal

USER = "home/.config/uv/uv.toml"
DAY = 86_400 * 1_000_000_000


def settings(folder: Path, text: str = "", **more: Any) -> Settings:
    return read(folder, project(text) | more.pop("files", {}), **more).manifest.settings


def urls(found: Settings) -> list[str]:
    return [index.url.removeprefix("https://index.example/") for index in found.indexes]


def test_what_nobody_says_has_the_defaults(tmp_path: Path) -> None:
    found = settings(tmp_path)
    assert urls(found) == ["simple"]
    assert found.indexes[0].is_default
    assert found.resolution is Resolution.HIGHEST
    assert found.prerelease is Prerelease.IF_NECESSARY
    assert found.platforms == ("darwin", "linux/amd64", "linux/arm64")


def test_flags_beat_variables_which_beat_project_user_and_system(tmp_path: Path) -> None:
    layers: dict[str, Any] = {
        "files": {USER: "fork-strategy = 'fewest'\nprerelease = 'allow'\nresolution = 'highest'\n"},
        "environment": {"UV_RESOLUTION": "lowest", "UV_INDEX_STRATEGY": "unsafe-best-match"},
    }
    text = "[tool.uv]\nprerelease = 'disallow'\nresolution = 'lowest-direct'\n"
    found = settings(tmp_path, text, **layers)
    assert found.resolution is Resolution.LOWEST
    assert found.prerelease is Prerelease.DISALLOW
    assert found.fork_strategy is ForkStrategy.FEWEST
    assert found.index_strategy is IndexStrategy.UNSAFE_BEST_MATCH
    assert settings(tmp_path, text, resolution="highest", **layers).resolution is Resolution.HIGHEST


@pytest.mark.parametrize(
    ("text", "environment", "flags", "expected"),
    [
        ("", {}, {}, []),
        ("preview = true", {}, {}, ["lock-without-metadata", "lockfile-format-check"]),
        ("preview-features = true", {}, {}, ["lock-without-metadata", "lockfile-format-check"]),
        ("preview-features = ['lockfile-format-check', 'pylock']", {}, {}, ["lockfile-format-check"]),
        ("preview-features = ['lockfile-format-check']", {}, {"preview": False}, []),
        ("preview-features = ['lockfile-format-check']", {}, {"preview_features": ("pylock",)}, []),
        ("preview-features = ['lockfile-format-check']", {"UV_PREVIEW_FEATURES": "pylock"}, {}, []),
        ("", {"UV_PREVIEW_FEATURES": "pylock, lockfile-format-check"}, {}, ["lockfile-format-check"]),
        ("", {}, {"preview_features": ("pylock,lockfile-format-check",)}, ["lockfile-format-check"]),
        ("", {"UV_PREVIEW": "1"}, {"preview_features": ()}, ["lock-without-metadata", "lockfile-format-check"]),
        ("preview = true", {"UV_PREVIEW": "0"}, {}, ["lock-without-metadata", "lockfile-format-check"]),
    ],
)
def test_preview_features_come_from_the_strongest_layer_alone(
    tmp_path: Path, text: str, environment: dict[str, str], flags: dict[str, Any], expected: list[str]
) -> None:
    found = settings(tmp_path, f"[tool.uv]\n{text}\n", environment=environment, **flags)
    assert sorted(found.previews) == expected


def test_preview_and_its_features_exclude_one_another(tmp_path: Path) -> None:
    error = refusal(tmp_path, project("[tool.uv]\npreview = true\npreview-features = []\n"))
    assert "preview cannot stand beside preview-features" in str(error)


def test_indexes_come_from_all_layers_in_order_and_the_default_is_last(tmp_path: Path) -> None:
    text = """
        [tool.uv]
        index-url = "https://index.example/legacy"
        extra-index-url = ["https://index.example/extra"]
        [[tool.uv.index]]
        name = "one"
        url = "https://index.example/one/"
        [[tool.uv.index]]
        name = "two"
        url = "https://index.example/two"
        explicit = true
        """
    files = {USER: "[[index]]\nname = 'one'\nurl = 'https://index.example/other'\n"}
    found = settings(
        tmp_path, text, files=files, environment={"UV_INDEX": "https://index.example/e1 x=https://index.example/e2"}
    )
    assert urls(found) == ["e1", "e2", "one/", "two", "extra", "legacy"]
    assert [index.name for index in found.indexes] == [None, "x", "one", "two", None, None]
    assert [index.is_default for index in found.indexes] == [False] * 5 + [True]
    assert [index.is_explicit for index in found.indexes] == [False, False, False, True, False, False]


def test_the_first_default_wins_and_no_index_leaves_none(tmp_path: Path) -> None:
    text = "[[tool.uv.index]]\nurl = 'https://index.example/project'\ndefault = true\n"
    assert urls(settings(tmp_path, text)) == ["project"]
    assert urls(settings(tmp_path, text, default_index="https://index.example/flag")) == ["flag"]
    assert urls(settings(tmp_path, text, index=("https://index.example/a",))) == ["a", "project"]
    assert urls(settings(tmp_path, text, index_url="https://index.example/flag")) == ["project"]
    assert urls(settings(tmp_path, text, no_index=True)) == []


def test_local_indexes_are_relative_to_the_lock(tmp_path: Path) -> None:
    text = "[tool.uv]\nfind-links = ['./links/', 'https://index.example/links', 'file:///srv/wheel%20house/']\n"
    text += "[[tool.uv.index]]\nurl = './whl'\nformat = 'flat'\n"
    found = settings(tmp_path, text, find_links=("up",), base=str(tmp_path / "deep" / "er"))
    assert [index.url for index in found.find_links] == [
        "deep/er/up",
        "links",
        "https://index.example/links",
        "/srv/wheel house/",
    ]
    assert all(index.is_flat for index in found.find_links)
    assert (found.indexes[0].url, found.indexes[0].is_flat) == ("whl", True)


def test_an_index_has_all_its_keys(tmp_path: Path) -> None:
    text = """
        [[tool.uv.index]]
        url = "https://index.example/x"
        authenticate = "always"
        ignore-error-codes = [403]
        exclude-newer = false
        exclude-newer-package = { A = "1 day" }
        hash-algorithm = "sha512"
        cache-control = { api = "max-age=60" }
        publish-url = "https://index.example/upload"
        """
    index = settings(tmp_path, text).indexes[0]
    assert index.authenticate == "always"
    assert index.ignore_error_codes == (403,)
    assert index.cutoff is False
    assert index.cutoff_package == (("a", Cutoff(timestamp_ns=NOW_NS - DAY, span="P1D")),)
    assert index.hash_algorithm == "sha512"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name = 'a'\nurl = 'x'\n[[tool.uv.index]]\nname = 'a'\nurl = 'y'", "two indexes are named 'a'"),
        ("url = 'x'\ndefault = true\n[[tool.uv.index]]\nurl = 'y'\ndefault = true", "two indexes are the default"),
        ("name = 'a b'\nurl = 'x'", "'a b' cannot name an index"),
        ("name = 'a'", "an index has no url"),
        ("url = 'x'\nformat = 'foo'", "use one of simple, flat"),
        ("url = 'x'\nexplicit = true", "an explicit index has no name"),
        ("url = 'https://'", "'https://' is not the URL of an index"),
        ("url = 'https://u:secret@'", "'https://***@' is not the URL of an index"),
        ("url = 'x'\nignore-error-codes = [1000]", "1000 is not an HTTP status"),
        ("url = 'x'\nhash-algorithm = 'md5x'", "hash-algorithm cannot be 'md5x'"),
        ("url = 'x'\nexclude-newer = 'soon'", "exclude-newer cannot be 'soon'"),
    ],
)
def test_a_malformed_index_is_refused(tmp_path: Path, text: str, message: str) -> None:
    assert message in refusal(tmp_path, project(f"[[tool.uv.index]]\n{text}\n"))


def test_credentials_of_indexes_are_kept_apart(tmp_path: Path) -> None:
    text = "[[tool.uv.index]]\nname = 'my-index'\nurl = 'https://bob:secret@index.example/x'\n"
    variables = {"UV_INDEX_MY_INDEX_USERNAME": "eve", "UV_INDEX_MY_INDEX_PASSWORD": "hidden"}
    result = read(tmp_path, project(text), environment=variables)
    assert result.manifest.settings.indexes[0].url == "https://index.example/x"
    assert result.credentials == (
        ("https://index.example/x", "bob", "secret"),
        ("https://index.example/x", "eve", "hidden"),
    )
    assert "secret" not in repr(result.manifest)


def test_cut_offs_are_merged_by_package_and_switched_off_by_false(tmp_path: Path) -> None:
    text = "[tool.uv]\nexclude-newer-package = { A = '2023-01-01T00:00:00Z', b = false }\n"
    files = {USER: "exclude-newer = '1 week'\nexclude-newer-package = { b = '1 day', c = '2 days' }\n"}
    flags = ("d=3 days", "a=4 days")
    found = settings(tmp_path, text, files=files, exclude_newer_package=flags)
    assert found.cutoff == Cutoff(timestamp_ns=NOW_NS - 7 * DAY, span="P1W")
    assert [(name, cutoff and cutoff.span) for name, cutoff in found.cutoff_package] == [
        ("a", "P4D"),
        ("b", False),
        ("c", "P2D"),
        ("d", "P3D"),
    ]
    assert settings(tmp_path, text, files=files, exclude_newer="false").cutoff is None
    assert settings(tmp_path, text + "exclude-newer = false\n", files=files).cutoff is None


def test_modes_of_pre_releases_are_merged_by_package(tmp_path: Path) -> None:
    text = "[tool.uv]\nprerelease = 'if-necessary-or-explicit'\nprerelease-package = { A = 'allow' }\n"
    found = settings(tmp_path, text, prerelease_package=("b=disallow", "a=explicit"))
    assert found.prerelease is Prerelease.IF_NECESSARY
    assert found.prerelease_package == (("a", Prerelease.EXPLICIT), ("b", Prerelease.DISALLOW))


def test_package_lists_are_joined(tmp_path: Path) -> None:
    text = "[tool.uv]\nno-binary-package = ['A_b']\nno-build = true\nno-build-isolation-package = ['c']\n"
    found = settings(tmp_path, text, environment={"UV_NO_BINARY_PACKAGE": "q r"}, no_build=False)
    assert found.no_binary_package == {"a-b", "q", "r"}
    assert found.no_build is False
    assert found.no_build_isolation_package == {"c"}


def test_settings_for_build_backends_are_merged_by_key(tmp_path: Path) -> None:
    text = "[tool.uv]\nconfig-settings = { a = ['1', '2'], b = true }\nconfig-settings-package = { X = { k = 'v' } }\n"
    found = settings(tmp_path, text, config_setting=("a=3", "c=4"), config_settings_package=("x:l=w",))
    assert found.config_settings == (("a", ("3",)), ("b", ("true",)), ("c", ("4",)))
    assert found.config_settings_package == (("x", (("k", ("v",)), ("l", ("w",)))),)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"resolution": "zz"}, "resolution cannot be 'zz'"),
        ({"environment": {"UV_PRERELEASE": "zz"}}, "prerelease cannot be 'zz'"),
        ({"environment": {"UV_NO_BUILD": "maybe"}}, "UV_NO_BUILD cannot be 'maybe'"),
        ({"prerelease_package": ("a",)}, "--prerelease-package 'a' has no value"),
        ({"exclude_newer": "soon"}, "exclude-newer cannot be 'soon'"),
        ({"config_setting": ("a",)}, "--config-setting 'a' has no value"),
        ({"config_settings_package": ("a=b",)}, "--config-settings-package 'a=b' has no value"),
        ({"index": ("https://",)}, "'https://' is not the URL of an index"),
        ({"config_file": "none.toml"}, "the given configuration file does not exist"),
        ({"upgrade_group": ("zz",)}, "there is no group 'zz'"),
    ],
)
def test_a_malformed_flag_or_variable_is_refused(tmp_path: Path, more: dict[str, Any], message: str) -> None:
    assert message in refusal(tmp_path, project(), **more)


def test_an_empty_variable_counts_as_absent(tmp_path: Path) -> None:
    assert settings(tmp_path, environment={"UV_RESOLUTION": "", "UV_INDEX": "", "UV_NO_BUILD": ""}) == Settings(
        indexes=settings(tmp_path).indexes
    )


# Which files


def test_a_uv_toml_takes_the_place_of_the_resolver_s_keys_beside_it(tmp_path: Path) -> None:
    text = "[tool.uv]\nresolution = 'lowest'\nconstraint-dependencies = ['a<2']\n"
    result = read(tmp_path, project(text) | {"uv.toml": "prerelease = 'allow'\nconstraint-dependencies = ['b']\n"})
    assert result.manifest.settings.resolution is Resolution.HIGHEST
    assert result.manifest.settings.prerelease is Prerelease.ALLOW
    assert [requirement.name for requirement in result.manifest.constraints] == ["a"]
    assert [path.name for path in result.input_files] == ["pyproject.toml", "uv.toml"]
    moved, hidden = result.warnings
    assert moved.endswith(
        "constraint-dependencies has no effect on a lock here; move it to [tool.uv] of pyproject.toml"
    )
    assert hidden == "uv.toml takes the place of [tool.uv] in pyproject.toml, whose resolution has no effect"


def test_an_index_that_a_uv_toml_hides_still_serves_its_sources(tmp_path: Path) -> None:
    text = "dependencies = ['a']\n[tool.uv.sources]\na = { index = 'i' }\n"
    text += "[[tool.uv.index]]\nname = 'i'\nurl = 'https://index.example/i'\n"
    found = settings(tmp_path, text, files={"uv.toml": "index-url = 'https://index.example/d'\n"})
    assert urls(found) == ["i", "d"]
    assert found.indexes[0].is_explicit


@pytest.mark.parametrize("key", ["environments = []", "managed = false", "sources = {}", "conflicts = []"])
def test_a_uv_toml_may_not_describe_a_project(tmp_path: Path, key: str) -> None:
    assert "cannot stand in a uv.toml" in refusal(tmp_path, project() | {"uv.toml": f"{key}\n"})


def test_settings_above_a_project_without_its_own_count_and_a_warning_says_so(tmp_path: Path) -> None:
    files = {"uv.toml": "resolution = 'lowest'\n", "p/pyproject.toml": project()["pyproject.toml"]}
    result = read(tmp_path, files, at="p")
    assert result.manifest.settings.resolution is Resolution.LOWEST
    assert result.warnings == ("../uv.toml, which is not part of the project, changes the lock: resolution",)
    (tmp_path / "p" / "pyproject.toml").write_text(project("[tool.uv]\n")["pyproject.toml"])
    assert read(tmp_path, at="p").manifest.settings.resolution is Resolution.HIGHEST


def warnings(folder: Path, **more: Any) -> tuple[ReadResult, str]:
    result = read(folder, project() | more.pop("files", {}), **more)
    return result, "\n".join(result.warnings)


def test_ambient_settings_that_change_a_lock_are_warned_about(tmp_path: Path) -> None:
    _, text = warnings(tmp_path, files={USER: "index-url = 'https://index.example/mirror'\n"})
    assert f"{USER} changes the lock, on this machine only: index-url" in text
    _, text = warnings(tmp_path, environment={"UV_DEFAULT_INDEX": "https://index.example/m", "UV_OFFLINE": "1"})
    assert "UV_DEFAULT_INDEX in the environment changes the lock" in text
    assert "UV_OFFLINE" not in text


def test_flags_are_nobody_s_surprise(tmp_path: Path) -> None:
    (tmp_path / USER).unlink(missing_ok=True)
    _, text = warnings(tmp_path, resolution="lowest")
    assert not text


def test_a_named_configuration_file_replaces_all_others_but_not_what_describes_the_project(tmp_path: Path) -> None:
    text = "[tool.uv]\nresolution = 'lowest'\nconstraint-dependencies = ['a<2']\n"
    files = {USER: "prerelease = 'allow'\n", "my/own.toml": "fork-strategy = 'fewest'\n"}
    for more in ({"config_file": "my/own.toml"}, {"environment": {"UV_CONFIG_FILE": "my/own.toml"}}):
        manifest = read(tmp_path, project(text) | files, **more).manifest
        assert manifest.settings.resolution is Resolution.HIGHEST
        assert manifest.settings.prerelease is Prerelease.IF_NECESSARY
        assert manifest.settings.fork_strategy is ForkStrategy.FEWEST
        assert len(manifest.constraints) == 1


def test_configuration_can_be_switched_off(tmp_path: Path) -> None:
    text = "[tool.uv]\nresolution = 'lowest'\nconstraint-dependencies = ['a<2']\n"
    files = {USER: "prerelease = 'allow'\n"}
    for more in ({"no_config": True}, {"environment": {"UV_NO_CONFIG": "1"}}):
        manifest = read(tmp_path, project(text) | files, **more).manifest
        assert manifest.settings.resolution is Resolution.HIGHEST
        assert manifest.settings.prerelease is Prerelease.IF_NECESSARY
        assert len(manifest.constraints) == 1


def test_the_system_s_configuration_is_the_weakest(tmp_path: Path) -> None:
    files = {"etc/uv/uv.toml": "prerelease = 'allow'\nresolution = 'lowest'\n", USER: "resolution = 'highest'\n"}
    environment = {"UV_NO_SYSTEM_CONFIG": "", "XDG_CONFIG_DIRS": f"{tmp_path}/none:{tmp_path}/etc"}
    found = settings(tmp_path, files=files, environment=environment)
    assert found.prerelease is Prerelease.ALLOW
    assert found.resolution is Resolution.HIGHEST


# Our own


def test_lockflow_s_table_and_variables(tmp_path: Path) -> None:
    text = "[tool.lockflow]\nuv = '0.8.22'\nplatforms = ['darwin']\npython-versions = ['3.12']\nallow-sdist = ['A_b']\n"
    found = settings(tmp_path, text)
    assert (found.uv, found.platforms, found.python_versions) == ("0.8.22", ("darwin",), ("3.12",))
    assert found.allow_sdist == {"a-b"}
    found = settings(
        tmp_path, text, environment={"LOCKFLOW_PLATFORMS": "linux/amd64, linux/arm64", "LOCKFLOW_UV": "0.9"}
    )
    assert (found.uv, found.platforms, found.python_versions) == ("0.9", ("linux/amd64", "linux/arm64"), ("3.12",))


@pytest.mark.parametrize(
    ("required", "uv", "is_warned"),
    [("0.8.22", "0.8.22", False), ("==0.8.22", "0.8.22", False), (">=0.5", None, False), ("<0.9", None, True)],
)
def test_a_required_version_that_pins_chooses_the_format(
    tmp_path: Path, required: str, uv: str | None, is_warned: bool
) -> None:
    result, text = warnings(tmp_path, files={"uv.toml": f"required-version = '{required}'\n"})
    assert result.manifest.settings.uv == uv
    assert ("names no single release" in text) is is_warned


def test_requests_to_upgrade_are_handed_on(tmp_path: Path) -> None:
    text = "[dependency-groups]\ndev = []\n[tool.uv]\nupgrade-package = ['a<2']\n"
    result = read(tmp_path, project(text), upgrade=True, upgrade_package=("B",), upgrade_group=("Dev",))
    assert result.upgrade
    assert [requirement.name for requirement in result.upgrade_packages] == ["b", "a"]
    assert result.upgrade_groups == ("dev",)

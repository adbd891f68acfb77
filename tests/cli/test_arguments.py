from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from lockflow.cli.arguments import network, target
from lockflow.cli.lock import lock_parser
from lockflow.cli.plain import Started
from lockflow.errors import InputError
from lockflow.inputs.model import SettingsOverrides

# As `uv lock --help` of the newest known release lists them.
FLAGS_OF_UV = """
--check --check-exists --dry-run --script= --index= --default-index= -i= --index-url= --extra-index-url= -f=
--find-links= --no-index --index-strategy=first-index --keyring-provider=disabled -U --upgrade -P= --upgrade-package=
--upgrade-group= --resolution=lowest --prerelease=allow --prerelease-package=a=allow --fork-strategy=fewest
--exclude-newer=
--exclude-newer-package=a=2020-01-01 --no-sources --no-sources-package= -C= --config-setting= --config-settings-package=
--no-build-isolation --no-build-isolation-package= --no-build --no-build-package= --no-binary --no-binary-package=
--require-build-hashes --no-require-build-hashes --link-mode=copy -n --no-cache --cache-dir= --refresh
--refresh-package= -p=3.12 --python=3.12 --managed-python --no-managed-python --no-python-downloads -q --quiet -v
--verbose --color=never --system-certs --offline --allow-insecure-host= --no-progress --directory= --project=
--config-file= --no-config --locked --frozen
""".split()  # noqa: SIM905  a list literal would be three times as long


def overrides(*words: str) -> SettingsOverrides:
    return target(lock_parser().parse(list(words)), Started({}, None)).settings


@pytest.mark.parametrize("flag", FLAGS_OF_UV)
def test_every_flag_of_uv_is_known(flag: str) -> None:
    name, has_value, value = flag.partition("=")
    lock_parser().parse([name, value or "x"] if has_value else [name])


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--index", "a=https://index.example/a", "--index", "b"], {"index": ("a=https://index.example/a", "b")}),
        (["--default-index=u"], {"default_index": "u"}),
        (["-i", "u", "--extra-index-url", "v"], {"index_url": "u", "extra_index_url": ("v",)}),
        (["-f", "links", "--no-index"], {"find_links": ("links",), "no_index": True}),
        (["-U"], {"upgrade": True}),
        (["-P", "a<2", "-P", "b"], {"upgrade_package": ("a<2", "b")}),
        (["--upgrade-group", "dev"], {"upgrade_group": ("dev",)}),
        (["--resolution", "lowest", "--prerelease", "allow"], {"resolution": "lowest", "prerelease": "allow"}),
        (["--exclude-newer", "7 days"], {"exclude_newer": "7 days"}),
        (["--exclude-newer-package", "a=P1D"], {"exclude_newer_package": ("a=P1D",)}),
        (["--no-build", "--no-binary-package", "a"], {"no_build": True, "no_binary_package": ("a",)}),
        (["--no-build", "--build"], {"no_build": False}),
        (["--no-sources"], {"no_sources": True}),
        (["-C", "k=v", "--config-settings-package", "a:k=v"],
         {"config_setting": ("k=v",), "config_settings_package": ("a:k=v",)}),
        (["--config-file", "x.toml", "--no-config"], {"config_file": "x.toml", "no_config": True}),
        ([], {}),
    ],
)  # fmt: skip
def test_flags_reach_the_settings_as_typed(words: list[str], expected: dict[str, Any]) -> None:
    assert overrides(*words) == SettingsOverrides(**expected, base=str(Path.cwd()))


def test_an_upgrade_looks_at_the_index_afresh() -> None:
    def refresh(*words: str) -> bool | frozenset[str]:
        return network(lock_parser().parse(list(words)), Started({}, None)).refresh

    assert refresh() is False
    assert refresh("-U") is True
    assert refresh("--refresh", "-P", "a") is True
    assert refresh("-P", "Typing.Extensions[x]>=4", "--refresh-package", "b") == frozenset(("typing-extensions", "b"))


def test_variables_stand_in_for_flags_about_the_network() -> None:
    environment = {"UV_OFFLINE": "1", "UV_NO_CACHE": "true"}
    asked = network(lock_parser().parse([]), Started(environment, None))
    assert (asked.offline, asked.no_cache) == (True, True)
    asked = network(lock_parser().parse(["--no-offline"]), Started(environment, None))
    assert asked.offline is False


@pytest.mark.parametrize(
    ("words", "environment", "expected"),
    [
        (["-p", "3.12"], {}, (3, 12)),
        (["--python", "cpython@3.13.1"], {}, (3, 13)),
        ([], {"UV_PYTHON": "python3.10"}, (3, 10)),
        ([], {"UV_PYTHON": "/opt/python/bin/python"}, sys.version_info[:2]),
        ([], {}, sys.version_info[:2]),
    ],
)
def test_the_python_of_a_project_without_requires_python(
    words: list[str], environment: dict[str, str], expected: tuple[int, int]
) -> None:
    assert target(lock_parser().parse(words), Started(environment, None)).python == expected


def test_what_is_no_python_version_is_refused() -> None:
    with pytest.raises(InputError, match="no Python version"):
        target(lock_parser().parse(["-p", "2.7.x"]), Started({}, None))

"""Passwords from a keyring: a program on PATH that answers from a table and writes down what it was asked."""

from __future__ import annotations

import base64
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from support.index_content import PUBLIC, Answer, Hosts, IndexContent, one_origin
from support.index_server import IndexServer, MemoryTransport
from support.reference import run_uv, uv_path
from support.run import Run, run_lock

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the program is a shell script")

PROJECT = """\
[project]
name = "demo"
version = "0.1.0"
requires-python = ">=3.11"
dependencies = ["a"]

[tool.uv]
keyring-provider = "subprocess"

[[tool.uv.index]]
name = "corp"
url = "https://{user}index.example/simple"
default = true
{more}
"""
TABLE: Mapping[str, Any] = {
    "release": [{
        "name": "a", "version": "1.0", "metadata": "Metadata-Version: 2.1\nName: a\nVersion: 1.0\n",
        "file": [{"filename": "a-1.0-py3-none-any.whl", "sha256": "0" * 64}],
    }]
}  # fmt: skip
ALLOWED = "Basic " + base64.b64encode(b"me:s3cret").decode()


def guarded(content: IndexContent) -> Any:
    """The index for `me` alone; files lie elsewhere and are free."""

    def answer(method: str, target: str, headers: Mapping[str, str]) -> Answer:
        if target.startswith("/idx/") and headers.get("authorization") != ALLOWED:
            return Answer(401, [("www-authenticate", "Basic")])
        return content.answer(method, target, headers)

    return answer


def write(folder: Path, hosts: Hosts, *, user: str, more: str = "") -> Path:
    folder.mkdir()
    text = hosts.localise(PROJECT.format(user=user, more=more))
    (folder / "pyproject.toml").write_text(text, encoding="utf-8")
    return folder


def install(folder: Path, *known: str) -> Path:
    """A `keyring` that knows these questions, in the folder that is returned; its log is `asked` there."""
    folder.mkdir()
    cases = "".join(
        f'"{question}") printf "{answer}";;\n' for question, answer in (item.split(" => ") for item in known)
    )
    program = folder / "keyring"
    program.write_text(f'#!/bin/sh\necho "$*" >> {folder}/asked\ncase "$*" in\n{cases}*) exit 1;;\nesac\n')
    program.chmod(0o755)
    return folder


def asked(folder: Path) -> list[str]:
    file = folder / "asked"
    return file.read_text(encoding="utf-8").splitlines() if file.exists() else []


def lock(tmp_path: Path, path: Path, *, user: str = "me@", more: str = "", environment: Mapping[str, str] = {}) -> Run:
    folder = write(tmp_path / "project", PUBLIC, user=user, more=more)
    transport = MemoryTransport(guarded(IndexContent(TABLE)))
    variables = {"PATH": str(path), "NETRC": "/nowhere"} | dict(environment)
    run = run_lock(folder, ["lock"], transport, cache=tmp_path / "cache", environment=variables)
    for file in (folder / "uv.lock", *(tmp_path / "cache").rglob("*")):
        assert not file.is_file() or b"s3cret" not in file.read_bytes(), file
    assert "s3cret" not in run.said
    return run


INDEX = "https://index.example/simple"


def test_the_password_of_a_user_in_the_url_is_asked_for_once(tmp_path: Path) -> None:
    path = install(tmp_path / "bin", f"get {INDEX} me => s3cret\\n")
    assert lock(tmp_path, path).code == 0
    assert asked(path) == [f"get {INDEX} me"]
    assert f'registry = "{INDEX}"' in (tmp_path / "project/uv.lock").read_text(encoding="utf-8")


def test_host_and_origin_are_asked_for_after_the_index(tmp_path: Path) -> None:
    path = install(tmp_path / "bin", "get https://index.example me => s3cret\\n")
    assert lock(tmp_path, path).code == 0
    assert asked(path) == [f"get {INDEX} me", "get index.example me", "get https://index.example me"]


def test_the_user_may_stand_in_the_environment(tmp_path: Path) -> None:
    path = install(tmp_path / "bin", f"get {INDEX} me => s3cret\\n")
    assert lock(tmp_path, path, user="", environment={"UV_INDEX_CORP_USERNAME": "me"}).code == 0


def test_user_and_password_are_asked_for_where_an_index_needs_both(tmp_path: Path) -> None:
    path = install(tmp_path / "bin", f"get {INDEX} --mode creds => me\\ns3cret\\n")
    assert lock(tmp_path, path, user="", more='authenticate = "always"').code == 0
    assert asked(path) == [f"get {INDEX} --mode creds"]


def test_nothing_is_asked_without_a_user_or_where_it_is_forbidden_or_known(tmp_path: Path) -> None:
    path = install(tmp_path / "bin")
    for number, (user, more) in enumerate([("", ""), ("me@", 'authenticate = "never"'), ("me:bad@", "")]):
        (tmp_path / str(number)).mkdir()
        run = lock(tmp_path / str(number), path, user=user, more=more)
        assert run.code == 1
        assert "give credentials for the index" in run.said
    assert asked(path) == []


def test_netrc_comes_first(tmp_path: Path) -> None:
    path = install(tmp_path / "bin")
    netrc = tmp_path / "netrc"
    netrc.write_text("machine index.example login me password s3cret\n", encoding="utf-8")
    assert lock(tmp_path, path, environment={"NETRC": str(netrc)}).code == 0
    assert asked(path) == []


@pytest.mark.parametrize("has_program", [True, False])
def test_a_refusal_says_what_keyring_had_to_do_with_it(tmp_path: Path, *, has_program: bool) -> None:
    path = install(tmp_path / "bin") if has_program else tmp_path
    run = lock(tmp_path, path)
    assert run.code == 1
    said = "keyring knows no password" if has_program else "there is no program `keyring` on PATH"
    assert f"answers 401; {said}" in run.said


def test_an_index_is_not_asked_without_the_credentials_that_it_must_have(tmp_path: Path) -> None:
    run = lock(tmp_path, install(tmp_path / "bin"), user="", more='authenticate = "always"')
    assert run.code == 2
    assert "there are no credentials for index.example" in run.said
    assert "keyring knows no password" in run.said


def test_a_user_that_looks_like_an_option_is_none(tmp_path: Path) -> None:
    path = install(tmp_path / "bin")
    assert lock(tmp_path, path, user="--list-backends@").code == 1
    assert asked(path) == []


@pytest.mark.uv
@pytest.mark.skipif(uv_path() is None, reason="uv is not installed beside this Python")
@pytest.mark.parametrize(("user", "more"), [("me@", ""), ("", ""), ("", 'authenticate = "always"')])
def test_the_questions_are_those_of_the_reference(tmp_path: Path, user: str, more: str) -> None:
    path = install(tmp_path / "bin")
    with IndexServer() as server:
        hosts = one_origin(server.origin)
        server.answer = guarded(IndexContent(TABLE, hosts))
        folder = write(tmp_path / "theirs", hosts, user=user, more=more)
        done = run_uv(["lock"], folder, tmp_path / "uv-cache", path=path)
        theirs = [line.replace(hosts.index, PUBLIC.index) for line in asked(path)]
        theirs = [
            line.replace(server.origin, PUBLIC.index).replace(server.origin[7:], "index.example") for line in theirs
        ]
    (path / "asked").unlink(missing_ok=True)
    run = lock(tmp_path, path, user=user, more=more)
    assert asked(path) == theirs
    assert (run.code, done.returncode) == ((2, 2) if more else (1, 1))

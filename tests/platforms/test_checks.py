from __future__ import annotations

import json
from typing import Any

import pytest
from msgspec.structs import replace

from lockflow.engines.model import Command, InputFile, Outcome
from lockflow.errors import EngineError
from lockflow.lock.decode import decode
from lockflow.platforms.checks import as_observed, judge_opinion, judge_probe
from lockflow.platforms.coverage import Policy
from lockflow.platforms.model import Coverage, Libc, Platform, Status
from lockflow.platforms.probing import Kit, Program, findings_of, left_out, place_of, probe_command, target_of
from lockflow.platforms.read import read_platforms
from lockflow.platforms.selection import graph_of
from support.engines import interpreter, planned, probed, said

AMD64, ARM64, DARWIN, MUSL = (
    defined.platform for defined in read_platforms(["linux/amd64", "linux/arm64", "darwin", "linux/amd64/musl"])
)
PYTHON = "3.12.16"
LOCK = """\
version = 1
revision = 3
requires-python = ">=3.12"

[[package]]
name = "app"
version = "0.1.0"
source = { virtual = "." }
dependencies = [{ name = "fast" }, { name = "plain" }, { name = "source" }]

[[package]]
name = "fast"
version = "1.0"
source = { registry = "https://index.example/simple" }
wheels = [
    { url = "https://files.example/fast-1.0-cp312-cp312-manylinux_2_28_x86_64.whl", hash = "sha256:aa" },
    { url = "https://files.example/fast-1.0-cp312-cp312-macosx_13_0_arm64.whl", hash = "sha256:ab" },
]

[[package]]
name = "plain"
version = "2.0"
source = { registry = "https://index.example/simple" }
wheels = [{ url = "https://files.example/plain-2.0-py3-none-any.whl", hash = "sha256:bb" }]

[[package]]
name = "source"
version = "3.0"
source = { registry = "https://index.example/simple" }
sdist = { url = "https://files.example/source-3.0.tar.gz", hash = "sha256:cc" }
"""
GRAPH = graph_of(decode(LOCK, "uv.lock"))
POLICY = Policy(allow_sdist=frozenset({"source"}))
PLANNER = Program(version="0.13.8", content=b"uv")
KIT = Kit(
    scripts=(InputFile(path="/lockflow/probe.py", content=b""),),
    project=(InputFile(path="/lockflow/project/uv.lock", content=LOCK.encode()),),
    planner=PLANNER,
)
INSTALL_KIT = replace(KIT, installer=Program(version="0.5.1", content=b"old"), modules=("fast",), can_verify=True)
ALL = planned("fast==1.0", "plain==2.0")


def command(kit: Kit = KIT, platform: Platform = AMD64) -> Command:
    place = place_of(platform, PYTHON)
    assert place is not None
    return probe_command(kit, GRAPH.lock, place, PYTHON)


def job(asked: Command) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(asked.argv[-1])
    return found


def judged(outcome: Outcome, platform: Platform = AMD64, kit: Kit = KIT) -> Coverage:
    return judge_probe(GRAPH, platform, PYTHON, POLICY, kit, command(kit, platform), outcome)


def objections(coverage: Coverage) -> list[tuple[str, str]]:
    return [(objection.kind, objection.why) for objection in coverage.objections]


# What is asked --------------------------------------------------------------------------------------------------------


def test_a_probe_has_no_network_and_gets_the_planner_only() -> None:
    asked = command()
    assert not asked.has_network
    assert asked.place.image == "python:3.12-slim-bookworm"
    assert [file.path for file in asked.files if file.is_executable] == ["/lockflow/uv"]
    assert job(asked)["plan"][:5] == ["/lockflow/uv", "sync", "--frozen", "--dry-run", "--no-build"]
    assert job(asked)["install"] == []


def test_what_has_no_wheel_is_not_asked_for() -> None:
    assert left_out(GRAPH.lock) == ("app", "source")
    assert "--no-install-package=source" in job(command())["plan"]


def test_an_installation_is_done_by_the_pinned_uv_and_has_the_network() -> None:
    asked = command(replace(INSTALL_KIT, environment=(("HTTPS_PROXY", "http://proxy.example"),)))
    assert asked.has_network
    assert ("HTTPS_PROXY", "http://proxy.example") in asked.environment
    assert {file.path for file in asked.files if file.is_executable} == {"/lockflow/uv", "/lockflow/uv-pinned"}
    assert job(asked)["install"][:4] == ["/lockflow/uv-pinned", "sync", "--frozen", "--no-build"]
    assert job(asked)["verify"] == ["/lockflow/uv-pinned", "lock", "--locked"]
    assert job(asked)["modules"] == ["fast"]


def test_conflicting_items_are_not_asked_for_together() -> None:
    items = 'conflicts = [[{ package = "app", extra = "cpu" }, { package = "app", group = "gpu" }]]\n'
    lock = decode(LOCK.replace("\n[[package]]", f"{items}\n[[package]]", 1), "uv.lock")
    place = place_of(AMD64, PYTHON)
    assert place is not None
    plan = job(probe_command(KIT, lock, place, PYTHON))["plan"]
    assert "--no-extra=cpu" in plan
    assert "--no-group=gpu" in plan


def test_no_container_is_darwin_but_uv_can_be_asked_about_it() -> None:
    assert place_of(DARWIN, PYTHON) is None
    assert target_of(DARWIN) == "aarch64-apple-darwin"
    assert target_of(AMD64) is None
    place = place_of(AMD64, PYTHON)
    assert place is not None
    asked = probe_command(INSTALL_KIT, GRAPH.lock, place, PYTHON, target="aarch64-apple-darwin", macos="14.0")
    assert not asked.has_network
    assert job(asked)["install"] == []
    assert ("MACOSX_DEPLOYMENT_TARGET", "14.0") in asked.environment


# What is heard --------------------------------------------------------------------------------------------------------


def test_an_image_as_declared_and_a_uv_that_agrees_leave_nothing_to_object() -> None:
    coverage = judged(replace(probed(AMD64, PYTHON, plan=ALL), is_emulated=True))
    assert coverage.is_good
    assert coverage.objections == ()
    evidence = coverage.evidence
    assert (evidence.level, evidence.python, evidence.libc) == ("probe", "3.12.16", "glibc 2.36")
    assert (evidence.uv, evidence.emulated, evidence.image) == ("0.13.8", True, "python:3.12-slim-bookworm")


def test_coverage_is_decided_by_the_tags_that_are_there() -> None:
    old = replace(AMD64, libc=Libc(name="glibc", major=2, minor=17))
    coverage = judged(said({"interpreter": interpreter(old, PYTHON)}))
    status = {finding.package: finding.status for finding in coverage.findings}
    assert status["fast"] is Status.MISSING
    assert objections(coverage)[0] == (
        "definition",
        "the libc is glibc 2.17 in the image, glibc 2.36 in the definition",
    )
    assert coverage.evidence.libc == "glibc 2.17"
    assert not coverage.is_good


def test_musl_is_told_from_glibc() -> None:
    assert as_observed(AMD64, findings_of(command(), probed(MUSL, PYTHON)).interpreter).libc == MUSL.libc


def test_an_image_of_another_machine_is_an_objection() -> None:
    coverage = judged(said({"interpreter": interpreter(ARM64, PYTHON)}))
    assert coverage.objections[0].kind == "definition"
    assert "platform_machine is 'aarch64' in the image, 'x86_64' in the definition" in coverage.objections[0].why
    assert "platforms/linux-amd64.toml" in coverage.objections[0].advice[0]


def test_a_tag_more_or_less_is_an_objection() -> None:
    facts = interpreter(AMD64, PYTHON)
    facts["tags"] = [["cp312", "cp312t", "linux_x86_64"], *facts["tags"]]
    assert objections(judged(said({"interpreter": facts}))) == [
        ("definition", "the image accepts cp312-cp312t-linux_x86_64, the definition does not")
    ]


def test_another_patch_release_is_no_objection_unless_the_definition_names_one() -> None:
    facts = interpreter(replace(AMD64, pythons=(("3.12", "3.12.1"),)), PYTHON)
    assert objections(judged(said({"interpreter": facts}))) == []
    pinned = replace(AMD64, pythons=(("3.12", "3.12.4"),))
    assert objections(judged(said({"interpreter": facts}), pinned)) == [
        ("definition", "Python is 3.12.1 in the image, 3.12.4 in the definition")
    ]


def test_an_image_with_another_python_cannot_judge() -> None:
    with pytest.raises(EngineError, match=r"the image has Python 3\.11\.18, not 3\.12"):
        judged(probed(AMD64, "3.11.18"))


@pytest.mark.parametrize(
    ("plan", "why"),
    [
        (planned("fast==1.0", "plain==2.0", "odd==1"), "it would install odd 1, which has no wheel there"),
        (planned("fast==1.0"), "it would not install plain 2.0, which applies there"),
        (planned("plain==2.0", refused={"fast": "no wheel"}), "it refuses fast: no wheel"),
        (
            planned("fast==1.1", "plain==2.0"),
            "it would install fast 1.1, which has no wheel there\nit would not install fast 1.0, which applies there",
        ),
    ],
)
def test_a_uv_that_sees_it_otherwise_is_an_objection(plan: dict[str, Any], why: str) -> None:
    coverage = judged(probed(AMD64, PYTHON, plan=plan))
    assert objections(coverage) == [("uv", why)]
    assert not coverage.is_good


def test_what_both_refuse_is_told_in_the_words_of_both() -> None:
    words = "error: Distribution `fast==1.0 @ registry` can't be installed"
    coverage = judged(probed(ARM64, PYTHON, plan=planned("plain==2.0", refused={"fast": words})), ARM64)
    assert coverage.objections == ()
    assert coverage.evidence.says == words
    assert [finding.package for finding in coverage.findings if not finding.is_good] == ["fast"]


def test_a_lock_that_uv_refuses_as_a_whole_is_an_objection_with_advice() -> None:
    words = "error: Failed to parse `uv.lock`\n  Caused by: missing field `version`"
    coverage = judged(probed(AMD64, PYTHON, plan=planned(error=words)))
    assert objections(coverage) == [("uv", words)]
    assert "pin a newer uv" in coverage.objections[0].advice[0]


def test_a_refusal_that_both_see_is_no_objection() -> None:
    graph = graph_of(decode(LOCK.replace(">=3.12", ">=3.13"), "uv.lock"))
    coverage = judge_probe(
        graph, AMD64, PYTHON, POLICY, KIT, command(), probed(AMD64, PYTHON, plan=planned(error="error: not for 3.12"))
    )
    assert coverage.refusal
    assert coverage.objections == ()
    assert coverage.evidence.says == "error: not for 3.12"


def test_an_installation_is_the_highest_evidence() -> None:
    coverage = judged(probed(AMD64, PYTHON, plan=ALL, install=ALL, verified={"code": 0, "words": ""}), kit=INSTALL_KIT)
    assert coverage.is_good
    assert (coverage.evidence.level, coverage.evidence.uv) == ("install", "0.5.1")


def test_a_stale_lock_a_failed_installation_and_a_failed_import_are_objections() -> None:
    stale = "error: The lockfile at `uv.lock` needs to be updated, but `--locked` was provided."
    coverage = judged(
        probed(
            AMD64,
            PYTHON,
            plan=ALL,
            install=ALL,
            verified={"code": 2, "words": stale},
            imports=[{"module": "fast", "words": "ImportError: libgomp.so.1: cannot open shared object file"}],
        ),
        kit=INSTALL_KIT,
    )
    assert [kind for kind, _ in objections(coverage)] == ["uv", "import"]
    assert coverage.objections[0].what == "uv 0.5.1 does not take the lock for that of the project"
    assert "lock again with `lockflow lock`" in coverage.objections[0].advice
    broken = planned(error="error: Hash mismatch for `fast==1.0`")
    coverage = judged(probed(AMD64, PYTHON, plan=ALL, install=broken), kit=INSTALL_KIT)
    assert objections(coverage) == [("install", "error: Hash mismatch for `fast==1.0`")]


def test_a_second_opinion_leaves_the_level_at_tags() -> None:
    place = place_of(AMD64, PYTHON)
    assert place is not None
    asked = probe_command(KIT, GRAPH.lock, place, PYTHON, target="aarch64-apple-darwin")
    coverage = judge_opinion(GRAPH, DARWIN, PYTHON, POLICY, KIT, asked, probed(AMD64, "3.12.1", plan=ALL))
    assert coverage.is_good
    assert (coverage.evidence.level, coverage.evidence.target) == ("tags", "aarch64-apple-darwin")
    other = judge_opinion(
        GRAPH, DARWIN, PYTHON, POLICY, KIT, asked, probed(AMD64, "3.12.1", plan=planned("plain==2.0"))
    )
    assert objections(other) == [("uv", "it would not install fast 1.0, which applies there")]


# What is hostile ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("outcome", "why"),
    [
        (Outcome(exit_code=1, stdout="", stderr="SyntaxError: invalid syntax"), "SyntaxError: invalid syntax"),
        (Outcome(exit_code=3, stdout="", stderr=""), "it ended with status 3"),
        (Outcome(exit_code=0, stdout="hello\n", stderr=""), "it ended with status 0"),
        (Outcome(exit_code=0, stdout="lockflow-probe:{\n", stderr=""), "it answered something else"),
        (said({"interpreter": {"version": 3}}), "it answered something else"),
        (said({"interpreter": interpreter(AMD64, PYTHON), "plan": []}), "it answered something else"),
        (Outcome(exit_code=0, stdout="lockflow-probe:" + "[" * 9000, stderr=""), "it answered something else"),
    ],
)
def test_a_probe_that_does_not_answer_is_one_clear_error(outcome: Outcome, why: str) -> None:
    with pytest.raises(EngineError, match=r"the probe for Python 3\.12 on linux/amd64 broke") as caught:
        findings_of(command(), outcome)
    assert why in caught.value.why

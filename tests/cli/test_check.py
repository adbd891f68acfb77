from __future__ import annotations

import json
from pathlib import Path

import pytest

from lockflow.cli.main import main
from support.workbench import Workbench


def only_on_darwin(bench: Workbench) -> None:
    bench.offer("fruit", "1.0", wheels=["cp312-cp312-macosx_11_0_arm64"])
    bench.write("fruit")
    bench.run("lock")


def test_a_lock_that_holds_everywhere_is_good(bench: Workbench) -> None:
    bench.write("apple")
    bench.run("lock")
    run = bench.run("check")
    assert run.code == 0
    rows = [line.split()[:2] for line in run.said.splitlines()]
    assert rows[:4] == [["platform", "verdict"], ["darwin", "good"], ["linux/amd64", "good"], ["linux/arm64", "good"]]
    assert "Checked 3 platforms in" in run.said


def test_a_platform_without_a_wheel_is_no_and_is_told_once_for_all_alike(bench: Workbench) -> None:
    only_on_darwin(bench)
    run = bench.run("check")
    assert run.code == 1
    assert run.said.count("error: ") == 1
    assert "error: no distribution of fruit 1.0 fits linux/amd64" in run.said
    assert "likewise on linux/arm64" in run.said
    assert bench.run("check", "darwin").code == 0


def test_the_verdicts_are_data_on_stdout(bench: Workbench, capsys: pytest.CaptureFixture[str]) -> None:
    only_on_darwin(bench)
    arguments = ["--directory", str(bench.project), "--offline", "--cache-dir", str(bench.cache)]
    assert main(["check", "linux/arm64", "darwin", "--json", *arguments]) == 1
    report = json.loads(capsys.readouterr().out)
    assert [(entry["platform"], entry["verdict"]) for entry in report["platforms"]] == [
        ("linux/arm64", "bad"),
        ("darwin", "good"),
    ]


def test_where_no_report_can_be_written_the_answer_is_told_all_the_same(bench: Workbench) -> None:
    bench.write("apple")
    bench.run("lock")
    (bench.project / "reports").write_text("in the way", encoding="utf-8")
    run = bench.run("check")
    assert run.code == 0
    assert "warning: the report darwin.json cannot be written, nor those after it: " in run.said
    assert "linux/arm64  good" in run.said
    assert bench.run("report").code == 2, "there, the reports are what is asked for"


def test_one_python_can_be_asked_about(bench: Workbench) -> None:
    only_on_darwin(bench)
    assert bench.run("check", "darwin", "--python", "3.12").code == 0
    assert bench.run("check", "darwin", "--python", "3.13").code == 1


def test_without_a_lock_the_answer_is_no(bench: Workbench) -> None:
    bench.write("apple")
    assert bench.run("check").code == 1


def test_an_unknown_platform_is_a_mistake(bench: Workbench) -> None:
    bench.write("apple")
    bench.run("lock")
    run = bench.run("check", "linux/arm46")
    assert run.code == 2
    assert "did you mean linux/arm64?" in run.said


def test_report_names_what_it_wrote(bench: Workbench, capsys: pytest.CaptureFixture[str]) -> None:
    only_on_darwin(bench)
    arguments = ["--directory", str(bench.project), "--offline", "--cache-dir", str(bench.cache)]
    assert main(["report", *arguments]) == 1
    paths = [Path(line) for line in capsys.readouterr().out.splitlines()]
    platforms = ["darwin.json", "linux-amd64.json", "linux-arm64.json"]
    assert [path.name for path in paths] == [*platforms, "summary.md", "index.html", "junit.xml"]
    assert all(path.parent == bench.project / "reports" and path.is_file() for path in paths)


def test_wheels_that_need_a_newer_system_than_the_lock_before_are_told(bench: Workbench) -> None:
    bench.offer("fruit", "1.0", wheels=["cp312-cp312-manylinux_2_17_x86_64"])
    bench.write("fruit")
    bench.run("lock")
    before = bench.lock.rename(bench.project / "before.lock")
    bench.offer("fruit", "1.1", wheels=["cp312-cp312-manylinux_2_28_x86_64"])
    bench.run("lock", "--upgrade")
    run = bench.run("check", "linux/amd64", "--previous", str(before))
    assert run.code == 0
    assert "warning: linux/amd64 now needs glibc 2.28 (2.17 before), because of fruit" in run.said
    assert "glibc" not in bench.run("check", "linux/amd64", "--previous", str(bench.lock)).said
    assert bench.run("check", "--previous", str(bench.project / "none.lock")).code == 2


def test_report_opens_the_page_where_there_is_a_browser(bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    answers = [True, False]

    def opens(url: str) -> bool:
        opened.append(url)
        return answers[len(opened) - 1]

    monkeypatch.setattr("webbrowser.open", opens)
    bench.write("apple")
    bench.run("lock")
    assert "browser" not in bench.run("report", "--open").said
    assert opened == [(bench.project / "reports" / "index.html").as_uri()]
    assert "no browser could be started here" in bench.run("report", "--open").said

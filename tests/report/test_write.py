from __future__ import annotations

from pathlib import Path

import pytest

from lockflow.errors import InputError, LockflowError
from lockflow.report.as_html import as_html
from lockflow.report.as_junit import as_junit
from lockflow.report.as_markdown import as_markdown
from lockflow.report.write import read_page, read_platform_report, report_path, write_platform_report, write_summary
from support.small_reports import bad_report, good_report


def test_a_report_stands_under_the_name_of_its_platform(tmp_path: Path) -> None:
    report = bad_report().platforms[2]

    path = write_platform_report(tmp_path / "reports", report)

    assert path == tmp_path / "reports" / "linux-arm64.json" == report_path(tmp_path / "reports", "linux/arm64")
    assert read_platform_report(path) == report
    assert [item.name for item in path.parent.iterdir()] == ["linux-arm64.json"]
    assert path.stat().st_mode & 0o777 == 0o644


def test_the_report_on_all_is_written_in_each_form_and_replaces_an_older_one(tmp_path: Path) -> None:
    write_summary(tmp_path, bad_report())

    paths = write_summary(tmp_path, good_report(), title="demo")

    assert [path.name for path in paths] == ["summary.md", "index.html", "junit.xml"]
    texts = [path.read_text(encoding="utf-8") for path in paths]
    assert texts == [
        as_markdown(good_report()),
        as_html(good_report(), read_page(), title="demo"),
        as_junit(good_report()),
    ]


def test_a_report_that_cannot_be_written_leaves_the_old_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, *others = write_summary(tmp_path, good_report())

    def full(self: Path, target: Path) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(LockflowError, match=r"summary\.md cannot be written"):
        write_summary(tmp_path, bad_report())

    assert path.read_text(encoding="utf-8") == as_markdown(good_report())
    assert {*tmp_path.iterdir()} == {path, *others}


def test_an_absent_report_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read") as caught:
        read_platform_report(tmp_path / "darwin.json")

    assert caught.value.next == "check this platform first"

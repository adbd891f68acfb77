from __future__ import annotations

import pytest

from lockflow.inputs.requirements_file import FileEntry, parse_requirements_file

CASES = {
    "pear": ("requirement", "pear", ""),
    "  pear >= 1  # why": ("requirement", "pear >= 1", ""),
    "pear#1": ("requirement", "pear#1", ""),
    "a @ https://x.example/a-1.whl#sha256=0 # why": ("requirement", "a @ https://x.example/a-1.whl#sha256=0", ""),
    "-r a.txt": ("include", "a.txt", ""),
    "-ra.txt": ("include", "a.txt", ""),
    "--requirement=a.txt": ("include", "a.txt", ""),
    '--requirement "a b.txt"': ("include", "a b.txt", ""),
    "-c 'a b.txt'": ("constraints", "a b.txt", ""),
    "-e .": ("editable", ".", ""),
    "--editable=git+https://x.example/y": ("editable", "git+https://x.example/y", ""),
    "-i https://x.example": ("option", "https://x.example", "--index-url"),
    "--extra-index-url  https://x.example": ("option", "https://x.example", "--extra-index-url"),
    "-f links": ("option", "links", "--find-links"),
    "--pre": ("option", "", "--pre"),
    "--no-binary :all:": ("option", ":all:", "--no-binary"),
    "--pre maybe": ("unknown", "--pre maybe", ""),
    "-r": ("unknown", "-r", ""),
    "--frobnicate x": ("unknown", "--frobnicate x", ""),
}


@pytest.mark.parametrize("line", CASES)
def test_a_line_is_taken_apart(line: str) -> None:
    (entry,) = parse_requirements_file(line)
    assert (entry.kind, entry.text, entry.option) == CASES[line]


def test_hashes_and_lines_that_go_on_are_one_entry() -> None:
    text = (
        "\ufeff# head\n\npear==1 \\\n  --hash=sha256:00 \\\n  --hash=sha256:11\n    # via plum\nplum ; extra == 'a'\n"
    )
    assert parse_requirements_file(text) == (
        FileEntry(line=3, kind="requirement", text="pear==1", own_options=("--hash",)),
        FileEntry(line=7, kind="requirement", text="plum ; extra == 'a'"),
    )


@pytest.mark.parametrize("text", ["", "\n\n", "# a\n", "\\", "\\\n# a\n"])
def test_an_empty_file_has_no_entries(text: str) -> None:
    assert parse_requirements_file(text) == ()


def test_a_line_that_goes_on_at_the_end_of_the_file_counts() -> None:
    assert [entry.text for entry in parse_requirements_file("pear\\")] == ["pear"]


def test_a_comment_ends_what_goes_on() -> None:
    assert [entry.text for entry in parse_requirements_file("pear \\\n# plum\nfig\n")] == ["pear", "fig"]


def test_pip_reads_the_same() -> None:
    req_file = pytest.importorskip("pip._internal.req.req_file")
    text = "".join(f"{line}\n" for line in CASES if CASES[line][0] != "unknown")
    parser = req_file.get_line_parser(None)
    found = []
    for _, line in req_file.preprocess(text):
        words, options = parser(line)
        paths = [*(options.requirements or ()), *(options.constraints or ()), *(options.editables or ())]
        found += [words] if words else paths
    ours = [entry.text for entry in parse_requirements_file(text) if entry.kind != "option"]
    assert found == ours

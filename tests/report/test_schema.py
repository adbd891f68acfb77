"""The published schema describes what lockflow writes: no more, no less, and nothing else passes."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest
from jsonschema import Draft202012Validator

from lockflow.platforms.model import ChainLink, Edit, Evidence, Floor, Objection, Status
from lockflow.report.as_json import as_json
from lockflow.report.model import SCHEMA, Entry, Executed, Fault, PlatformReport, PythonReport, Report, Verdict
from support.small_reports import bad_report, good_report
from support.workbench import Workbench

TEXT = (Path(__file__).parents[2] / "docs" / "report.schema.json").read_text(encoding="utf-8")
DOCUMENT = json.loads(TEXT)
VALIDATOR = Draft202012Validator(DOCUMENT)
STRUCTS: dict[str, type[msgspec.Struct]] = {
    "report": Report,
    "platformReport": PlatformReport,
    "python": PythonReport,
    "entry": Entry,
    "link": ChainLink,
    "edit": Edit,
    "evidence": Evidence,
    "objection": Objection,
    "floor": Floor,
    "fault": Fault,
}


def faults(document: object) -> list[str]:
    return [error.message for error in VALIDATOR.iter_errors(document)]


def as_document(report: Report | PlatformReport) -> Any:
    return json.loads(as_json(report))


def test_the_schema_is_one_itself() -> None:
    Draft202012Validator.check_schema(DOCUMENT)
    assert DOCUMENT["$defs"]["schema"]["const"] == SCHEMA


@pytest.mark.parametrize("name", STRUCTS)
def test_every_key_that_is_written_is_described_and_no_other(name: str) -> None:
    definition = DOCUMENT["$defs"][name]
    fields = msgspec.structs.fields(STRUCTS[name])
    always = [
        field.encode_name for field in fields if field.required or not STRUCTS[name].__struct_config__.omit_defaults
    ]
    assert [*definition["properties"]] == [field.encode_name for field in fields]
    assert definition["required"] == always


def test_every_word_that_is_written_is_described() -> None:
    definitions = DOCUMENT["$defs"]
    assert definitions["verdict"]["enum"] == [*Verdict]
    assert definitions["entry"]["properties"]["status"]["enum"] == [*Status]
    assert definitions["platformReport"]["properties"]["executor"]["enum"] == [*get_args(Executed)]


def test_what_is_written_is_valid() -> None:
    for report in (good_report(), bad_report()):
        assert faults(as_document(report)) == []
        for platform in report.platforms:
            assert faults(as_document(platform)) == []


def test_what_a_check_writes_is_valid(bench: Workbench) -> None:
    bench.write("apple")
    assert bench.run("lock").code == 0
    run = bench.run("check", "--json", "-qq")
    assert faults(json.loads(run.said)) == []
    written = sorted((bench.project / "reports").glob("*.json"))
    assert len(written) == 3
    for path in written:
        assert faults(json.loads(path.read_text(encoding="utf-8"))) == []


def _of(document: Any, *way: str | int) -> Any:
    for step in way:
        document = document[step]
    return document


BAD = as_document(bad_report().platforms[2])
BROKEN = as_document(bad_report().platforms[3])


@pytest.mark.parametrize(
    ("document", "way", "value"),
    [
        (BAD, ("schema",), 2),
        (BAD, ("verdict",), "fine"),
        (BAD, ("verdict",), "broken"),  # without a fault
        (BROKEN, ("verdict",), "good"),  # with one
        (BAD, ("executor",), "swarm"),
        (BAD, ("level",), "guess"),
        (BAD, ("lock",), "sha256:0"),
        (BAD, ("lock",), ""),
        (BAD, ("platform",), ""),
        (BAD, ("pythons",), None),
        (BAD, ("notes",), "a word"),
        (BAD, ("pythons", 0, "python"), "3"),
        (BAD, ("pythons", 1, "refusal"), "refused, and yet there are entries"),
        (BAD, ("pythons", 1, "entries", 0, "status"), "gone"),
        (BAD, ("pythons", 1, "entries", 0, "status"), "wheel"),  # without file and tag
        (BAD, ("pythons", 1, "entries", 0, "reason"), ""),
        (BAD, ("pythons", 1, "entries", 2, "chain", 0, "name"), 1),
        (BAD, ("pythons", 2, "entries", 0, "tag"), "py3"),
        (BAD, ("pythons", 1, "evidence"), {}),
        (BROKEN, ("fault", "what"), ""),
    ],
)
def test_anything_else_is_not(document: Any, way: tuple[str | int, ...], value: object) -> None:
    changed = copy.deepcopy(document)
    *before, last = way
    place = _of(changed, *before)
    assert place[last] != value
    place[last] = value
    assert faults(changed)


@pytest.mark.parametrize("key", DOCUMENT["$defs"]["platformReport"]["required"])
def test_nothing_may_be_left_out(key: str) -> None:
    assert faults({name: value for name, value in BAD.items() if name != key})


def test_a_reader_may_meet_new_keys() -> None:
    assert faults(BAD | {"new": 1}) == []

"""Pairs of declared and locked markers, taken from uv 0.13.8."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from lockflow.standards.markers.parse import MarkerSyntaxError, parse_marker
from lockflow.standards.markers.render import render
from lockflow.standards.markers.simplify import production, simplify_python
from lockflow.standards.python_range import python_range

Case = dict[str, Any]

CASES: list[Case] = tomllib.loads(Path(__file__).with_name("marker-cases.toml").read_text("utf-8"))["case"]
# A version bound is printed as the first marker of the process wrote it, so whoever writes zeros comes alone.
ZEROS = re.compile(r"(full|implementation)_version .*\.0\b")
ALONE = [case for case in CASES if ZEROS.search(case["input"])]
TOGETHER = [case for case in CASES if not ZEROS.search(case["input"])]


def observed(case: Case) -> Case:
    try:
        marker = parse_marker(case["input"])
    except MarkerSyntaxError:
        return {"error": True}
    edge = simplify_python(production(marker), python_range(case["requires-python"]))
    seen: Case = {}
    declared, locked = render(marker), render(edge)
    if declared is not None:
        seen["output"] = declared
    if edge.is_false:
        seen["edge"] = "absent"
    elif locked is None and declared is not None:
        seen["edge"] = "unconditional"
    elif locked != declared:
        seen["dependencies"] = locked
    return seen


def expected(case: Case) -> Case:
    return {key: value for key, value in case.items() if key not in {"input", "requires-python"}}


@pytest.mark.parametrize("case", TOGETHER, ids=lambda case: case["input"])
def test_marker_is_locked_as_uv_does(case: Case) -> None:
    assert observed(case) == expected(case)


def test_nothing_is_left_out_of_the_pairs() -> None:
    assert len(TOGETHER) + len(ALONE) == 433
    assert 5 < len(ALONE) < 20


@pytest.mark.parametrize("case", ALONE, ids=lambda case: case["input"])
def test_marker_with_zeros_is_locked_as_uv_does(case: Case) -> None:
    program = (
        "import json, sys\n"
        "from lockflow.standards.markers.parse import parse_marker\n"
        "from lockflow.standards.markers.render import render\n"
        "from lockflow.standards.markers.simplify import production, simplify_python\n"
        "from lockflow.standards.python_range import python_range\n"
        "case = json.loads(sys.argv[1])\n"
        "marker = parse_marker(case['input'])\n"
        "edge = simplify_python(production(marker), python_range(case['requires-python']))\n"
        "print(json.dumps([render(marker), render(edge)]))\n"
    )
    command = [sys.executable, "-c", program, json.dumps(case)]
    root = Path(__file__).parents[3]
    run = subprocess.run(command, capture_output=True, check=True, text=True, cwd=root)
    declared, locked = json.loads(run.stdout)
    wanted = case.get("output")
    edges = {"absent": "python_version < '0'", "unconditional": None}
    assert declared == wanted
    assert locked == (edges[case["edge"]] if "edge" in case else case.get("dependencies", wanted))

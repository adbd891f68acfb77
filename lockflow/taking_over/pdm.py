"""The groups of PDM from before dependency groups had a standard (`[tool.pdm.dev-dependencies]`) to such groups."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lockflow.standards.requirements import InvalidRequirement, parse_requirement
from lockflow.taking_over.model import Found

_ORIGIN = "[tool.pdm]"


def from_pdm(groups: Mapping[str, Any]) -> Found:
    """Read the groups; an entry that is no requirement, like `-e file:///...`, is told and left out."""
    found, left = [], []
    for name, entries in groups.items():
        kept = []
        for entry in entries if isinstance(entries, list) else ():
            try:
                parse_requirement(str(entry))
            except InvalidRequirement as error:
                left.append(f"{_ORIGIN} group {name}: {entry}: {error}")
                continue
            kept.append(str(entry))
        found.append((name, tuple(kept)))
    return Found(origin=_ORIGIN, groups=tuple(found), left=tuple(left))

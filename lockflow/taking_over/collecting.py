"""Dependencies of lists and groups, gathered into what pyproject.toml has; what cannot be said is noted on the way."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from lockflow.taking_over.bounds import InvalidConstraint
from lockflow.taking_over.declared import Declared, declared, with_marker


class Collector:
    """Reads tables of dependencies; `sources` and `left` grow with each."""

    def __init__(self) -> None:
        self._sources: dict[str, list[tuple[str, str]]] = {}
        self.left: list[str] = []

    def read(self, table: Mapping[str, Any], where: str) -> list[Declared]:
        """Each dependency of a table; one with several versions gives several."""
        found = []
        for name, value in table.items():
            entries = value if isinstance(value, list) else [value]
            for entry in entries:
                try:
                    item = declared(name, entry, where)
                except InvalidConstraint as error:
                    self.left.append(f"{where}, {name}: {error}")
                    continue
                found.append(item)
                self.left += item.left
                if item.source:
                    pair = (item.source, item.marker if len(entries) > 1 else "")
                    known = self._sources.setdefault(item.name, [])
                    if pair not in known:
                        known.append(pair)
        return found

    @property
    def sources(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """By package; where two lists disagree without a marker that tells them apart, the first counts."""
        result = []
        for name, pairs in self._sources.items():
            if len(pairs) > 1 and any(not marker for _, marker in pairs):
                self.left.append(f"{name} comes from several places; {pairs[0][0]} was taken")
                pairs = pairs[:1]
            result.append((name, tuple(with_marker(source, marker) for source, marker in pairs)))
        return tuple(result)


def requirements_of(found: Iterable[Declared]) -> tuple[str, ...]:
    """Their texts, each once."""
    return tuple(dict.fromkeys(item.requirement for item in found))

"""The environments that a lock covers, and markers within them (uv.lock leaves both unsaid on every edge)."""

from __future__ import annotations

from collections.abc import Sequence

from lockflow.standards.markers.simplify import complexify_python, simplify_python
from lockflow.standards.markers.tree import FALSE, TRUE, Marker, is_disjoint, python_range_marker
from lockflow.standards.markers.universal import UniversalMarker
from lockflow.standards.python_range import PythonRange


def covered(python: PythonRange, fork_markers: Sequence[UniversalMarker]) -> Marker:
    """Return the union of the forks' environments, or what `python` says where nothing forked."""
    if not fork_markers:
        return python_range_marker(python)
    environment = FALSE
    for fork in fork_markers:
        environment = environment | fork.environment
    return environment


def widen(printed: Marker, python: PythonRange, environment: Marker) -> UniversalMarker:
    """Make a marker of the lock's text self-contained: `environment` and the Python range become part of it."""
    return UniversalMarker.from_marker(complexify_python(printed, python) & environment)


def canonical_forks(markers: Sequence[UniversalMarker], python: PythonRange) -> tuple[UniversalMarker, ...]:
    """Reduce fork markers to what a lock states of them, in the same order.

    Where the environments are disjoint they say all; where two overlap, only the conflicting extras and groups tell
    the forks apart, so the whole markers stay. What is always true within `python` is left out: it prints as nothing.
    """
    whole = [simplify_python(marker.full, python) for marker in markers]
    environments = list(dict.fromkeys(simplify_python(marker.environment, python) for marker in markers))
    forks = environments if _are_disjoint(environments) else whole
    return tuple(UniversalMarker.from_marker(complexify_python(fork, python)) for fork in forks if fork is not TRUE)


def _are_disjoint(markers: Sequence[Marker]) -> bool:
    return all(is_disjoint(a, b) for index, a in enumerate(markers) for b in markers[index + 1 :])

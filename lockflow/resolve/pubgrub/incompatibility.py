"""Incompatibilities: sets of terms that cannot all hold, each with the reason why."""

from __future__ import annotations

from lockflow.resolve.pubgrub.term import Term
from lockflow.standards.versions import Version, VersionRange


class RootCause:
    """The root must be selected."""

    __slots__ = ()


class NoVersions:
    """No version of the package exists in the set."""

    __slots__ = ()


class Unavailable:
    """The versions of the set exist but cannot be used; `reason` belongs to the caller."""

    __slots__ = ("reason",)

    def __init__(self, reason: object) -> None:
        self.reason = reason


class DependencyCause:
    """`package` in a set depends on `target` in a set (the two terms of the incompatibility)."""

    __slots__ = ("package", "target")

    def __init__(self, package: int, target: int) -> None:
        self.package = package
        self.target = target


class Derived:
    """Follows from two other incompatibilities, named by their numbers in the store."""

    __slots__ = ("first", "second")

    def __init__(self, first: int, second: int) -> None:
        self.first = first
        self.second = second


Cause = RootCause | NoVersions | Unavailable | DependencyCause | Derived


class Incompatibility:
    """`terms` maps package numbers to terms, in order of mention."""

    __slots__ = ("cause", "items", "terms")

    def __init__(self, terms: dict[int, Term], cause: Cause) -> None:
        self.terms = terms
        self.items = tuple(terms.items())
        self.cause = cause

    def is_terminal(self, root: int, root_version: Version) -> bool:
        """Whether it says that the root itself is impossible."""
        if not self.items:
            return True
        if len(self.items) > 1:
            return False
        package, term = self.items[0]
        return package == root and term.range.contains(root_version) is term.is_positive


def dependency(package: int, versions: VersionRange, target: int, target_versions: VersionRange) -> Incompatibility:
    """Say that `package` in `versions` depends on `target` in `target_versions`."""
    terms = {package: Term(True, versions)}
    if not target_versions.is_empty:
        # A dependency of a package on itself becomes the intersection: these versions and not those.
        negative = Term(False, target_versions)
        terms[target] = terms[package].intersect(negative) if target == package else negative
    return Incompatibility(terms, DependencyCause(package, target))


def extended(older: Incompatibility, package: int, versions: VersionRange) -> Incompatibility:
    """Say of more versions of `package` what a dependency of it says of some."""
    terms = older.terms.copy()
    terms[package] = Term(True, terms[package].range | versions)
    return Incompatibility(terms, older.cause)


def prior_cause(store: list[Incompatibility], first: int, second: int, package: int) -> Incompatibility:
    """Resolve two incompatibilities on `package`: what cannot hold when both are taken together."""
    terms = {name: term for name, term in store[first].items if name != package}
    for name, term in store[second].items:
        if name != package:
            known = terms.get(name)
            terms[name] = term if known is None else known.intersect(term)
    union = store[first].terms[package].union(store[second].terms[package])
    if not union.is_any:
        terms[package] = union
    return Incompatibility(terms, Derived(first, second))

"""The version lists of every project asked for: which indexes were consulted, what is known, what is likely next."""

from __future__ import annotations

from lockflow.index.model import Absent, Listing
from lockflow.inputs.model import IndexStrategy
from lockflow.resolve.candidates import VersionList
from lockflow.resolve.facts import Facts
from lockflow.resolve.policy import Policy
from lockflow.standards.versions import Version, VersionRange, widen

ListKey = tuple[str, str | None]
"""A project's name, and the index assigned to it explicitly, if any."""


class Listed:
    """Version lists by project, built once. Raises Blocked where a listing is still unknown."""

    def __init__(self, policy: Policy, facts: Facts) -> None:
        self._policy = policy
        self._facts = facts
        self._lists: dict[ListKey, list[VersionList]] = {}
        self._visited: dict[ListKey, list[VersionList]] = {}

    def visit(self, key: ListKey) -> list[VersionList]:
        """The lists to search, in order; empty where no index knows the project."""
        found = self._visited.get(key)
        if found is None:
            found = self._visited[key] = self.peek(key)
        return found

    def peek(self, key: ListKey) -> list[VersionList]:
        """The same, looked at ahead of time, which leaves no trace in the answer."""
        found = self._lists.get(key)
        if found is None:
            found = self._lists[key] = self._load(*key)
        return found

    def visited(self, name: str) -> list[VersionList]:
        """The lists consulted so far for a name, whatever index was assigned; for messages."""
        return [entry for key, found in self._visited.items() if key[0] == name for entry in found]

    def widened(self, key: ListKey, version: Version) -> VersionRange:
        """The largest set around a version that holds no other listed one: what is said of it holds there too."""
        lists = self._visited.get(key)
        if not lists:
            return VersionRange.singleton(version)
        if len(lists) == 1:
            return widen(version, lists[0].keys)
        return widen(version, sorted({key for versions in lists for key in versions.keys}))

    def absence(self, key: ListKey) -> Absent | None:
        """Why no list was found, None where one was."""
        if self.visit(key):
            return None
        name, explicit = key
        urls = [explicit] if explicit is not None else [index.url for index in self._policy.implicit_indexes]
        answers = [self._facts.peek_listing(name, url) for url in urls]
        absences = [answer for answer in answers if isinstance(answer, Absent)]
        telling = [absence for absence in absences if absence.kind != "not-found"]
        return (telling or absences or [Absent(kind="not-found")])[0]

    def _load(self, name: str, explicit: str | None) -> list[VersionList]:
        policy = self._policy
        indexes = [policy.index(explicit)] if explicit is not None else policy.implicit_indexes
        is_first_only = policy.settings.index_strategy is IndexStrategy.FIRST_INDEX
        pooled = self._linked(name) if explicit is None else []
        lists: list[VersionList] = []
        for index in indexes:
            if index.is_flat:
                listing = self._facts.flat.get(index.url, {}).get(name)
            else:
                answer = self._facts.listing(name, index.url)
                if isinstance(answer, Absent) and answer.kind == "unauthorized":
                    break
                listing = None if isinstance(answer, Absent) else answer
            if listing is None:
                continue
            # Links given beside the indexes are pooled with the first index that knows the project.
            lists.append(VersionList([*pooled, listing], policy.rules(name, listing.index)))
            pooled = []
            if is_first_only:
                break
        if pooled:
            lists.append(VersionList(pooled, policy.rules(name, pooled[0].index)))
        return lists

    def _linked(self, name: str) -> list[Listing]:
        pages = [self._facts.flat.get(index.url, {}) for index in self._policy.settings.find_links]
        return [page[name] for page in pages if name in page]

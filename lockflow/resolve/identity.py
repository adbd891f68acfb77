"""What the solver decides on: the root, packages, their extras and groups, proxies that carry a marker, Python.

A package is decided under several identities, all of one name: `a`, `a[x]`, `a:group`, and under a condition
`a{marker}`. Proxies tie them to one version: deciding `a{marker}` or `a[x]` requires `a` at the same version.
Identities are numbered in order of first mention; the solver proper sees numbers only.
"""

from __future__ import annotations

from typing import Final

from lockflow.standards.markers.tree import TRUE, Marker


class Kind:
    """The kinds; of the proxies only the dependencies on the real identities matter.

    Plain numbers: identities are looked up by kind all the time, and an enum's hash is a function of Python.
    """

    ROOT: Final = 0
    PYTHON: Final = 1
    PACKAGE: Final = 2
    EXTRA: Final = 3
    GROUP: Final = 4
    MARKER_PROXY: Final = 5
    EXTRA_PROXY: Final = 6
    GROUP_PROXY: Final = 7


class Identity:
    """One thing to decide. `marker` is part of it: `a{linux}` and `a{windows}` are decided separately."""

    __slots__ = ("extra", "group", "kind", "marker", "name")

    def __init__(self, kind: int, name: str, extra: str | None, group: str | None, marker: Marker) -> None:
        self.kind = kind
        self.name = name
        self.extra = extra
        self.group = group
        self.marker = marker

    @property
    def is_proxy(self) -> bool:
        return self.kind >= Kind.MARKER_PROXY

    def __repr__(self) -> str:
        if self.kind <= Kind.PYTHON:
            return "python" if self.kind == Kind.PYTHON else "root"
        text = self.name
        if self.extra is not None:
            text += f"[{self.extra}]"
        if self.group is not None:
            text += f":{self.group}"
        if self.marker is not TRUE:
            text += f"{{{self.marker!r}}}"
        return text + "?" if self.is_proxy else text


class Identities:
    """The numbering of identities, shared by all forks of one resolution."""

    __slots__ = ("_numbers", "identities")

    def __init__(self) -> None:
        self.identities: list[Identity] = []
        self._numbers: dict[tuple[int, str, str | None, str | None, Marker], int] = {}

    def __getitem__(self, number: int) -> Identity:
        return self.identities[number]

    def number(
        self, kind: int, name: str = "", *, extra: str | None = None, group: str | None = None, marker: Marker = TRUE
    ) -> int:
        key = (kind, name, extra, group, marker)
        found = self._numbers.get(key)
        if found is None:
            found = self._numbers[key] = len(self.identities)
            self.identities.append(Identity(kind, name, extra, group, marker))
        return found

    def required(self, name: str, extra: str | None, group: str | None, marker: Marker) -> int:
        """The identity that a requirement names."""
        if extra is not None:
            return self.number(Kind.EXTRA_PROXY, name, extra=extra, marker=marker)
        if group is not None:
            return self.number(Kind.GROUP_PROXY, name, group=group, marker=marker)
        if marker is TRUE:
            return self.number(Kind.PACKAGE, name)
        return self.number(Kind.MARKER_PROXY, name, marker=marker)

    def base(self, number: int) -> int | None:
        """The plain package behind a marker or extra proxy; groups stand without their package."""
        identity = self.identities[number]
        if identity.kind in (Kind.MARKER_PROXY, Kind.EXTRA_PROXY):
            return self.number(Kind.PACKAGE, identity.name)
        return None

    def proxied(self, number: int) -> list[int]:
        """The identities that a proxy ties to its own version, unmarked before marked, base before extra."""
        proxy = self.identities[number]
        markers = [TRUE] if proxy.marker is TRUE else [TRUE, proxy.marker]
        result = []
        for marker in markers:
            if proxy.kind != Kind.GROUP_PROXY:
                result.append(self.number(Kind.PACKAGE, proxy.name, marker=marker))
            if proxy.kind == Kind.EXTRA_PROXY:
                result.append(self.number(Kind.EXTRA, proxy.name, extra=proxy.extra, marker=marker))
            elif proxy.kind == Kind.GROUP_PROXY:
                result.append(self.number(Kind.GROUP, proxy.name, group=proxy.group, marker=marker))
        return result

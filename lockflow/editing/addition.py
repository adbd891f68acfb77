"""One requirement that is added: how it is written in its list, and which source goes with it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from lockflow.editing.file import EditedFile, spelled
from lockflow.editing.model import AddAsk
from lockflow.editing.origins import bare_place, from_git
from lockflow.errors import AnswerIsNo, InputError
from lockflow.inputs.dependency_lists import Ambiguous, Written, parse_written, with_requirement, with_specifiers
from lockflow.inputs.edit import document, inner, with_entry, without_entry
from lockflow.inputs.paths import is_url, join, relative
from lockflow.inputs.toml_text import inline_table
from lockflow.standards.markers.parse import MarkerSyntaxError, parse_marker
from lockflow.standards.markers.tree import TRUE
from lockflow.standards.names import normalize_name
from lockflow.standards.requirements import InvalidRequirement


class Addition:
    """One requirement: how it is written in the list, and which source goes with it."""

    def __init__(self, text: str, ask: AddAsk, file: EditedFile) -> None:
        self.file = file
        self.ask = ask
        self.source = ""
        self.member = ""
        self.number = -1
        self.is_new = False
        written = self._written(text.strip())
        self.written = written if ask.raw else self._split(written)
        file.check_place(written.name)

    def _written(self, text: str) -> Written:
        name, url = bare_place(text, Path(self.file.target.settings.base or self.file.target.directory))
        try:
            found = Written(name=normalize_name(name), url=url) if name else parse_written(text)
            marker = parse_marker(self.ask.marker) if self.ask.marker else TRUE
        except (InvalidRequirement, MarkerSyntaxError) as error:
            raise InputError("the requirement cannot be read", where="command line", why=str(error)) from error
        return Written(
            name=found.name,
            extras=tuple(dict.fromkeys([*found.extras, *map(normalize_name, self.ask.extras)])),
            specifiers=found.specifiers,
            url=found.url,
            marker=found.marker & marker,
        )

    def _split(self, written: Written) -> Written:
        """Take the source out of the requirement, into `tool.uv.sources`."""
        ask = self.ask
        references = [
            (kind, value) for kind, value in (("rev", ask.rev), ("tag", ask.tag), ("branch", ask.branch)) if value
        ]
        if written.url.startswith("git+"):
            self.source = from_git(written.url, references)
        elif references:
            raise InputError(f"--{references[0][0]} goes with a git repository", where="command line")
        elif written.url and not is_url(written.url):
            self.source = self._path(written.url)
        elif written.url:
            base, _, fragment = written.url.partition("#")
            folder = dict(part.partition("=")[::2] for part in fragment.split("&")).get("subdirectory", "")
            self.source = inline_table(("url", base), ("subdirectory", folder))
        elif written.name in self.file.members and ask.workspace is not False and not self.file.is_script:
            self.source = "{ workspace = true }"
        else:
            names = [line.partition("=")[0] for line in ask.indexes if re.match(r"[A-Za-z0-9._-]+=", line)]
            if len(names) == len(ask.indexes) == 1:
                self.source = inline_table(("index", names[0]))
            return written
        return Written(name=written.name, extras=written.extras, marker=written.marker)

    def _path(self, path: str) -> str:
        base = (self.file.target.settings.base or str(self.file.target.directory)).replace("\\", "/")
        place = join(base, path)
        root = self.file.root.as_posix()
        is_tree = Path(place).is_dir()
        is_inside = is_tree and not self.file.is_script and f"{place}/".startswith(f"{root}/")
        if is_inside if self.ask.workspace is None else self.ask.workspace:
            inner = relative(place, root)
            if inner not in self.file.members.values():
                self.member = inner
            return "{ workspace = true }"
        shown = relative(place, self.file.path.parent.as_posix())
        return inline_table(("path", shown), editable=self.ask.editable)

    @property
    def wants_bounds(self) -> bool:
        has_own = self.written.specifiers or self.written.url
        return self.is_new and not has_own and (not self.source or self.source.startswith("{ index"))

    def apply(self) -> None:
        """Edit the list, and the sources."""

        def change(array: str) -> str:
            try:
                made, self.number, self.is_new = with_requirement(array, self.written, has_source=bool(self.source))
            except Ambiguous as error:
                raise AnswerIsNo(
                    f"{self.written.name} is there more than once",
                    where=str(self.file.path),
                    why=str(error),
                    next="name the one you mean by its marker, or edit the file",
                ) from error
            return made

        if self.member:
            self.file.add_member(self.member)
        self.file.list_edit(change)
        if self.source:
            tables, name = ("tool", "uv", "sources"), self.written.name
            sources = inner(document(self.file.toml, self.file.label), "tool", "uv", "sources")
            known = spelled(sources, name)
            if known != name:
                self.file.edit(lambda text: without_entry(text, tables, known, where=self.file.label))
            self.file.edit(lambda text: with_entry(text, tables, name, self.source, where=self.file.label))

    def apply_bounds(self, specifiers: str) -> None:
        # Entries that came later may stand before this one.
        tables, key = self.file.tables()
        found: Any = document(self.file.toml, self.file.label)
        for table in tables:
            found = found[table]
        numbers = [number for number, entry in enumerate(found[key]) if self._is_mine(entry)]
        if len(numbers) == 1:
            self.file.list_edit(lambda array: with_specifiers(array, numbers[0], specifiers))

    def _is_mine(self, entry: object) -> bool:
        if not isinstance(entry, str):
            return False
        try:
            found = parse_written(entry)
        except InvalidRequirement:
            return False
        return (found.name, found.marker, found.specifiers, found.url) == (
            self.written.name,
            self.written.marker,
            "",
            "",
        )

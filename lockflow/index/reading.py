"""Bytes of one file of an index: the metadata of a wheel by the cheapest way its server offers, or the whole file."""

from __future__ import annotations

import io
import re
import tempfile
from pathlib import Path
from typing import IO, NoReturn, cast

from lockflow.errors import InputError, NetworkError
from lockflow.index.model import Absent, File
from lockflow.index.network import Answer, Network
from lockflow.index.urls import host_of, origin, with_suffix
from lockflow.index.wheel_tail import FIRST_LENGTH, InvalidWheel, Piece, Span, metadata_in
from lockflow.inputs.model import Index
from lockflow.standards.hashes import digest_of, hash_text, new_hasher, strongest_hash

_LARGEST_METADATA = 16 << 20
_LARGEST_ARCHIVE = 16 << 30
_IN_MEMORY = 8 << 20
_MOST_SPANS = 8
FORBIDDEN = frozenset({401, 403})
NOT_FOUND = frozenset({404, 410})
_NO_RANGES = frozenset({400, 405, 416, 501})
_CONTENT_RANGE = re.compile(r"bytes\s+(\d{1,18})-(\d{1,18})/(\d{1,18})", re.ASCII)


class Found(Exception):
    """Carries a finding about a file out of the steps that read it."""

    def __init__(self, absent: Absent) -> None:
        super().__init__(absent)
        self.absent = absent


class Reading:
    """Reads the metadata of one file over HTTP by the cheapest way that its server offers."""

    def __init__(self, http: Network, index: Index, file: File, name: str, without_ranges: set[str]) -> None:
        self.headers: dict[str, str] = {}
        self._http = http
        self._index = index
        self._file = file
        self._name = name
        self._without_ranges = without_ranges

    async def of_wheel(self) -> bytes:
        """METADATA: the file beside the wheel, else cut out of the wheel, else out of the whole wheel."""
        if self._file.has_metadata:
            url = with_suffix(self._file.url, ".metadata")
            answer = await self._http.get(url, index=self._index, limit_bytes=_LARGEST_METADATA)
            if answer.status == 200:
                self.headers = answer.headers
                self._check_metadata_file(url, answer.body)
                return answer.body
            if answer.status not in NOT_FOUND:
                self._refuse(answer)
        if origin(self._file.url) not in self._without_ranges:
            content = await self._of_ranges()
            if content is not None:
                return content
        with await self.whole() as archive:
            return metadata_of_archive(archive, self._name)

    async def _of_ranges(self) -> bytes | None:
        """METADATA by byte ranges; None where the server does not answer them."""
        pieces: list[Piece] = []
        wanted, size = f"bytes=-{FIRST_LENGTH}", 0
        for _ in range(_MOST_SPANS):
            with tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY) as sink:
                answer = await self._http.get(
                    self._file.url,
                    index=self._index,
                    byte_range=wanted,
                    limit_bytes=_LARGEST_ARCHIVE,
                    sink=cast("IO[bytes]", sink),
                )
                self.headers = answer.headers
                if answer.status == 200:
                    # The whole file came instead: use it, and ask this host for whole files from now on.
                    self._without_ranges.add(origin(self._file.url))
                    self._check_archive(cast("IO[bytes]", sink))
                    return metadata_of_archive(cast("IO[bytes]", sink), self._name)
            given = _CONTENT_RANGE.fullmatch(answer.headers.get("content-range", "").strip())
            if answer.status in _NO_RANGES or (answer.status == 206 and given is None):
                self._without_ranges.add(origin(self._file.url))
                return None
            if answer.status != 206 or given is None:
                self._refuse(answer)
            if size not in (0, int(given[3])) or int(given[2]) - int(given[1]) + 1 != len(answer.body):
                raise InvalidWheel("its server answers byte ranges wrongly")
            size = int(given[3])
            pieces.append(Piece(int(given[1]), answer.body))
            found = metadata_in(pieces, size, self._name)
            if not isinstance(found, Span):
                return found
            wanted = f"bytes={found.start}-{found.stop - 1}"
        raise InvalidWheel("its table of contents leads nowhere")

    async def whole(self) -> IO[bytes]:
        """The whole file, checked, to be closed by the caller."""
        sink = cast("IO[bytes]", tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY))  # noqa: SIM115  handed on
        try:
            answer = await self._http.get(self._file.url, index=self._index, limit_bytes=_LARGEST_ARCHIVE, sink=sink)
            self.headers = answer.headers
            if answer.status != 200:
                self._refuse(answer)
            self._check_archive(sink)
        except BaseException:
            sink.close()
            raise
        return sink

    def _check_metadata_file(self, url: str, content: bytes) -> None:
        expected = self._file.metadata_hash
        if expected is not None:
            actual = digest_of(content, expected[0])
            if actual != expected[1]:
                raise wrong_hash(f"{self._file.filename}.metadata", url, expected, actual)

    def _check_archive(self, archive: IO[bytes]) -> None:
        expected = strongest_hash(self._file.hashes)
        if expected is not None:
            archive.seek(0)
            hasher = new_hasher(expected[0])
            while block := archive.read(1 << 20):
                hasher.update(block)
            if hasher.hexdigest() != expected[1]:
                raise wrong_hash(self._file.filename, self._file.url, expected, hasher.hexdigest())
        archive.seek(0)

    def _refuse(self, answer: Answer) -> NoReturn:
        """Say that a file which the index lists cannot be had."""
        if answer.status in FORBIDDEN:
            raise Found(Absent(kind="unauthorized", reason=answer.refusal))
        raise unexpected_status(answer)


def metadata_of_archive(archive: IO[bytes], name: str) -> bytes:
    """METADATA of a wheel that is at hand as a file."""
    size = archive.seek(0, io.SEEK_END)
    pieces: list[Piece] = []
    wanted = Span(max(0, size - FIRST_LENGTH), size)
    for _ in range(_MOST_SPANS):
        archive.seek(wanted.start)
        pieces.append(Piece(wanted.start, archive.read(wanted.stop - wanted.start)))
        found = metadata_in(pieces, size, name)
        if not isinstance(found, Span):
            return found
        wanted = found
    raise InvalidWheel("its table of contents leads nowhere")


def unexpected_status(answer: Answer) -> NetworkError:
    asked = "again later" if answer.status >= 500 or answer.status == 429 else "with another index"
    return NetworkError(
        f"{host_of(answer.url)} answers {answer.status}",
        where=answer.url,
        why=f"the server answers this request with status {answer.status}",
        next=f"try {asked}, or add the status to `ignore-error-codes` of the index",
    )


def wrong_hash(filename: str, url: str, expected: tuple[str, str], actual: str) -> NetworkError:
    return NetworkError(
        f"{filename} is not the file that the index announces",
        where=url,
        why=f"the index announces {hash_text(expected)}\nthe file has         {expected[0]}:{actual}",
        next="do not use it; try again, and tell those who run the index if it stays so",
    )


def opened(path: Path) -> IO[bytes]:
    try:
        return path.open("rb")
    except OSError as error:
        raise InputError(
            f"{path.name} cannot be read",
            where=str(path),
            why=error.strerror or str(error),
            next="correct the path of the index, or put the file there",
        ) from error

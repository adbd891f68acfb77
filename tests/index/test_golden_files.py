"""Every file that real uv put into a golden lock is read from that case's index with the same text."""

from __future__ import annotations

import asyncio
import tomllib
from collections.abc import Iterator
from typing import Any

import pytest

from lockflow.index.client import IndexClient
from lockflow.index.model import Absent, File, Listing
from lockflow.index.options import ClientOptions
from lockflow.index.times import timestamp_ns
from lockflow.inputs.model import Index
from lockflow.standards.hashes import hash_text
from lockflow.standards.versions import Version
from support.golden import GoldenCase, case_names, load_case
from support.index_server import MemoryTransport

MILLISECOND = 1_000_000


def locked_packages(case: GoldenCase) -> Iterator[tuple[dict[str, Any], str]]:
    """Packages from an index on the network, with its URL."""
    for package in tomllib.loads(case.expected).get("package", ()):
        url = package["source"].get("registry", "")
        if url.startswith("https://"):
            yield package, url


def flat_indexes(case: GoldenCase) -> set[str]:
    return {f"https://index.example/{entry['name']}" for entry in case.table["index"] if entry.get("kind") == "flat"}


CASES = [name for name in case_names() if any(True for _ in locked_packages(load_case(name)))]


@pytest.mark.parametrize("name", CASES)
def test_files_of_a_lock_are_read_as_they_were_locked(name: str) -> None:
    case = load_case(name)
    content, flat = case.content(), flat_indexes(case)
    hosts = content.hosts

    async def ask() -> None:
        client = IndexClient(ClientOptions(root=case.folder, cache_folder=None), MemoryTransport(content.answer, hosts))
        for package, url in locked_packages(case):
            index = Index(url=hosts.localise(url), is_flat=url.removesuffix("/") in flat)
            listing = await client.listing(package["name"], index)
            assert isinstance(listing, Listing), listing
            version = Version.parse(package["version"])
            release = next(each for each in listing.releases if each.version == version)
            known = {hosts.publish(file.url): file for file in release.files}
            for locked in (*([package["sdist"]] if "sdist" in package else []), *package.get("wheels", ())):
                check(known[locked["url"]], locked)
            announced = [file for file in release.files if file.has_metadata]
            for file in announced[:1]:
                metadata = await client.metadata(package["name"], release.version, file, index)
                assert not isinstance(metadata, Absent), metadata
        await client.aclose()

    asyncio.run(ask())


def check(file: File, locked: dict[str, Any]) -> None:
    if "hash" in locked:
        assert locked["hash"] in [hash_text(pair) for pair in file.hashes]
    else:
        assert file.hashes == ()
    assert file.size == locked.get("size")
    if "upload-time" in locked:
        time = (
            locked["upload-time"].isoformat() if not isinstance(locked["upload-time"], str) else locked["upload-time"]
        )
        expected = timestamp_ns(time)
        assert expected is not None
        assert file.upload_time_ns is not None
        assert file.upload_time_ns // MILLISECOND == expected // MILLISECOND
    else:
        assert file.upload_time_ns is None

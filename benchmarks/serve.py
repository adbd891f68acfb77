"""Serve a recorded index on loopback in a process of its own, until standard input closes: prints the origin first."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from benchmarks.recorded_index import RecordedIndex
from benchmarks.upstream import Upstream
from support.index_server import IndexServer


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--record", metavar="INDEX", help="fill gaps from this index")
    parser.add_argument("--latency-ms", type=float, default=0)
    parser.add_argument("--port", type=int, default=0)
    options = parser.parse_args()
    upstream = Upstream(options.record) if options.record else None
    latency = options.latency_ms / 1000
    with IndexServer(port=options.port, latency_seconds=latency, may_block=upstream is not None) as server:
        server.answer = RecordedIndex(options.folder, server.origin, upstream).answer
        print(server.origin, flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()

"""`python -m lockflow`: the same as `lockflow`."""

from __future__ import annotations

from lockflow.cli.main import program

if __name__ == "__main__":
    program()

"""Reports to JSON text and back; docs/report-schema.md describes the form."""

from __future__ import annotations

from typing import TypeVar

import msgspec

from lockflow.errors import InputError
from lockflow.report.model import SCHEMA, PlatformReport, Report

_Document = TypeVar("_Document", PlatformReport, Report)


def as_json(report: PlatformReport | Report) -> str:
    """Return the report as JSON, indented by two, with a newline at its end; the same report gives the same text."""
    return msgspec.json.format(msgspec.json.encode(report), indent=2).decode() + "\n"


def platform_report_from_json(text: str | bytes, where: str) -> PlatformReport:
    """Read the report on one platform; `where` names the file. Raises InputError for anything else."""
    return _decode(text, where, PlatformReport)


def report_from_json(text: str | bytes, where: str) -> Report:
    """Read the report on all platforms; `where` names the file. Raises InputError for anything else."""
    return _decode(text, where, Report)


def _decode(text: str | bytes, where: str, kind: type[_Document]) -> _Document:
    try:
        schema = msgspec.json.decode(text, type=_Head).schema
        if schema == SCHEMA:
            return msgspec.json.decode(text, type=kind)
        why = f"it has schema {schema}, this lockflow reads schema {SCHEMA}"
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InputError(
            f"{where} is no report of lockflow", where=where, why=str(error), next="remove it and check again"
        ) from error
    raise InputError(f"{where} was written by another lockflow", where=where, why=why, next="check again")


class _Head(msgspec.Struct):
    schema: int

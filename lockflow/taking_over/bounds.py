"""Poetry's version constraints to specifiers: `^1.2` is `>=1.2,<2.0` (PEP 440 has neither carets nor tildes)."""

from __future__ import annotations

import re

from lockflow.standards.specifiers import InvalidSpecifier, Specifiers
from lockflow.standards.versions import InvalidVersion, Version

_PART = re.compile(r"(\^|~(?!=)|~=|===?|!=|<=|>=|<|>|=)?\s*([^\s,|<>=!~^]+)")
_NUMBERS = re.compile(r"v?(?:\d+!)?(\d+(?:\.\d+)*)")


class InvalidConstraint(ValueError):
    """The text is no constraint, or none that a requirement can say."""


def as_specifiers(constraint: str) -> str:
    """Return the specifiers that mean the same, empty for any version.

    Alternatives (`^1 || ^2`) can be said where no gap is between them. Raises InvalidConstraint otherwise.
    """
    alternatives = [_conjunction(text) for text in re.split(r"\|\|?", constraint)]
    if "" in alternatives:
        return ""
    first, *others = alternatives
    for other in others:
        first = _joined(first, other, constraint)
    return first


def _conjunction(text: str) -> str:
    text = text.strip()
    if text in ("", "*", "x", "X"):
        return ""
    if _PART.sub("", text).strip(", \t"):
        raise InvalidConstraint(f"{text!r} is no constraint")
    clauses = [_clause(match[1] or "", match[2]) for match in _PART.finditer(text)]
    return ",".join(clause for clause in clauses if clause)


def _clause(operator: str, version: str) -> str:
    version = version.removesuffix(".x").removesuffix(".X") + ".*" if version.endswith((".x", ".X")) else version
    if version in ("*", "x"):
        return ""
    match = _NUMBERS.match(version)
    if match is None:
        raise InvalidConstraint(f"{version!r} is no version")
    numbers = [int(number) for number in match[1].split(".")]
    if operator in ("^", "~"):
        version = version.removesuffix(".*")
        upper = _caret(numbers) if operator == "^" else _tilde(numbers)
        clause = f">={version},<{'.'.join(map(str, upper))}"
    else:
        clause = f"{'==' if operator in ('', '=') else operator}{version}"
    try:
        Specifiers.parse(clause)
    except (InvalidSpecifier, InvalidVersion) as error:
        raise InvalidConstraint(f"{operator}{version} is no constraint") from error
    return clause


def _caret(numbers: list[int]) -> list[int]:
    """Up to the next change of the first number that is not 0; of the last one where all are."""
    place = next((at for at, number in enumerate(numbers) if number), len(numbers) - 1)
    return _next(numbers, place)


def _tilde(numbers: list[int]) -> list[int]:
    """Up to the next minor version, the next major one where no minor is named."""
    return _next(numbers, min(1, len(numbers) - 1))


def _next(numbers: list[int], place: int) -> list[int]:
    return [*numbers[:place], numbers[place] + 1, *[0] * (len(numbers) - place - 1)]


def _joined(first: str, second: str, constraint: str) -> str:
    """Two ranges with a lower and an upper bound each that touch or overlap, as one."""
    ends = sorted((_ends(first, constraint), _ends(second, constraint)), key=lambda found: found[0])
    (low, high), (next_low, next_high) = ends
    if high is not None and next_low > high:
        raise InvalidConstraint(f"{constraint!r} leaves out versions between {high} and {next_low}")
    top = None if high is None or next_high is None else max(high, next_high)
    return f">={low}" if top is None else f">={low},<{top}"


def _ends(specifiers: str, constraint: str) -> tuple[Version, Version | None]:
    match = re.fullmatch(r">=([^,<>=!~]+)(?:,<([^,<>=!~]+))?", specifiers)
    if match is None:
        raise InvalidConstraint(f"{constraint!r} has alternatives that one requirement cannot say")
    return Version.parse(match[1]), None if match[2] is None else Version.parse(match[2])

"""Parts of an explanation that no small index leads to; whole messages are in tests/resolve/messages."""

from __future__ import annotations

import pytest

from lockflow.index.model import Absent, Listing, Metadata
from lockflow.resolve.explain import Explanation, explain
from lockflow.resolve.facts import MetadataNeed, Need
from lockflow.resolve.policy import Policy
from lockflow.resolve.preferences import Preferences
from lockflow.resolve.solve import Failure
from support.scenario import World, manifest, solve


class Broken(World):
    """Answers with the same absence for every file, or every listing."""

    def __init__(self, absence: Absent, *, of_listings: bool) -> None:
        super().__init__()
        self.absence = absence
        self.of_listings = of_listings

    def answer(self, need: Need) -> Listing | Metadata | Absent:
        return super().answer(need) if isinstance(need, MetadataNeed) is self.of_listings else self.absence


def explained(world: World, *dependencies: str) -> Explanation:
    project = manifest(dependencies)
    found, _ = solve(project, world)
    assert isinstance(found, Failure)
    return explain(found, Policy(project, Preferences()))


@pytest.mark.parametrize(
    ("kind", "said", "hint"),
    [
        ("offline", "is not in the cache while the network is switched off", "run again without --offline"),
        ("unauthorized", "cannot be read: the index asks for other credentials", "give credentials for the index"),
        ("not-found", "alpha was not found on any configured index", "check the spelling"),
    ],
)
def test_a_listing_that_cannot_be_had_is_told_with_what_helps(kind: str, said: str, hint: str) -> None:
    world = Broken(Absent(kind=kind), of_listings=True).add("alpha", "1.0")  # type: ignore[arg-type]
    explanation = explained(world, "alpha")
    assert said in explanation.reasons[0]
    assert any(hint in text for text in explanation.hints)


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("invalid-metadata", "alpha==1.0 has metadata that cannot be read (a reason)"),
        ("needs-build", "alpha==1.0 tells its dependencies only when it is built from source (a reason)"),
        ("build-failed", "alpha==1.0 could not be built (a reason)"),
    ],
)
def test_metadata_that_cannot_be_had_is_told_with_its_reason(kind: str, said: str) -> None:
    world = Broken(Absent(kind=kind, reason="a reason"), of_listings=False).add("alpha", "1.0")  # type: ignore[arg-type]
    assert said in explained(world, "alpha").reasons[0]


def test_several_versions_with_one_trouble_are_told_in_the_plural() -> None:
    world = Broken(Absent(kind="build-failed"), of_listings=False)
    for version in ("1.0", "2.0", "3.0"):
        world.add("alpha", version)
    assert explained(world, "alpha").reasons[0].startswith("Because all versions of alpha could not be built and")


def test_a_close_name_is_suggested() -> None:
    hints = explained(World().add("requests", "1.0"), "requests", "request").hints
    assert hints[0].startswith("did you mean requests? request was looked for on https://index.example/simple")


def test_metadata_that_supports_later_pythons_only_is_told_where_nothing_splits() -> None:
    world = World().add("alpha", "1.0", requires_python=">=3.8,!=3.9.*,>=3.11", listed_python=False)
    explanation = explained(world, "alpha ; python_version < '3.11'")
    assert "alpha==1.0 requires Python >=3.8,!=3.9.*,>=3.11" in explanation.reasons[0]
    assert 'set requires-python to ">=3.11"' in explanation.hints[0]


def test_a_long_proof_stays_short() -> None:
    world = World()
    for number in range(1, 101):
        world.add("alpha", f"{number}.0", f"beta=={number}")
        world.add("beta", f"{number}.0", "gamma>=2")
    world.add("gamma", "1.0").add("gamma", "2.0")
    explanation = explained(world, "alpha", "gamma<2")
    assert len(explanation.reasons) <= 8
    assert any("it is the same with" in line for line in explanation.reasons)

"""Two sides of a merge to one lock: what `lockflow lock` gives on the merged project, with the versions of both sides.

Git runs a merge driver before the merged files are on disk, so the merge of the whole tree is asked for once more, into
a folder of its own, and locked there. Where that cannot be, both sides are left in the file under conflict marks, which
the next `lockflow lock` takes as they are.
"""

from __future__ import annotations

import io
import os
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from msgspec.structs import replace

from lockflow.errors import AnswerIsNo, InputError
from lockflow.lock.files import read_lock_text, write_lock_text
from lockflow.lock.modes import Mode
from lockflow.steps import LockResult, Network, Target, lock

MERGING = "LOCKFLOW_MERGING"
"""Set while the tree is merged once more: then the driver is not asked to lock."""
_DRIVER = "merge.uvlock.driver = lockflow merge-driver %O %A %B %P"
_SECONDS = 300.0
_INPUTS = ("pyproject.toml", "uv.toml")
_NOBODY = {f"GIT_{role}_{what}": "nobody" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}


def merge(base: Path, ours: Path, theirs: Path, place: str, target: Target, network: Network) -> LockResult | None:
    """Put the merged lock into `ours`; `place` is its path in the repository. None where git only asks in between.

    The files are what git hands to a merge driver: both sides, and where they come from.

    Raises LockflowError with both sides left in `ours` under conflict marks.
    """
    if target.environment.get(MERGING):
        return None
    for path in (ours, theirs):
        if not path.is_file():
            raise InputError(f"there is no file {path}", where="command line", next=f"let git run it: {_DRIVER}")
    mine, other = _text(ours), _text(theirs)
    both = f"<<<<<<< ours\n{mine}=======\n{other}>>>>>>> theirs\n"
    try:
        with _room(), tempfile.TemporaryDirectory(prefix="lockflow-merge-") as folder:
            _extract(_merged_tree(target.environment, base, theirs, place), Path(folder))
            path = Path(folder, PurePosixPath(place))
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(both, encoding="utf-8", newline="\n")
            # The lock of a script is beside it, under its name.
            script = None if path.name == "uv.lock" else path.with_suffix("")
            result = lock(replace(target, directory=path.parent, script=script), Mode.WRITE, network=network)
            merged = _merged(path, place)
    except BaseException:
        write_lock_text(ours, both)
        raise
    write_lock_text(ours, merged)
    return result


def _merged(path: Path, place: str) -> str:
    merged = read_lock_text(path)
    if merged is None:
        raise AnswerIsNo("the merged lock is not where it should be", where=place)
    return merged


def _text(path: Path) -> str:
    text = read_lock_text(path) or ""
    return text if text.endswith("\n") else f"{text}\n"


def _merged_tree(environment: Mapping[str, str], base: Path, theirs: Path, place: str) -> str:
    """The tree of the merge that is under way. Raises AnswerIsNo where inputs of the lock are in conflict too."""
    ours, other = _sides(environment, base, theirs)
    done = _git(["merge-tree", "--write-tree", "--name-only", "--no-messages", ours, other])
    tree, *conflicted = done.stdout.decode(errors="surrogateescape").splitlines() or [""]
    if done.returncode not in (0, 1) or not tree:
        raise InputError(
            "git cannot merge the rest of the project ahead of time",
            where="git merge-tree",
            why=done.stderr.decode(errors="replace").strip(),
            next="finish the merge, then run `lockflow lock`, which takes both sides of the lock",
        )
    script = place.removesuffix(".lock")
    inputs = [name for name in conflicted if PurePosixPath(name).name in _INPUTS or name == script]
    if inputs:
        raise AnswerIsNo(
            "the lock cannot be merged before its project is",
            where=", ".join(inputs),
            why="both sides changed the same lines there",
            next="resolve that, then run `lockflow lock`, which takes both sides of the lock",
        )
    return tree


@contextmanager
def _room() -> Iterator[None]:
    """Say what is wrong where the merged project cannot be put on disk."""
    try:
        yield
    except OSError as error:
        raise InputError(
            "the merged project cannot be put on disk",
            where=str(error.filename or tempfile.gettempdir()),
            why=error.strerror or str(error),
            next="make room or give permission, then run `lockflow lock`, which takes both sides of the lock",
        ) from error


def _sides(environment: Mapping[str, str], base: Path, theirs: Path) -> tuple[str, str]:
    """The two commits of the merge that is under way, whose merge base is its base."""
    for name in environment:
        if name.startswith("GITHEAD_"):
            return "HEAD", name.removeprefix("GITHEAD_")
    merged = _commit("MERGE_HEAD")
    if merged:
        return "HEAD", merged
    carried = _carried(base, theirs)
    if carried is None:
        raise InputError(
            "there is no merge under way",
            where="git",
            next=f"let git run it: {_DRIVER}",
        )
    before, after = carried
    # Two commits that nobody sees have the change's parent as merge base, which git below 2.40 cannot be told.
    return _child("HEAD", before), _child(after, before)


def _carried(base: Path, theirs: Path) -> tuple[str, str] | None:
    """Parent and commit of a change that is carried over by a rebase or cherry-pick, or the reverse by a revert.

    Git says nowhere which it is while a driver runs, but the lock of both is known: it is the commit that turns one
    into the other.
    """
    blobs = [_git(["hash-object", "--", str(path)]).stdout.decode().strip() for path in (base, theirs)]
    if not all(blobs):
        return None
    words = [
        "log",
        "--all",
        "--reflog",
        "--format=%H",
        "--raw",
        "--no-abbrev",
        "--no-renames",
        f"--find-object={blobs[1]}",
    ]
    commit = ""
    for line in _git([*words, f"--find-object={blobs[1]}"]).stdout.decode(errors="replace").splitlines():
        if not line.startswith(":"):
            commit = line.strip() or commit
            continue
        _, _, old, new, *_ = line.split()
        if [old, new] == blobs:
            return f"{commit}^", commit
        if [new, old] == blobs:
            return commit, f"{commit}^"
    return None


def _child(tree: str, parent: str) -> str:
    done = _git(["commit-tree", f"{tree}^{{tree}}", "-p", parent, "-m", "merged by lockflow"], **_NOBODY)
    return done.stdout.decode().strip()


def _commit(name: str) -> str:
    done = _git(["rev-parse", "--quiet", "--verify", name])
    return done.stdout.decode().strip() if done.returncode == 0 else ""


def _extract(tree: str, folder: Path) -> None:
    done = _git(["archive", "--format=tar", tree])
    if done.returncode:
        raise InputError("git cannot read the merged project", why=done.stderr.decode(errors="replace").strip())
    with tarfile.open(fileobj=io.BytesIO(done.stdout)) as archive:
        archive.extractall(folder, filter="data")


def _git(words: list[str], **variables: str) -> subprocess.CompletedProcess[bytes]:
    environment = {**os.environ, **variables, MERGING: "1"}
    try:
        return subprocess.run(
            ["git", *words],
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_SECONDS,
            check=False,
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise InputError("git does not run", why=str(error)) from error

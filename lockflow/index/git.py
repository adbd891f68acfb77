"""A git source to a commit and a folder with its tree, by the git program (repositories and trees are kept).

Fetched is what the reference needs; submodules and large files (LFS) stay away unless the source asks for the latter.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import os
import re
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

from msgspec.structs import replace

from lockflow.errors import AnswerIsNo
from lockflow.standards.requirements import Git

_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_ABBREVIATED = re.compile(r"[0-9a-f]{7,39}", re.IGNORECASE)
_HEADS = "+refs/heads/*:refs/remotes/origin/*"
_TAGS = "+refs/tags/*:refs/tags/*"
_LAST_LINES = 10
_TIMEOUT_SECONDS = 1200.0


class Repositories:
    """Bare repositories and checked out trees in a folder; a commit that is there is never fetched again.

    `environment` are the variables git gets, so that agents and helpers of the user work. `credentials` are
    (URL, user, password). Calls block; those for one repository wait for one another.
    """

    def __init__(
        self,
        folder: Path | None,
        environment: Mapping[str, str],
        *,
        credentials: Sequence[tuple[str, str, str]] = (),
        offline: bool = False,
    ) -> None:
        self._is_temporary = folder is None
        self._folder = folder
        self._environment = _git_environment(environment, credentials)
        self._offline = offline
        self._guard = threading.Lock()
        self._locks: dict[str, threading.Lock] = {}
        self._commits: dict[Git, str] = {}

    def pinned(self, source: Git) -> Git:
        """The source with the commit that its reference means now. Raises AnswerIsNo."""
        bare, lock = self._repository(source.url)
        with lock:
            return self._pinned(source, bare)

    def tree(self, source: Git) -> Path:
        """A folder with the files of the source's commit, not to be changed. Raises AnswerIsNo."""
        assert source.commit is not None
        bare, lock = self._repository(source.url)
        name = f"{source.commit}{'-lfs' if source.lfs else ''}"
        target = bare.parent.parent / "git-trees-1" / bare.stem / name
        with lock:
            if target.is_dir():
                return target
            if not self._has(bare, source.commit):
                self._pinned(source, bare)
            target.parent.mkdir(parents=True, exist_ok=True)
            # Checked out beside its place and then moved there, since other processes share the folder.
            work = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=target.parent))
            try:
                self._run(source, "clone", "--quiet", "--shared", "--no-checkout", "--", str(bare), str(work))
                self._run(source, "-C", str(work), "checkout", "--quiet", "--detach", "--force", source.commit)
                with contextlib.suppress(OSError):  # another process was first
                    work.rename(target)
            finally:
                if work.is_dir():
                    shutil.rmtree(work, ignore_errors=True)
        return target

    def close(self) -> None:
        """Remove what is not kept."""
        if self._is_temporary and self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _repository(self, url: str) -> tuple[Path, threading.Lock]:
        with self._guard:
            if self._folder is None:
                self._folder = Path(tempfile.mkdtemp(prefix="lockflow-git-"))
            digest = hashlib.blake2b(url.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
            return self._folder / "git-1" / f"{digest}.git", self._locks.setdefault(url, threading.Lock())

    def _pinned(self, source: Git, bare: Path) -> Git:
        known = source.commit or self._commits.get(source)
        if known is None and source.reference is not None and _COMMIT.fullmatch(source.reference.lower()):
            known = source.reference.lower()
        if known is None or not self._has(bare, known):
            if self._offline:
                raise AnswerIsNo(
                    "a git repository cannot be asked, since the network is off",
                    where=source.url,
                    why="the commit that is needed has not been fetched before",
                    next="run without --offline once",
                )
            if not bare.is_dir():
                bare.parent.mkdir(parents=True, exist_ok=True)
                self._run(source, "init", "--quiet", "--bare", "--", str(bare))
            known = self._fetch(source, bare, known)
        self._commits[source] = known
        return replace(source, commit=known)

    def _fetch(self, source: Git, bare: Path, commit: str | None) -> str:
        """Fetch what the source needs and return its commit."""
        reference = source.reference or ""
        if reference.startswith("-") or source.url.startswith("-"):
            raise _failed(source, f"{reference or source.url!r} begins with a dash")
        if commit is not None:
            # Few servers hand out any commit by its name; the others are asked for all they have.
            if not self._is_fetched(source, bare, f"+{commit}:refs/lockflow/{commit}"):
                self._get(source, bare, _HEADS, _TAGS)
            found = self._commit_of(bare, commit)
        elif source.reference is None:
            self._get(source, bare, "+HEAD:refs/remotes/origin/HEAD")
            found = self._commit_of(bare, "refs/remotes/origin/HEAD")
        elif source.reference_kind == "branch":
            self._get(source, bare, f"+refs/heads/{reference}:refs/remotes/origin/{reference}")
            found = self._commit_of(bare, f"refs/remotes/origin/{reference}")
        elif source.reference_kind == "tag":
            self._get(source, bare, f"+refs/tags/{reference}:refs/tags/{reference}")
            found = self._commit_of(bare, f"refs/tags/{reference}")
        elif reference.startswith("refs/"):
            self._get(source, bare, f"+{reference}:refs/lockflow/named")
            found = self._commit_of(bare, "refs/lockflow/named")
        else:
            self._get(source, bare, _HEADS, _TAGS)
            found = self._commit_of(bare, f"refs/remotes/origin/{reference}")
            found = found or self._commit_of(bare, f"refs/tags/{reference}")
            if found is None and _ABBREVIATED.fullmatch(reference):
                found = self._commit_of(bare, reference)
        if found is None:
            raise _failed(source, f"it has no {source.reference_kind or 'rev'} {reference or commit}")
        return found

    def _is_fetched(self, source: Git, bare: Path, *specs: str) -> bool:
        try:
            self._get(source, bare, *specs)
        except AnswerIsNo:
            return False
        return True

    def _get(self, source: Git, bare: Path, *specs: str) -> None:
        arguments = ("fetch", "--quiet", "--force", "--no-tags", "--update-head-ok", "--", source.url, *specs)
        self._run(source, "--git-dir", str(bare), *arguments)

    def _has(self, bare: Path, commit: str) -> bool:
        return bare.is_dir() and self._commit_of(bare, commit) is not None

    def _commit_of(self, bare: Path, name: str) -> str | None:
        command = ["git", "--git-dir", str(bare), "rev-parse", "--quiet", "--verify", "--end-of-options"]
        done = subprocess.run(
            [*command, f"{name}^{{commit}}"],
            env=self._environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            timeout=_TIMEOUT_SECONDS,
        )
        text = done.stdout.decode("ascii", "replace").strip()
        return text if done.returncode == 0 and _COMMIT.fullmatch(text) else None

    def _run(self, source: Git, *arguments: str) -> None:
        environment = self._environment if source.lfs else self._environment | {"GIT_LFS_SKIP_SMUDGE": "1"}
        try:
            done = subprocess.run(
                ["git", *arguments],
                env=environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                check=False,
                timeout=_TIMEOUT_SECONDS,
            )
        except FileNotFoundError as error:
            raise AnswerIsNo(
                "git is needed and was not found", where=source.url, next="install git, or put it on the PATH"
            ) from error
        except subprocess.TimeoutExpired as error:
            raise _failed(source, f"git did not end within {int(_TIMEOUT_SECONDS)} seconds") from error
        if done.returncode != 0:
            verb = next((part for part in arguments if part in ("init", "fetch", "clone", "checkout")), "")
            lines = done.stderr.decode("utf-8", "replace").splitlines()[-_LAST_LINES:]
            raise _failed(source, "\n".join([f"git {verb} ended with code {done.returncode}", *lines]))


def _failed(source: Git, why: str) -> AnswerIsNo:
    return AnswerIsNo(
        "a git repository cannot be used",
        where=source.url,
        why=why,
        next="check the URL and the reference, and that git may read the repository (`git ls-remote`)",
    )


def _git_environment(environment: Mapping[str, str], credentials: Sequence[tuple[str, str, str]]) -> dict[str, str]:
    """The variables of git: those of the user, no questions asked, and credentials where no process list shows them."""
    variables = dict(environment)
    variables |= {"GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C", "GIT_ALLOW_PROTOCOL": "https:http:ssh:git+ssh:file"}
    variables.setdefault("PATH", os.defpath)
    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_NAMESPACE"):
        variables.pop(name, None)  # set while git runs a hook of another repository
    count = variables.get("GIT_CONFIG_COUNT", "")
    number = int(count) if count.isascii() and count.isdigit() else 0
    for url, user, password in credentials:
        if not url.startswith(("https://", "http://")):
            continue
        token = base64.b64encode(f"{user}:{password}".encode()).decode()
        variables[f"GIT_CONFIG_KEY_{number}"] = f"http.{url}.extraHeader"
        variables[f"GIT_CONFIG_VALUE_{number}"] = f"Authorization: Basic {token}"
        number += 1
    if number:
        variables["GIT_CONFIG_COUNT"] = str(number)
    return variables

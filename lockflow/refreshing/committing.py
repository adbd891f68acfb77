"""The commit of a refresh: the lock alone, on a branch of its own where asked."""

from __future__ import annotations

from pathlib import Path

from lockflow.engines.model import Outcome
from lockflow.engines.process import run_here
from lockflow.errors import EngineError, InputError
from lockflow.report.refreshed import Refreshed
from lockflow.steps import Target


def message(told: Refreshed) -> str:
    """The headline, and a line for each package that moved or was held back."""
    lines = [f"- {change.name} {', '.join(entry.version for entry in change.old) or '(new)'} -> "
             f"{', '.join(entry.version for entry in change.new) or '(removed)'}"
             for change in told.changes]  # fmt: skip
    lines += [f"- {held.name} stays at {', '.join(held.kept)}: {held.version} on {held.platform}: {held.reason}"
              for held in told.held_back]  # fmt: skip
    return "\n".join([told.headline, *(["", *lines] if lines else [])]) + "\n"


class Repository:
    """The git repository of the project, asked in time whether it can take a commit."""

    def __init__(self, root: Path, target: Target, branch: str) -> None:
        self.root = root
        self.environment = target.environment
        self.branch = branch
        self._git("rev-parse", "--show-toplevel", what=f"{root} is in no git repository")
        if branch and not self._is_here():
            self._git("check-ref-format", "--branch", branch, what=f"{branch!r} is no name of a branch")
            if self._run("show-ref", "--verify", "--quiet", f"refs/heads/{branch}").exit_code == 0:
                raise InputError(
                    f"there is a branch {branch} already",
                    where="--branch",
                    next="switch to it, delete it, or name another",
                )

    def prepare(self) -> list[str]:
        """Go to the branch; nothing was written yet, and files that were edited stay as they are.

        Returns what that changed, in words.
        """
        if not self.branch or self._is_here():
            return []
        self._git("switch", "--quiet", "--create", self.branch, what=f"the branch {self.branch} cannot be made")
        return [f"the branch {self.branch} was made, and is where you are"]

    def commit(self, path: Path, message: str) -> str:
        """Commit the lock alone; return the commit."""
        what = "the lock was written, but not committed"
        then = f"mend what git says, then: git commit {path.name}"
        self._git("add", "--", str(path), what=what, next=then)
        self._git("commit", "--quiet", "-m", message, "--", str(path), what=what, next=then)
        return self._git("rev-parse", "HEAD", what=what).strip()

    def _is_here(self) -> bool:
        return self._run("symbolic-ref", "--quiet", "--short", "HEAD").stdout.strip() == self.branch

    def _git(self, *words: str, what: str, next: str = "") -> str:
        outcome = self._run(*words)
        if outcome.exit_code:
            raise EngineError(
                what, where=f"git {words[0]} in {self.root}", why=(outcome.stderr or outcome.stdout).strip(), next=next
            )
        return outcome.stdout

    def _run(self, *words: str) -> Outcome:
        outcome = run_here(("git", *words), folder=self.root, environment=self.environment)
        if outcome is None:
            raise EngineError(
                "there is no git on this machine", where="--commit", next="install it, or commit yourself"
            )
        return outcome

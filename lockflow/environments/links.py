"""Puts a file of the cache into an environment as cheaply as the file system lets it: clone, hard link or copy."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import shutil
import sys

from lockflow.environments.model import LinkMode

_NEXT: dict[LinkMode, LinkMode] = {"clone": "hardlink", "hardlink": "copy"}
_CANNOT = frozenset(
    (errno.EXDEV, errno.EPERM, errno.EOPNOTSUPP, errno.ENOTSUP, errno.EINVAL, errno.ENOSYS, errno.ENOTTY, errno.EMLINK,
     errno.EACCES)
)  # fmt: skip
"""What says that this way is none here: another file system, or one that does not know it."""


class Linker:
    """Links files, from the cheapest way on to the one that works here; what worked once is tried first."""

    def __init__(self, mode: LinkMode | None = None) -> None:
        self.mode: LinkMode = mode or "clone"
        self._may_fall_back = True

    def put(self, source: str, target: str) -> None:
        """Make `target` a file with the content and mode of `source`, in the place of a file that is there.

        What was there is never written to, since it may be a link into the cache. Raises OSError.
        """
        while True:
            try:
                self._put(source, target)
                return
            except FileExistsError:
                os.unlink(target)
            except OSError as error:
                following = _NEXT.get(self.mode)
                if following is None or error.errno not in _CANNOT:
                    raise
                self.mode = following

    def _put(self, source: str, target: str) -> None:
        if self.mode == "hardlink":
            os.link(source, target, follow_symlinks=False)
        elif self.mode == "clone":
            _clone(source, target)
        else:
            _copy(source, target)


def _copy(source: str, target: str) -> None:
    """Copy beside the target and move it there, so that nobody sees half of it."""
    draft = f"{target}.{secrets.token_hex(6)}.tmp"
    try:
        shutil.copyfile(source, draft)
        shutil.copymode(source, draft)
        os.replace(draft, target)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(draft)
        raise


if sys.platform == "linux":
    import fcntl

    _FICLONE = 0x40049409

    def _clone(source: str, target: str) -> None:
        """Share the blocks of `source`, as btrfs, XFS and bcachefs can."""
        reading = os.open(source, os.O_RDONLY | os.O_CLOEXEC)
        try:
            mode = os.fstat(reading).st_mode & 0o777
            writing = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
            try:
                fcntl.ioctl(writing, _FICLONE, reading)
            except BaseException:
                os.unlink(target)
                raise
            finally:
                os.close(writing)
        finally:
            os.close(reading)

elif sys.platform == "darwin":
    import ctypes

    _LIBC = ctypes.CDLL(None, use_errno=True)

    def _clone(source: str, target: str) -> None:
        """Share the blocks of `source`, as APFS can."""
        if _LIBC.clonefile(os.fsencode(source), os.fsencode(target), 0) != 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number), target)

else:

    def _clone(_: str, target: str) -> None:
        raise OSError(errno.ENOTSUP, "no clones here", target)

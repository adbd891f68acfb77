"""The variables that reach a build backend: how to compile, where programs are, and folders of its own."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

_KEPT = frozenset(
    {
        "ARCHFLAGS", "AR", "AS", "CC", "CFLAGS", "COMSPEC", "CPATH", "CPP", "CPPFLAGS", "CUDA_HOME", "CUDA_PATH", "CXX",
        "CXXFLAGS", "C_INCLUDE_PATH", "DEVELOPER_DIR", "F77", "F90", "FC", "FFLAGS", "HTTPS_PROXY", "HTTP_PROXY",
        "INCLUDE", "LANG", "LANGUAGE", "LD", "LDFLAGS", "LD_LIBRARY_PATH", "LIB", "LIBPATH", "LIBRARY_PATH",
        "MACOSX_DEPLOYMENT_TARGET", "MAKEFLAGS", "NO_PROXY", "NUMBER_OF_PROCESSORS", "PATH", "PATHEXT",
        "PKG_CONFIG_PATH", "PROCESSOR_ARCHITECTURE", "PROGRAMDATA", "PROGRAMFILES", "PROGRAMFILES(X86)", "RANLIB",
        "REQUESTS_CA_BUNDLE", "RUSTFLAGS", "RUSTUP_HOME", "RUSTUP_TOOLCHAIN", "SDKROOT", "SOURCE_DATE_EPOCH",
        "SSL_CERT_DIR", "SSL_CERT_FILE", "SYSTEMDRIVE", "SYSTEMROOT", "TZ", "WINDIR",
    }
)  # fmt: skip

_KEPT_PREFIXES = ("CMAKE_", "LC_", "SETUPTOOLS_SCM_PRETEND_VERSION", "SKBUILD_", "VSCMD_")
"""Variables that say how to compile. A list of what passes, since nobody can list what is secret."""

_WITH_CREDENTIALS = re.compile(r"://[^/\s]*@")


def clean_environment(environment: Mapping[str, str], scripts: Path, work: Path) -> dict[str, str]:
    """The variables a backend gets: how to compile, where programs are, and folders of its own."""
    kept = {
        name: value
        for name, value in environment.items()
        if (name.upper() in _KEPT or name.upper().startswith(_KEPT_PREFIXES)) and not _WITH_CREDENTIALS.search(value)
    }
    home, temporary = work / "home", work / "tmp"
    for folder in (home, temporary):
        folder.mkdir(exist_ok=True)
    path = kept.get("PATH", os.defpath)
    kept |= {
        "PATH": f"{scripts}{os.pathsep}{path}",
        "HOME": str(home),
        "USERPROFILE": str(home),
        "APPDATA": str(home),
        "LOCALAPPDATA": str(home),
        "TMPDIR": str(temporary),
        "TMP": str(temporary),
        "TEMP": str(temporary),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONIOENCODING": "utf-8",
        "PYTHONNOUSERSITE": "1",
    }
    return kept

"""Index clients that can also build: the one place where a resolution leads to a build, and a build to a resolution."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping

from msgspec.structs import replace

from lockflow.index.client import IndexClient
from lockflow.index.model import BuildPackage
from lockflow.index.network import Transport
from lockflow.index.options import Builds, ClientOptions
from lockflow.inputs.model import Manifest
from lockflow.resolve.for_build import resolve_build, this_environment
from lockflow.standards.interpreter import Interpreter
from lockflow.standards.requirements import Requirement


def index_clients(
    options: ClientOptions,
    manifest: Manifest,
    environment: Mapping[str, str],
    transport: Transport | None = None,
    *,
    interpreter: Interpreter | None = None,
    unisolated: str = "",
) -> Callable[[], IndexClient]:
    """What makes the index clients of a run; `environment` are the variables of which a few reach a build backend.

    What is built is built for `interpreter`, by default the one that runs, and without isolation by `unisolated`.
    """
    here = this_environment() if interpreter is None else interpreter.environment
    settings = manifest.settings
    decisive = (
        settings.config_settings, settings.config_settings_package, settings.build_variables,
        manifest.build_constraints, manifest.extra_builds,
    )  # fmt: skip
    text = repr((decisive, here["python_full_version"], here["sys_platform"], here["platform_machine"]))
    digest = hashlib.sha256(text.encode()).hexdigest()[:32]

    def connect(under_way: tuple[str, ...]) -> IndexClient:
        def resolve_here(requirements: tuple[Requirement, ...], names: tuple[str, ...]) -> tuple[BuildPackage, ...]:
            return resolve_build(requirements, manifest, here, lambda: connect(names))

        builds = Builds(
            settings=settings,
            resolve=resolve_here,
            extra=manifest.extra_builds,
            environment=environment,
            under_way=under_way,
            digest=digest,
            interpreter=interpreter,
            unisolated=unisolated,
        )
        complete = replace(options, builds=builds, static_metadata=manifest.static_metadata)
        return IndexClient(complete, transport)

    return lambda: connect(())

"""The step behind `image`: prove that the lock holds, build from exactly that lock, look at what was built, push it.

Nothing is named or pushed that was not found to be what the lock says. Images for several platforms are built side
by side.
"""

from __future__ import annotations

import platform as host_platform
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait

import msgspec
from msgspec import Struct

from lockflow.before_build import before_build, require_ready
from lockflow.builder_secrets import hidden_words, secrets_of
from lockflow.checking import check
from lockflow.engines.buildkit_trace import StepNews
from lockflow.engines.images import Build, ImageEngine, OnNews, Pushed
from lockflow.engines.model import Place
from lockflow.engines.opening import open_engine, open_images
from lockflow.engines.watch import NOBODY, Job, Watch
from lockflow.errors import AnswerIsNo, EngineError, InputError, LockflowError, MissingImage, telling
from lockflow.image_plans import Project, Wishes, builder_platform, context_of, plan_of, project_of
from lockflow.images.context import digests
from lockflow.images.identity import REPOSITORY, TAG, inputs_digest, labels, reference_of, usual_tag
from lockflow.images.recipe import recipe
from lockflow.lock.decode import decode
from lockflow.lock.files import read_lock_text
from lockflow.looking import look
from lockflow.platforms.model import Platform
from lockflow.platforms.read import read_platforms
from lockflow.platforms.selection import graph_of
from lockflow.proving import OpenEngine, fetch_uv
from lockflow.report.as_rows import problems
from lockflow.report.model import Verdict
from lockflow.steps import Network, Target, cache_of, connector, digest, inputs

_ARCHES = {"x86_64": "amd64", "aarch64": "arm64"}
_STEPS = (
    ("[dependencies 3", "installing what the lock has"),
    ("[project", "installing the project"),
    ("[final", "putting the image together"),
    ("exporting", "putting the image together"),
)
"""Steps of the builder, by what their names hold, in words."""
_USUAL = Network()

OnOutput = Callable[[str, str], None]
"""Hears a platform and a line of what its builder says."""
OpenImages = Callable[[Mapping[str, str]], ImageEngine]
"""Opens an engine that makes images, given the addresses of platforms that have their own."""


class ImageAsk(Struct, frozen=True, kw_only=True):
    """Which images are asked for.

    `platforms` are names or aliases, `python` a minor (empty: see `[tool.lockflow.image]`). `tag` is a tag, or a whole
    reference (`registry.example/app:1`); empty means one that follows from what goes in. `uv` and `base` replace the
    settings of the same name; `wishes` are beside them.
    """

    platforms: tuple[str, ...]
    python: str = ""
    tag: str = ""
    push: bool = False
    uv: str = ""
    base: str = ""
    wishes: Wishes = Wishes()


class BuiltImage(Struct, frozen=True, kw_only=True):
    """An image that was found to be what the lock says.

    `reference` is its name, `id` the engine's; `digest` is that of its manifest in the registry, empty where it was
    not pushed. `inputs` is the digest of all that went in, `packages` how many distributions it has, `binaries` how
    many programs and shared objects were looked at. `seconds` says what took how long, in order.
    """

    platform: str
    python: str
    reference: str
    id: str
    digest: str = ""
    inputs: str
    packages: int
    binaries: int
    bytes: int
    seconds: tuple[tuple[str, float], ...] = ()


class ImageResult(Struct, frozen=True, kw_only=True):
    """What was built, in the order asked for.

    `reference` and `digest` are those of the list of all images where several were pushed, else of the only image;
    `reference` is empty where several were built and not pushed. `notes` are warnings.
    """

    images: tuple[BuiltImage, ...]
    reference: str = ""
    digest: str = ""
    notes: tuple[str, ...] = ()


class PlannedImage(Struct, frozen=True, kw_only=True):
    """An image as it would be built: its name, the digest of all that goes in but the base images, and its recipe.

    `packages` are the names of all that may be installed, on whatever platform; `notes` are warnings.
    """

    platform: str
    python: str
    reference: str
    content: str
    recipe: str
    packages: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def build_images(
    target: Target,
    ask: ImageAsk,
    *,
    network: Network = _USUAL,
    watch: Watch = NOBODY,
    on_output: OnOutput | None = None,
    open_engine: OpenEngine | None = open_engine,
    open_images: OpenImages = open_images,
) -> ImageResult:
    """Check, build, look at and name the images that are asked for; push them where that is asked for too.

    `watch` hears what goes on, `on_output` every line that a builder says; both from several threads.

    Raises AnswerIsNo where the lock does not hold there, where the builder's uv would refuse it, where a step of the
    build fails and where an image is not what the lock says; EngineError, NetworkError and InputError where it could
    not be found out.
    """
    ready = _ready(target, ask, network, open_engine, watch)
    images = open_images(dict(ready.project.read.manifest.settings.engines))
    maker = _Maker(ready, ask, images, network, target, watch, on_output or (lambda _, __: None))
    try:
        return maker.made()
    finally:
        images.close()


def plan_images(target: Target, ask: ImageAsk) -> tuple[PlannedImage, ...]:
    """Say what would be built, without asking an engine: it is taken for one of this machine's kind.

    An engine of its own in the settings is taken for one that is the platform itself.
    """
    project, platforms = _asked(target, ask)
    own = dict(project.read.manifest.settings.engines)
    planned = []
    for platform in platforms:
        assert platform.engine_platform is not None
        native = platform.engine_platform if platform.engine_platform in own else _this_machine()
        plan = plan_of(project, platform, native)
        files = [*digests(context_of(project, project.uv.encode()))]
        found = inputs_digest(recipe(plan, {}), files, ())
        name = _reference(_named(project, ask, files), ask, platform, platforms)
        text = recipe(plan, labels(plan, lock=digest(project.text.encode()), inputs=found, version=_version(project)))
        planned.append(
            PlannedImage(
                platform=platform.name,
                python=project.python,
                reference=name,
                content=found,
                recipe=text,
                packages=tuple(sorted({entry.package.name for entry in project.entries})),
                notes=project.read.warnings,
            )
        )
    return tuple(planned)


def are_there(target: Target, result: ImageResult, open_images: OpenImages = open_images) -> bool:
    """Whether the images that were built are still there, as they were, under their names.

    Raises EngineError where no engine answers.
    """
    read = inputs(target)
    images = open_images(dict(read.manifest.settings.engines))
    try:
        for image in result.images:
            (defined,) = read_platforms((image.platform,), read.root)
            if images.facts(image.reference, defined.platform.engine_platform or "").id != image.id:
                return False
    except MissingImage:
        return False
    finally:
        images.close()
    return True


def _this_machine() -> str:
    machine = host_platform.machine().lower()
    return f"linux/{_ARCHES.get(machine, machine)}"


# Before the build ----------------------------------------------------------------------------------------------------


class _Ready(Struct, frozen=True, kw_only=True):
    project: Project
    platforms: tuple[Platform, ...]
    notes: tuple[str, ...]
    seconds: float


def _ready(target: Target, ask: ImageAsk, network: Network, open_engine: OpenEngine | None, watch: Watch) -> _Ready:
    """Find out all that can be found out before anything is built."""
    began = time.perf_counter()
    if not ask.platforms:
        raise InputError("no platform is named", where="the images asked for", next="name one, like linux/arm64")
    own = before_build(target, builder_uv=ask.uv, with_machine=False)
    require_ready(own)
    beside = before_build(target, builder_uv=ask.uv)
    project, platforms = _asked(target, ask)
    report = check(
        target,
        tuple(platform.name for platform in platforms),
        pythons=(project.python,),
        network=network,
        open_engine=open_engine,
        watch=watch,
        is_kept=False,
    )
    if report.verdict is not Verdict.GOOD:
        found = problems(report)
        first, *others = found
        why = "\n".join([first.why, *(f"also: {other.what}" for other in others)])
        kind = EngineError if report.verdict is Verdict.BROKEN else AnswerIsNo
        raise kind(first.what, where=first.where, why=why, next="\n".join(first.advice))
    warnings = (*project.read.warnings, *report.notes)
    notes = (*warnings, *(f"{drift.what}: {drift.why}" for drift in beside if drift not in own))
    return _Ready(project=project, platforms=platforms, notes=notes, seconds=time.perf_counter() - began)


def _asked(target: Target, ask: ImageAsk) -> tuple[Project, tuple[Platform, ...]]:
    if target.script is not None:
        raise InputError(
            "images are built of projects", where=str(target.script), next="run the script by uv, in an image with uv"
        )
    read = inputs(target)
    text = read_lock_text(read.lock_path)
    if text is None:
        raise AnswerIsNo("there is no lock to build from", where=str(read.lock_path), next="run `lockflow lock` first")
    settings = read.manifest.settings
    changed = msgspec.structs.replace(
        settings.image, **{name: value for name, value in (("uv", ask.uv), ("base", ask.base)) if value}
    )
    manifest = msgspec.structs.replace(read.manifest, settings=msgspec.structs.replace(settings, image=changed))
    read = msgspec.structs.replace(read, manifest=manifest)
    project = project_of(read, text, graph_of(decode(text, str(read.lock_path))), python=ask.python, wishes=ask.wishes)
    _check_name(ask, project)
    defined = read_platforms(ask.platforms, read.root)
    for entry in defined:
        # What cannot be built is said before anything is.
        plan_of(project, entry.platform, entry.platform.engine_platform or "")
    return project, tuple(entry.platform for entry in defined)


def _named(project: Project, ask: ImageAsk, files: Sequence[tuple[str, str]]) -> tuple[str, str]:
    """Repository and tag of the images."""
    if ":" in ask.tag.rpartition("/")[2]:
        name, _, tag = ask.tag.rpartition(":")
        return name, tag
    if "/" in ask.tag:
        return ask.tag, "latest"
    settings = msgspec.json.encode(project.settings).decode() + project.uv + project.python
    return project.name, ask.tag or usual_tag(files, settings)


def _reference(named: tuple[str, str], ask: ImageAsk, platform: Platform, platforms: Sequence[Platform]) -> str:
    """The name of one image. The usual tag is the same for all platforms, which would take it from one another."""
    return reference_of(*named, platform.name, is_one_of_several=len(platforms) > 1 or not ask.tag)


def _check_name(ask: ImageAsk, project: Project) -> None:
    """See that an engine and a registry will take the name, before minutes go into what it is for."""
    name, tag = _named(project, ask, ())
    if not (REPOSITORY.fullmatch(name) and TAG.fullmatch(tag)):
        raise InputError(
            f"no image can be named {name}:{tag}",
            where="--tag" if ask.tag else "[tool.lockflow.image] name",
            next='write a tag like "1.4", or a whole name like "registry.example/team/app:1.4" in lower case',
        )
    if ask.push and "/" not in name:
        raise InputError(
            f"{name} names no place in a registry to push to",
            where="--tag" if ask.tag else "[tool.lockflow.image] name",
            next='write a whole name, like "registry.example/team/app:1.4"',
        )


def _version(project: Project) -> str:
    found = next((entry.package for entry in project.entries if entry.package.name == project.wish.project), None)
    return "" if found is None or found.version is None else str(found.version)


# The build -----------------------------------------------------------------------------------------------------------


class _Maker:
    """Makes the images of one run, side by side; the first that fails ends the others."""

    def __init__(
        self,
        ready: _Ready,
        ask: ImageAsk,
        images: ImageEngine,
        network: Network,
        target: Target,
        watch: Watch,
        on_output: OnOutput,
    ) -> None:
        self._ready = ready
        self._project = ready.project
        self._ask = ask
        self._images = images
        self._network = network
        self._target = target
        self._watch = watch
        self._on_output = on_output
        self._secrets = secrets_of(ready.project, target.environment)
        self._programs: dict[str, bytes] = {}
        self._done: list[str] = []
        self._lock = threading.Lock()
        files = [*digests(context_of(self._project, self._project.uv.encode()))]
        self._name, self._tag = _named(self._project, ask, files)

    def made(self) -> ImageResult:
        with telling(self._done):
            return self._made()

    def _made(self) -> ImageResult:
        platforms = self._ready.platforms
        self._watch.expect([self._job(platform) for platform in platforms])
        # One is made in this thread, which Ctrl-C interrupts.
        built = [self._image(platforms[0])] if len(platforms) == 1 else self._side_by_side(platforms)
        notes = self._ready.notes
        if len(built) == 1:
            return ImageResult(images=tuple(built), reference=built[0].reference, digest=built[0].digest, notes=notes)
        if not self._ask.push:
            return ImageResult(images=tuple(built), notes=notes)
        reference = f"{self._name}:{self._tag}"
        parts = tuple(Pushed(reference=image.reference, digest=image.digest) for image in built)
        joined = self._images.join(reference, parts)
        return ImageResult(images=tuple(built), reference=joined.reference, digest=joined.digest, notes=notes)

    def _side_by_side(self, platforms: Sequence[Platform]) -> list[BuiltImage]:
        with ThreadPoolExecutor(len(platforms)) as pool:
            futures = [pool.submit(self._image, platform) for platform in platforms]
            try:
                done, _ = wait(futures, return_when=FIRST_EXCEPTION)
                failed = next((future for future in futures if future in done and future.exception()), None)
            except BaseException:
                self._images.stop()
                raise
            if failed is not None:
                self._images.stop()
                wait(futures)
            # The first of those that failed by themselves, not of those that were stopped for it.
            return [(failed or future).result() for future in futures]

    def _job(self, platform: Platform) -> Job:
        return Job(work="build", platform=platform.name, python=self._project.python)

    def _image(self, platform: Platform) -> BuiltImage:
        """Make one image, and tell how that went."""
        job = self._job(platform)
        try:
            image = self._made_image(platform, job)
        except AnswerIsNo as error:
            self._watch.ended(job, "bad", error.what)
            raise
        except LockflowError as error:
            self._watch.ended(job, "broken", error.what)
            raise
        self._watch.ended(job, "done", image.reference)
        return image

    def _made_image(self, platform: Platform, job: Job) -> BuiltImage:
        clock = _Clock()
        self._watch.doing(job, "getting uv and the base images")
        assert platform.engine_platform is not None
        native = self._images.native(platform.engine_platform)
        plan = plan_of(self._project, platform, native)
        base = Place(image=plan.base, platform=plan.engine_platform)
        builder = Place(image=plan.builder, platform=plan.builder_platform)
        bases = [self._images.prepare(place).id for place in (base, builder)]
        files = context_of(
            self._project, self._uv_for(builder_platform(self._project, platform, plan.builder_platform))
        )
        found = inputs_digest(recipe(plan, {}), [*digests(files)], bases)
        stated = labels(plan, lock=digest(self._project.text.encode()), inputs=found, version=_version(self._project))
        clock.lap("prepare")
        self._watch.doing(job, "sending files to the builder")
        build = Build(
            recipe=recipe(plan, stated),
            files=files,
            bases=(("BASE", base), ("BUILDER", builder)),
            platform=plan.engine_platform,
            purpose=f"the image for {platform.name}",
            secrets=self._secrets,
            hidden=hidden_words(self._secrets),
        )
        image = self._images.build(build, self._listener(job, clock))
        clock.lap("build")
        self._watch.doing(job, "looking at the image")
        seen, binaries = look(self._images, self._project, plan, platform, image)
        clock.lap("verify")
        reference = _reference((self._name, self._tag), self._ask, platform, self._ready.platforms)
        self._images.name(image, plan.engine_platform, reference)
        self._done.append(f"the image for {platform.name} was built and is there: {reference}")
        pushed = ""
        if self._ask.push:
            self._watch.doing(job, f"pushing {reference}")
            pushed = self._images.push(reference, plan.engine_platform, lambda _: None).digest
            self._done.append(f"it was pushed: {reference}@{pushed}")
            clock.lap("push")
        return BuiltImage(
            platform=platform.name,
            python=seen.environment.get("python_full_version", plan.python),
            reference=reference,
            id=image,
            digest=pushed,
            inputs=found,
            packages=len(seen.distributions),
            binaries=binaries,
            bytes=self._images.facts(image, plan.engine_platform).bytes,
            seconds=clock.laps,
        )

    def _listener(self, job: Job, clock: _Clock) -> OnNews:
        """What turns the builder's news into words for people."""

        def hear(news: StepNews) -> None:
            doing = next((words for name, words in _STEPS if name in news.name), "")
            if news.kind == "line":
                self._on_output(job.platform, news.line)
                if doing and news.line.strip():
                    self._watch.doing(job, f"{doing}: {news.line.strip()}")
            elif news.kind == "began" and doing:
                self._watch.doing(job, doing)
            elif news.kind == "ended" and " RUN " in news.name:
                clock.note(news.name.partition(" ")[0].strip("["), news.seconds)

        return hear

    def _uv_for(self, platform: Platform) -> bytes:
        """The pinned uv for a builder; fetched once for all images that are built on one."""
        with self._lock:
            if platform.name not in self._programs:
                read = self._project.read
                connect = connector(read, self._network, self._target.environment)
                cache = cache_of(self._network, self._target.environment)
                program = fetch_uv(read.manifest.settings, platform, self._project.uv, connect, cache)
                self._programs[platform.name] = program.content
            return self._programs[platform.name]


class _Clock:
    """Takes the time of what follows on one another."""

    def __init__(self) -> None:
        self.laps: tuple[tuple[str, float], ...] = ()
        self._last = time.perf_counter()

    def note(self, name: str, seconds: float) -> None:
        """Take down what was a part of the lap that goes on."""
        self.laps = (*self.laps, (name, round(seconds, 3)))

    def lap(self, name: str) -> None:
        now = time.perf_counter()
        self.laps = (*self.laps, (name, round(now - self._last, 3)))
        self._last = now

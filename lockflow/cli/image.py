"""`lockflow image`: build from exactly the checked lock, look at what was built, push it."""

from __future__ import annotations

import msgspec

from lockflow.building import ImageAsk, ImageResult, PlannedImage, build_images, plan_images
from lockflow.cli.arguments import add_common, add_index, network, settle, target
from lockflow.cli.console import Console, duration, plural
from lockflow.cli.faults import Parser
from lockflow.cli.jobs import Jobs
from lockflow.cli.plain import Started
from lockflow.errors import EXIT_DONE

_SUMMARY = "Build images from the lock: checked before, looked at after. Nothing but the look is emulated."
_EPILOG = """\
Examples:
  lockflow image linux/amd64                          build it; its name is told at the end
  lockflow image linux/arm64 --python 3.12 --tag 1.4  a Python and a tag
  lockflow image linux/amd64 linux/arm64 --tag registry.example/team/app:1.4 --push
                                                      both, under one name in a registry
  lockflow image linux/arm64 --dry-run                the recipe (a Dockerfile), nothing built
  lockflow image linux/amd64 --json                   names, digests and times as data, on stdout
Settings: [tool.lockflow.image] name, base, builder, uv, python, package, extras, groups, files,
user, entrypoint.
"""


def run_image(words: list[str], console: Console, started: Started) -> int:
    """Build the images that are asked for; returns the exit code."""
    parser = Parser("image", _SUMMARY, epilog=_EPILOG)
    parser.add_argument("platforms", nargs="+", metavar="PLATFORM", help="like linux/amd64; several, also with commas")
    parser.add_argument("--python", metavar="VERSION", default="", help="the Python of the image, like 3.12")
    text = "a tag, or a whole name (registry.example/app:1); by default one that changes with what goes in"
    parser.add_argument("--tag", metavar="TAG", default="", help=text)
    text = "push to the registry in the name; several platforms become one list under it"
    parser.add_argument("--push", action="store_true", help=text)
    parser.add_argument("--dry-run", action="store_true", help="print the recipe, build nothing")
    parser.add_argument("--json", action="store_true", help="put what was built on stdout as JSON")
    for add_group in (add_index, add_common):
        add_group(parser)
    options = parser.parse(words)
    settle(console, options)
    ask = ImageAsk(
        platforms=tuple(name for word in options.platforms for name in word.split(",") if name),
        python=options.python,
        tag=options.tag,
        push=options.push,
    )
    # `--python` is the image's here, not that of a project without requires-python.
    del options.python
    asked, reach = target(options, started), network(options, started)
    if options.dry_run:
        return _show_plan(plan_images(asked, ask), console, is_json=options.json)
    with Jobs(console) as jobs:
        result = build_images(
            asked,
            ask,
            network=reach,
            watch=jobs,
            on_output=lambda platform, line: console.detail(f"{platform}  {line}"),
        )
    if options.json:
        console.data(msgspec.json.format(msgspec.json.encode(result), indent=2).decode())
    say_result(result, console, started.elapsed())
    return EXIT_DONE


def _show_plan(planned: tuple[PlannedImage, ...], console: Console, *, is_json: bool) -> int:
    if is_json:
        console.data(msgspec.json.format(msgspec.json.encode(planned), indent=2).decode())
        return EXIT_DONE
    for number, image in enumerate(planned):
        console.data(("\n" if number else "") + image.recipe.rstrip("\n"))
    for note in dict.fromkeys(note for image in planned for note in image.notes):
        console.warn(note)
    for image in planned:
        console.note(f"{image.platform}: would be {image.reference}; nothing was built")
    return EXIT_DONE


def say_result(result: ImageResult, console: Console, seconds: float) -> None:
    """A line for each image, then where all of them are found."""
    for note in result.notes:
        console.warn(note)
    columns = ("platform", "Python", "packages#", "binaries#", "size#", "built#", "image")
    rows = []
    for image in result.images:
        took = dict(image.seconds)
        place = f"{image.reference}@{image.digest}" if image.digest else image.reference
        rows.append(
            (
                image.platform,
                image.python,
                str(image.packages),
                str(image.binaries),
                f"{image.bytes / 1e6:.0f} MB",
                duration(took.get("build", 0.0)),
                place,
            )
        )
    console.table("", columns, rows)
    if result.digest and len(result.images) > 1:
        console.say(f"All of them: {result.reference}@{result.digest}")
    console.note(f"Built {plural(len(result.images), 'image')} in {duration(seconds)}")

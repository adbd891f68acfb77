"""The image builder `lockflow` of Flyte: what it is, for those who asked; nothing at all for everybody else.

flytekit loads this file whenever it is imported itself (entry point group `flytekit.plugins`), so that it must cost
nothing and never fail. What does the work is imported when an image is asked for. With priority 0 the builder serves
those alone who write `ImageSpec(builder="lockflow", ...)`.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from flytekit.image_spec import ImageSpec


class LockflowBuilder:
    """Builds the image of an ImageSpec from its lock; the interface is that of flytekit's ImageSpecBuilder.

    It is no subclass, so that this file can be loaded whatever flytekit has, or does not have, where it looks.
    """

    def should_build(self, image_spec: ImageSpec) -> bool:  # noqa: ARG002  flytekit's interface
        """Always: `build_image` finds out whether the image is there, and what it returns is the name that tasks get.

        flytekit would ask for an image by a name that follows from the lock and the ImageSpec alone, and take one for
        there where it cannot find out.
        """
        return True

    def build_image(self, image_spec: ImageSpec) -> str:
        """Return the name of an image that holds what the lock says, built and pushed if there is none yet.

        Raises LockflowError, with what to do about it, before anything is built where it can be found out by then.
        """
        from lockflow.flyte_images import image_for

        return image_for(image_spec)


def register() -> None:
    """Make the builder known to flytekit; a flytekit that has no image builders is left alone."""
    try:
        from flytekit.image_spec.image_spec import ImageBuildEngine
    except ImportError:
        return
    ImageBuildEngine.register("lockflow", LockflowBuilder(), priority=0)


register()

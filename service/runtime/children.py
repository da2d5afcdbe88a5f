"""Processes that this program starts end when it does, however it ends."""

import os
import threading
from collections.abc import Callable


def exit_after(wait: Callable[[], object]) -> None:
    """End this process as soon as `wait` returns, which it is to do when the parent has ended.

    The parent holds one end of a pipe, which the operating system closes even if the parent is killed.
    """

    def watch() -> None:
        wait()
        os._exit(1)

    threading.Thread(target=watch, name="kith-parent", daemon=True).start()

"""Processes that end when the one that started them does."""

import os
import threading
import time


def end_with_parent(seconds: float = 0.5) -> None:
    """End this process at once when its parent is gone: a job does not outlive its pipeline.

    The kernel of the job watches its own parent in the same way.
    """
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(seconds)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()

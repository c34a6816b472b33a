"""Seeds, threads and algorithms fixed, so that equal parameters give equal records."""

import gc
import os
import random
import sys

THREADS = 1
"""Threads of every numerical library in a run: sums are split by thread, so it is part of the run.

One, as in a trial: two notebooks side by side with two threads each took twice as long on two cores
as with one each (88 s and 44 s for lesson 9), and one notebook alone takes 1.2 times as long.
"""

THREADS_ALONE = 2
"""Threads of a command that has the machine to itself, and of what is timed."""

ENVIRONMENT = {
    "OMP_NUM_THREADS": str(THREADS),
    "OPENBLAS_NUM_THREADS": str(THREADS),
    "MKL_NUM_THREADS": str(THREADS),
    "CUBLAS_WORKSPACE_CONFIG": ":4096:8",  # without it CUDA's matrix products may differ
    "TOKENIZERS_PARALLELISM": "false",  # no warning, and no deadlock, after a fork
}
"""What must stand in the environment before a numerical library is loaded."""


def settle(seed: int = 0, threads: int = THREADS) -> None:
    """Seed Python, and fix seeds and threads of numpy and torch where a notebook has loaded them.

    Notebooks import first and open their run next, in one cell, so what they use is loaded by
    then; loading torch here would cost those that never need it two seconds.

    Args:
        seed: of Python, numpy and torch.
        threads: of numpy's and torch's products.

    >>> settle(7); first = random.random(); settle(7); first == random.random()
    True
    """
    os.environ.update(ENVIRONMENT)
    random.seed(seed)
    if numpy := sys.modules.get("numpy"):
        from threadpoolctl import threadpool_limits

        numpy.random.seed(seed % 2**32)
        threadpool_limits(threads)  # for BLAS that was loaded before the environment was set
    if torch := sys.modules.get("torch"):
        torch.manual_seed(seed)
        torch.set_num_threads(threads)
        torch.use_deterministic_algorithms(True, warn_only=True)
        torch.utils.deterministic.fill_uninitialized_memory = False  # costs time, changes nothing
        torch.backends.cudnn.benchmark = False
    # What is imported by now stays: each training ends with a collection of garbage, which need not
    # look through all of it again (0.3 s each).
    gc.collect()
    gc.freeze()

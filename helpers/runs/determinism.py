"""Seeds, threads and algorithms fixed, so that equal parameters give equal records."""

import importlib.abc
import importlib.machinery
import importlib.util
import os
import random
import sys
from collections.abc import Sequence
from types import ModuleType
from typing import Any

THREADS = 2
"""Threads of every numerical library: sums are split by thread, so the number is part of a run."""

ENVIRONMENT = {
    "OMP_NUM_THREADS": str(THREADS),
    "OPENBLAS_NUM_THREADS": str(THREADS),
    "MKL_NUM_THREADS": str(THREADS),
    "CUBLAS_WORKSPACE_CONFIG": ":4096:8",  # without it CUDA's matrix products may differ
    "TOKENIZERS_PARALLELISM": "false",  # no warning, and no deadlock, after a fork
}
"""What must stand in the environment before a numerical library is loaded."""


def settle(seed: int = 0) -> None:
    """Seed Python and numpy, fix thread counts; torch likewise, now or when it is imported.

    torch takes seconds to load and some notebooks never need it, so it is not loaded for this:
    an import hook waits for it.

    >>> settle(7); first = random.random(); settle(7); first == random.random()
    True
    """
    os.environ.update(ENVIRONMENT)
    random.seed(seed)
    sys.meta_path[:] = [one for one in sys.meta_path if not isinstance(one, _AfterImport)]
    for name, action in (("numpy", _settle_numpy), ("torch", _settle_torch)):
        if name in sys.modules:
            action(sys.modules[name], seed)
        else:
            sys.meta_path.insert(0, _AfterImport(name, action, seed))


def _settle_numpy(numpy: Any, seed: int) -> None:
    numpy.random.seed(seed % 2**32)
    if importlib.util.find_spec("threadpoolctl"):
        from threadpoolctl import threadpool_limits

        threadpool_limits(THREADS)  # for BLAS that was loaded before the environment was set


def _settle_torch(torch: Any, seed: int) -> None:
    torch.manual_seed(seed)
    torch.set_num_threads(THREADS)
    torch.use_deterministic_algorithms(True, warn_only=True)
    torch.utils.deterministic.fill_uninitialized_memory = False  # costs time, changes no result
    torch.backends.cudnn.benchmark = False


class _AfterImport(importlib.abc.MetaPathFinder):
    """Calls ``action(module, seed)`` once, right after the module ``name`` was imported."""

    def __init__(self, name: str, action: Any, seed: int) -> None:
        self.name, self.action, self.seed = name, action, seed
        self.asking = False

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname != self.name or self.asking:
            return None
        self.asking = True
        try:
            spec = importlib.util.find_spec(fullname)
        finally:
            self.asking = False
        if spec is None or spec.loader is None:
            return None
        load = spec.loader.exec_module

        def load_then_act(module: ModuleType) -> None:
            load(module)
            if self in sys.meta_path:  # looked up is not imported: stay until it is
                sys.meta_path.remove(self)
                self.action(module, self.seed)

        spec.loader.exec_module = load_then_act  # type: ignore[method-assign]
        return spec

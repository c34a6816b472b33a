"""What a model needs: its parameters counted, its time measured.

Times are of this machine, now, so only ratios of one :func:`measure` are worth saying: methods take
turns round by round in a random order, after a warm-up, with as many threads, on the same batch.
"""

import gc
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from helpers import UserError
from helpers.evaluation.intervals import Interval


@dataclass(frozen=True)
class Parameters:
    """How many numbers a model has.

    Attributes:
        vocabulary: of the word vectors.
        others: of everything else.
        zeros: how many of all are zero.
    """

    vocabulary: int
    others: int
    zeros: int

    @property
    def total(self) -> int:
        """All of them."""
        return self.vocabulary + self.others


def parameters(model: Any) -> Parameters:
    """Count a classifier's numbers.

    >>> from transformers import BertConfig, BertModel
    >>> from helpers.tasks.heads import MeanPooledClassifier
    >>> shape = {"vocab_size": 10, "hidden_size": 4, "num_hidden_layers": 0}
    >>> tiny = BertModel(BertConfig(num_attention_heads=1, max_position_embeddings=2, **shape))
    >>> parameters(MeanPooledClassifier(tiny, 2)).vocabulary
    40
    """
    words = model.backbone.get_input_embeddings().weight
    each = [p.detach() for p in model.parameters()]
    zeros = sum(int((p == 0).sum()) for p in each)
    return Parameters(words.numel(), sum(p.numel() for p in each) - words.numel(), zeros)


@dataclass(frozen=True)
class Latency:
    """How long a method takes for a batch, in seconds.

    Attributes:
        batch_size: texts in the batch.
        seconds: (rounds,) one time a round, warm-up left out.
    """

    batch_size: int
    seconds: np.ndarray

    @property
    def p50(self) -> float:
        """The median time."""
        return float(np.quantile(self.seconds, 0.5))

    @property
    def throughput(self) -> float:
        """Texts a second, all rounds together."""
        return self.batch_size * len(self.seconds) / float(self.seconds.sum())


def measure(
    methods: Mapping[str, Callable[[Any], Any]],
    batch: Any,
    *,
    rounds: int = 30,
    warmup: int = 3,
    threads: int = 1,
    seed: int = 0,
) -> dict[str, Latency]:
    """Time every method on the same batch, in turn.

    Args:
        methods: called with ``batch``; each computes the answer, nothing else.
        batch: ``input_ids`` (b, t) and what else the methods read.
        rounds: times each is called, in a new random order each round: drift hits all alike.
        warmup: rounds before, not counted.
        threads: of torch; onnxruntime's are set where the file is loaded.
        seed: of the orders.

    Raises:
        UserError: no method, or no round.
    """
    if not methods or rounds < 1 or warmup < 0:
        raise UserError("measure needs at least one method, one round and no negative warm-up.")
    rng = np.random.default_rng(seed)
    names = list(methods)
    taken: dict[str, list[float]] = {name: [] for name in names}
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    collecting = gc.isenabled()
    gc.disable()  # or the collector's pause would be counted as somebody's
    try:
        with torch.inference_mode():
            for turn in range(warmup + rounds):
                for name in rng.permutation(names):
                    start = time.perf_counter()
                    methods[name](batch)
                    if turn >= warmup:
                        taken[name].append(time.perf_counter() - start)
    finally:
        torch.set_num_threads(before)
        if collecting:
            gc.enable()
    size = len(batch["input_ids"])
    return {name: Latency(size, np.array(seconds)) for name, seconds in taken.items()}


def speedup(method: Latency, reference: Latency, resamples: int = 2000) -> Interval:
    """Return how many times faster ``method`` is than ``reference``: the ratio of their medians.

    With a 95 % interval: rounds are drawn again, both methods' times of a round together
    (percentile bootstrap, seed 0). It covers this machine at this hour, no other.

    Raises:
        UserError: not of the same rounds.
    """
    fast, slow = method.seconds, reference.seconds
    if fast.shape != slow.shape:
        raise UserError("Only methods of the same measurement can be compared, round by round.")
    drawn = np.random.default_rng(0).integers(0, len(fast), (resamples, len(fast)))
    ratios = np.median(slow[drawn], axis=1) / np.median(fast[drawn], axis=1)
    low, high = np.quantile(ratios, [0.025, 0.975])
    value = float(np.median(slow) / np.median(fast))
    return Interval(value, float(low), float(high), len(fast), 0.95, "bootstrap over rounds")


def answers(model: nn.Module) -> Callable[[Any], Any]:
    """Return the method of a torch classifier for :func:`measure`."""
    model.eval()
    return lambda batch: model(batch["input_ids"], batch["attention_mask"]).logits

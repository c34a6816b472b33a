"""The dear candidates: a pretrained network with its own classification head, trained.

All of its weights, or by choice those of LoRA alone, which are merged into it afterwards.
"""

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from transformers import AutoModelForSequenceClassification

from helpers.delivery import models, networks
from helpers.delivery.candidates import Labels, Setting
from helpers.delivery.clock import second_time
from helpers.sources.variants import variant
from helpers.sources.weights import check_positions, load_model, load_tokenizer
from helpers.training.loop import Row, train

RATES, LORA_RATES = ((5e-5, 1e-4, 3e-4), 2e-4), ((5e-4, 1e-3, 3e-3), 1e-3)
"""Peak step sizes to try, and the one that is taken where there is no time to try: of all weights,
and of LoRA's, which start from nothing and need larger ones."""

PLANS = ((3, 20), (2, 20), (2, 10), (2, 5), (1, 5), (1, 3), (1, 2), (1, 1))
"""How many step sizes to try, and epochs, from dear to cheap; the first that there is time for."""

MANY, MANY_TOKENS = 4000, 800
"""From so many labelled texts on a batch holds at least so many tokens, of at most 64 texts."""

LEAST_SHARE = 0.25
"""Of the labelled texts at least this share must be learned from once, or it is left out."""


class OutOfTime(Exception):
    """A training was not done by its deadline."""


class Tuning:
    """What all candidates share that train a network, by AdamW: it takes long, so it may be ended.

    Attributes:
        deadline: of the monotonic clock; a training that is not done by then ends in
            :class:`OutOfTime`. None: as long as it takes.
    """

    too_sure = True
    deadline: float | None = None

    def __init__(self, encoder: str, max_length: int, precision: str, device: torch.device) -> None:
        """Load the tokenizer of the model of that name.

        Raises:
            UserError: no such model.
        """
        self.encoder, self.max_length = encoder, max_length
        self.precision, self.device = precision, device
        self.tokenizer = load_tokenizer(variant(encoder).name)

    def train(self, network: Any, rows: Sequence[Row], steps: int, **options: Any) -> None:
        """Train a network in place, see :func:`helpers.training.loop.train`.

        Raises:
            OutOfTime: the deadline came first.
        """

        def look(_: Any) -> None:
            if self.deadline is not None and time.monotonic() > self.deadline:
                raise OutOfTime

        train(
            network, rows, steps=steps, seed=1, precision=self.precision, device=self.device,
            look_at=range(0, steps, 5), look=look, **options,
        )  # fmt: skip


class FullTuning(Tuning):
    """Fine-tuning of all weights, or of LoRA's, with the architecture's own classification head."""

    def __init__(
        self,
        encoder: str,
        max_length: int,
        precision: str,
        device: torch.device,
        lora_rank: int = 0,
    ) -> None:
        """Load the tokenizer of the model of that name.

        Args:
            encoder: a name; a causal model too.
            max_length: tokens kept of a text.
            precision: of the matrix products.
            device: where it is trained.
            lora_rank: of LoRA's matrices, which alone learn beside the head; 0: all weights learn.

        Raises:
            UserError: no such model.
        """
        super().__init__(encoder, max_length, precision, device)
        self.lora_rank = lora_rank
        self.rates, self.rate = LORA_RATES if lora_rank else RATES
        self.name = f"LoRA on {encoder}" if lora_rank else f"fine-tuned {encoder}"

    def fit(
        self, texts: Sequence[str], labels: Labels, n_classes: int, settings: Sequence[Setting]
    ) -> Sequence[models.Model]:
        """Train a network for each setting: "rate" (peak step size), "epochs", "temperature"."""
        rows = networks.training_rows(texts, self.tokenizer, self.max_length, labels.tolist())
        return [self._train(rows, n_classes, setting) for setting in settings]

    def plan(
        self, texts: Sequence[str], labels: Labels, n_classes: int, seconds: float, passes: float
    ) -> tuple[Sequence[Setting], int]:
        """Time a few steps; return the dearest of :data:`PLANS` that fits.

        ``passes`` counts one more training, the delivered one, which has one setting.
        """
        n = len(texts)
        each = self.seconds_a_text(texts, labels, n_classes)
        for tried, epochs in PLANS:
            rates = self.rates[-tried:] if tried > 1 else [self.rate]
            cost = n * each * epochs * ((passes - 1) * len(rates) + 1)
            if epochs <= most_epochs(n) and cost <= seconds:
                return [{"rate": rate, "epochs": epochs} for rate in rates], n
        most = int(seconds / each / passes)
        return [{"rate": self.rate, "epochs": 1}], most if most >= LEAST_SHARE * n else 0

    def seconds_a_text(self, texts: Sequence[str], labels: Labels, n_classes: int) -> float:
        """Return how long a step takes, by the text: the second of two short trainings."""
        few = np.random.default_rng(0).permutation(len(texts))[:128]
        rows = networks.training_rows(
            [texts[i] for i in few], self.tokenizer, self.max_length, labels[few].tolist()
        )
        trial = {"rate": 1e-5, "epochs": 1}
        return second_time(lambda: self._train(rows, n_classes, trial)) / len(rows)

    def _train(self, rows: Sequence[Any], n_classes: int, setting: Setting) -> networks.FineTuned:
        network = self._network(n_classes)
        mean = float(np.mean([len(ids) for ids, _ in rows]))
        budget = batch_tokens(mean, len(rows))
        steps = max(1, round(setting["epochs"] * len(rows) * mean / budget))
        learning = network
        if self.lora_rank:
            from helpers.transfer.adapters import add_lora  # peft takes seconds to import

            learning = add_lora(network, self.lora_rank, seed=1, task_type="SEQ_CLS")
        self.train(learning, rows, steps, learning_rate=setting["rate"], batch_tokens=budget)
        if self.lora_rank:
            network = learning.merge_and_unload()
        soften(network, setting.get("temperature", 1.0))
        return networks.FineTuned(network, self.tokenizer, self.max_length, self.precision)

    def _network(self, n_classes: int) -> Any:
        chosen = variant(self.encoder)
        tokenizer = self.tokenizer
        if tokenizer.pad_token is None:
            tokenizer.pad_token = tokenizer.eos_token
        network = load_model(
            chosen.name, AutoModelForSequenceClassification, pretrained=not chosen.random, seed=1,
            num_labels=n_classes, pad_token_id=tokenizer.pad_token_id, **chosen.config,
        )  # fmt: skip
        check_positions(network, self.max_length, self.encoder)
        return network


def batch_tokens(mean_length: float, n: int) -> int:
    """Return the tokens of a batch: about 16 texts of this length, or more of many short ones.

    A step moves all parameters once, which for 16 short texts costs more than reading them: with 15
    tokens a text a batch of 32 takes two thirds of the time a text, and where labels are many there
    are steps enough.

    >>> batch_tokens(20.0, n=500), batch_tokens(20.0, n=20_000), batch_tokens(80.0, n=20_000)
    (320, 800, 1280)
    """
    least = MANY_TOKENS if n >= MANY else 0
    return int(max(16 * mean_length, min(least, 64 * mean_length)))


def most_epochs(n: int) -> int:
    """Return how often n labelled texts are learned from, at most: the fewer, the more often.

    >>> [most_epochs(n) for n in (64, 1000, 5000, 100_000)]
    [20, 10, 5, 3]
    """
    return 20 if n < 500 else 10 if n < 2000 else 5 if n < 20_000 else 3


def softened(
    model: networks.FineTuned | networks.FrozenVectors, temperature: float
) -> models.Model:
    """Return a tuned model whose logits are divided by ``temperature``; its network may be changed.

    A class without labels keeps a logit so low that its probability is 0 all the same.
    """
    if isinstance(model, networks.FrozenVectors):
        return replace(model, linear=model.linear.softened(temperature))
    soften(model.network, temperature)
    return replace(model)  # anew: what it had worked out of its weights is out of date


@torch.no_grad()
def soften(network: Any, temperature: float) -> None:
    """Divide the logits of a classifier by ``temperature``, in the weights of its last layer.

    So any tool that reads the network gives the same, softened probabilities.
    """
    (*_, last) = [
        module
        for module in network.modules()
        if isinstance(module, torch.nn.Linear) and module.out_features == network.config.num_labels
    ]
    last.weight.div_(temperature)
    if last.bias is not None:
        last.bias.div_(temperature)

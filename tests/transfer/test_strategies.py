"""Invariants of every strategy: exactly what it declares changes, the rest stays bit for bit."""

import copy

import pytest
import torch
from datasets import Dataset
from transformers import BertConfig, BertModel

from helpers import UserError
from helpers.tasks.classification import MeanPooledClassifier, _DynamicPadding
from helpers.transfer import finetuning, strategies


def tiny(seed=0, n_classes=3):
    torch.manual_seed(seed)
    config = BertConfig(
        vocab_size=50,
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=32,
    )
    return MeanPooledClassifier(BertModel(config, add_pooling_layer=False), n_classes)


class PadsWithZero:
    """As much of a tokenizer as padding needs."""

    def pad(self, items, return_tensors):
        longest = max(len(one["input_ids"]) for one in items)
        return {
            key: torch.tensor([list(one[key]) + [0] * (longest - len(one[key])) for one in items])
            for key in items[0]
        }


class Batch(dict):
    def to(self, device):
        return Batch({key: value.to(device) for key, value in self.items()})


def collate(items):
    return Batch(_DynamicPadding(PadsWithZero())(items))


def items(n=12, seed=0):
    generator = torch.Generator().manual_seed(seed)
    labels = [i % 3 for i in range(n)]
    ids = [
        [1] + [10 * (label + 1) + int(torch.randint(0, 5, (1,), generator=generator))] * (2 + i % 4)
        for i, label in enumerate(labels)
    ]
    return Dataset.from_dict(
        {"input_ids": ids, "attention_mask": [[1] * len(one) for one in ids], "labels": labels}
    )


TRAINING = finetuning.Training(learning_rate=1e-3, batch_size=4, epochs=1)


@pytest.mark.parametrize("strategy", strategies.STRATEGIES.values(), ids=lambda one: one.name)
def test_exactly_the_declared_parameters_change(strategy):
    model = tiny()
    before = copy.deepcopy(model.state_dict())
    finetuning.fine_tune(model, items(), collate, strategy, TRAINING, seed=0)
    changed = {name for name, value in model.state_dict().items() if not value.equal(before[name])}
    unused = {"backbone.embeddings.token_type_embeddings.weight"}  # row 1 is never looked up
    declared = {name for name, _ in model.named_parameters() if strategy.learns(name)}
    assert changed <= declared
    assert declared - changed <= unused


@pytest.mark.parametrize("strategy", strategies.STRATEGIES.values(), ids=lambda one: one.name)
def test_equal_seeds_give_equal_results_and_other_seeds_do_not(strategy):
    logits = []
    for seed in (3, 3, 4):
        model = tiny()
        finetuning.fine_tune(model, items(), collate, strategy, TRAINING, seed=seed)
        logits.append(finetuning.predict(model, items(), collate))
    assert (logits[0] == logits[1]).all()
    assert (logits[0] != logits[2]).any()


@pytest.mark.parametrize("strategy", strategies.STRATEGIES.values(), ids=lambda one: one.name)
def test_training_lowers_the_loss_of_the_batch_trained_on(strategy):
    model, batch = tiny(), collate(items(4).to_list())
    training = finetuning.Training(learning_rate=1e-2, batch_size=4, epochs=10)
    with torch.inference_mode():
        before = model.eval()(**batch).loss
        finetuning_items = items(4)
    finetuning.fine_tune(model, finetuning_items, collate, strategy, training, seed=0)
    with torch.inference_mode():
        assert model(**batch).loss < before


@pytest.mark.parametrize("strategy", strategies.STRATEGIES.values(), ids=lambda one: one.name)
def test_save_and_load_give_the_same_logits(strategy, tmp_path):
    model = tiny()
    finetuning.fine_tune(model, items(), collate, strategy, TRAINING, seed=0)
    model.save(tmp_path)
    again = MeanPooledClassifier.load(tmp_path)
    expected = finetuning.predict(model, items(), collate)
    assert (finetuning.predict(again, items(), collate) == expected).all()
    assert not list(tmp_path.glob("*.bin")) and list(tmp_path.glob("*.safetensors"))


def test_an_unknown_strategy_is_refused_with_the_nearest_name():
    with pytest.raises(UserError, match=r"There is no strategy 'ful'\. Did you mean 'full'\?"):
        strategies.get("ful")


def test_a_model_without_a_head_is_refused():
    with pytest.raises(UserError, match="'linear_probe' finds nothing to train in Linear"):
        strategies.LINEAR_PROBE.apply(torch.nn.Linear(2, 2))

"""Arms that are strategies of fine-tuning: what changes in them, and what they cost."""

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from transformers import GPT2Config, GPT2Model

from helpers import UserError
from helpers.tasks.heads import MeanPooledClassifier
from helpers.training import loop
from helpers.training.costs import training_flops
from helpers.transfer import strategies as known
from helpers.trials import inputs, networks, strategies
from helpers.trials.arms import run
from helpers.trials.tasks.classification import BY_STRATEGY
from helpers.trials.upper import kept_below
from tests import tiny_bert
from tests.trials import tiny

SETTING = tiny.NETWORK | {"steps": 12}
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A corpus, and a BERT of two layers."""
    folder = tmp_path_factory.mktemp("strategies")
    model = tiny.write_model(folder, layers=2)
    return tiny.write_corpus(folder), model, folder / "inputs"


def trial_of(place, arm, **changes):
    corpus, model, _ = place
    setting = SETTING | ({"regularization": 1.0} if arm == "two_phase" else {}) | changes
    (trial,) = tiny.trials(corpus, model, arm, draws=[0], setting=setting)
    options = trial.options | {"precision": "float32"}
    return replace(trial, setting=tuple(options.items()))


def outcome_of(place, arm, **changes):
    trial = trial_of(place, arm, **changes)
    read = inputs.inputs_for(trial, place[2])
    return run(trial, read, {place[1]: {"folder": place[1]}}, CPU)


def spied(monkeypatch):
    """Return the list that every trained model is put into, as it was before and is afterwards."""
    kept = []
    genuine = loop.train

    def train(model, rows, **how):
        before = {name: p.detach().clone() for name, p in model.named_parameters()}
        done = genuine(model, rows, **how)
        kept.append((before, dict(model.named_parameters()), how))
        return done

    monkeypatch.setattr(strategies, "train", train)
    return kept


UNUSED = ("pooler", "token_type")
DECLARED = {
    "two_phase": lambda name: True,
    "top_layer": lambda name: "layer.0" in name or "head" in name,  # of the one layer that is left
    "lora": lambda name: "lora_" in name or "head" in name,
    "adapter": lambda name: "adapters" in name or "head" in name,
    "bitfit": lambda name: name.endswith("bias") or "head" in name,
    "discriminative_rates": lambda name: True,
    "mixout": lambda name: True,
}


@pytest.mark.parametrize("arm", BY_STRATEGY)
def test_exactly_the_declared_parameters_change(place, arm, monkeypatch):
    kept = spied(monkeypatch)
    outcome = outcome_of(place, arm)
    ((before, after, _),) = kept
    changed = {name for name, p in after.items() if not torch.equal(p, before[name])}
    declared = {name for name in after if DECLARED[arm](name)}
    assert changed <= declared
    assert all(any(part in name for part in UNUSED) for name in declared - changed)
    learned = {name for name in declared if arm != "top_layer" or "pooler" not in name}
    assert outcome.cost["trained_parameters"] == sum(after[name].numel() for name in learned)


@pytest.mark.parametrize("arm", BY_STRATEGY)
def test_each_learns_its_texts_and_says_what_it_cost(place, arm):
    outcome = outcome_of(place, arm, steps=60, learning_rate=0.01)
    loss = outcome.curve["training_loss"]
    assert loss[-1] < loss[0]
    assert outcome.cost["steps"] == 60
    assert outcome.curve["step"][-1] == 60
    assert outcome.cost["flops"] > 0


@pytest.mark.parametrize("arm", ["lora", "adapter", "mixout", "bitfit", "discriminative_rates"])
def test_before_training_each_says_what_the_network_says(place, arm):
    plain, other = (outcome_of(place, name).curve for name in ("fine_tuned", arm))
    for measure in ("training_loss", "validation_loss"):
        assert other[measure][0] == pytest.approx(plain[measure][0], abs=1e-6)


def test_two_phases_cost_what_one_costs(place):
    one, two = (outcome_of(place, arm, steps=60).cost for arm in ("fine_tuned", "two_phase"))
    assert two["steps"] == one["steps"]
    assert two["flops"] == pytest.approx(one["flops"], rel=0.03)


def test_the_first_phase_is_a_head_on_frozen_features(place, monkeypatch):
    kept = spied(monkeypatch)
    outcome = outcome_of(place, "two_phase")
    ((before, _, how),) = kept
    model = networks.build(
        trial_of(place, "two_phase"),
        inputs.inputs_for(trial_of(place, "two_phase"), place[2]),
        {place[1]: {"folder": place[1]}},
        pretrained=True,
    )
    start = dict(model.named_parameters())
    assert {name for name in start if not torch.equal(start[name], before[name])} == {
        "head.weight",
        "head.bias",
    }
    assert how["steps"] == 11  # one of the twelve is what reading the texts once costs
    assert outcome.curve["step"][0] == 1
    assert outcome.curve["training_loss"][0] < outcome_of(place, "fine_tuned").curve[
        "training_loss"
    ][0]  # fmt: skip


def test_rates_fall_from_the_head_down(place, monkeypatch):
    kept = spied(monkeypatch)
    outcome_of(place, "discriminative_rates")
    rate_of = kept[0][2]["rate_of"]
    assert rate_of("head.weight") == 1.0
    assert rate_of("backbone.encoder.layer.1.output.dense.weight") == pytest.approx(0.8)
    assert rate_of("backbone.embeddings.word_embeddings.weight") == pytest.approx(0.8**3)


def bert(layers=3):
    model = MeanPooledClassifier(tiny_bert.bert(num_hidden_layers=layers, dropout=0.0), 3)
    model.dropout.p = 0.0
    return model


def rows(n=12, seed=0):
    generator = np.random.default_rng(seed)
    return [
        (generator.integers(3, 50, 2 + i % 5), np.array(i % 3, dtype=np.int32)) for i in range(n)
    ]


@pytest.mark.parametrize("upper", [1, 2])
def test_kept_vectors_give_what_the_whole_network_gives(upper):
    """Trained on kept vectors or through all layers: the same network comes out."""
    whole, short = bert(), bert()
    strategy = known.top(whole, upper)
    how = {"steps": 8, "learning_rate": 1e-2, "batch_tokens": 16, "seed": 3}
    names = strategy.apply(whole)
    before = {name: p.detach().clone() for name, p in whole.named_parameters()}
    loop.train(whole, rows(), **how)
    with kept_below(short, upper, {"seen": rows()}) as places:
        assert [len(ids) for ids, _ in places["seen"]] == [len(ids) for ids, _ in rows()]
        known.top(short, upper).apply(short)
        loop.train(short, places["seen"], **how)
    other = rows(7, seed=9)
    np.testing.assert_allclose(loop.read(short, other), loop.read(whole, other), atol=2e-5)
    for (name, mine), theirs in zip(short.named_parameters(), whole.parameters(), strict=True):
        torch.testing.assert_close(mine, theirs, atol=2e-5, rtol=1e-4)
        assert torch.equal(theirs, before[name]) == (name not in names)


def test_a_network_is_whole_again_after_an_error():
    model = bert()
    wanted = loop.read(model, rows())
    with pytest.raises(RuntimeError), kept_below(model, 1, {"seen": rows()}):
        raise RuntimeError
    np.testing.assert_array_equal(loop.read(model, rows()), wanted)


@pytest.mark.parametrize("upper", [0, 3, 4])
def test_as_many_layers_as_there_are_cannot_stand_on_kept_ones(upper):
    sentence = f"Of 3 layers, the last {upper} cannot learn above kept ones; write a number from 1"
    with pytest.raises(UserError, match=sentence), kept_below(bert(), upper, {}):
        pass


def test_another_architecture_is_one_sentence():
    config = GPT2Config(n_layer=2, n_embd=8, n_head=2, vocab_size=9)
    model = MeanPooledClassifier(GPT2Model(config), 2)
    with pytest.raises(UserError, match=r"lower layers of GPT2Model cannot be read once and kept"):  # noqa: SIM117
        with kept_below(model, 1, {}):
            pass


def test_operations_are_those_of_a_whole_training_where_everything_learns():
    model = bert()
    assert strategies.operations(model, 7) == training_flops(model, 7)
    model.requires_grad_(False)
    assert strategies.operations(model, 7) == training_flops(model, 7) / 3
    model.backbone.encoder.layer[-1].requires_grad_(True)
    share = strategies.operations(model, 7) / training_flops(model, 7)
    assert 1 / 3 < share < 2 / 3  # a third to read it all, two thirds of the last of three layers


def test_a_worker_runs_them_without_what_a_bare_machine_lacks():
    code = (
        "import sys, helpers.trials.arms;"
        "print(sorted({'pydantic', 'datasets', 'peft', 'sklearn'} & {*sys.modules}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"

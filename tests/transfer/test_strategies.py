"""What strategies declare: names, numbers, stages, places of parameters, step sizes of layers."""

import re

import pytest
import torch
from datasets import Dataset
from transformers import (
    GPT2Config,
    GPT2Model,
    ModernBertConfig,
    ModernBertModel,
    TrainerCallback,
)

from helpers import UserError
from helpers.tasks.classification import MeanPooledClassifier, _DynamicPadding
from helpers.transfer import finetuning, strategies
from tests.tiny_bert import bert


def tiny(seed=0, n_classes=3):
    return MeanPooledClassifier(bert(seed=seed), n_classes)


def tiny_gpt2(n_layer=2):
    torch.manual_seed(0)
    shape = {"vocab_size": 50, "n_positions": 32, "bos_token_id": 0, "eos_token_id": 0}
    return MeanPooledClassifier(
        GPT2Model(GPT2Config(n_embd=16, n_layer=n_layer, n_head=2, **shape)), 3
    )


MODELS = pytest.mark.parametrize("make", [tiny, tiny_gpt2], ids=["bert", "gpt2"])


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


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("ful", "There is no strategy 'ful'. Did you mean 'full'?"),
        ("zzz", "There is no strategy 'zzz'. Known: adapter, bitfit, discriminative_rates, "),
        ("full:2", "Strategy 'full' takes no number; write 'full', not 'full:2'."),
        ("joint_tuned:1", "takes no number; write 'joint_tuned', not 'joint_tuned:1'."),
        ("two_phase:", "takes no number; write 'two_phase', not 'two_phase:'."),
        (
            "lora:0",
            "'lora:0': what stands after the colon is the rank, a whole number from 1 to 1024, "
            "not '0'.",
        ),
        ("lora:2.5", "is the rank, a whole number from 1 to 1024, not '2.5'."),
        ("adapter:5000", "width of the bottleneck, a whole number from 1 to 4096, not '5000'."),
        ("gradual_unfreezing:0", "layers that are unfrozen, a whole number from 1 to 1000, not"),
        ("gradual_unfreezing:inf", "a whole number from 1 to 1000, not 'inf'."),
        ("mixout:1", "is the share of weights put back, a number from 0 to 0.99, not '1'."),
        ("dropconnect:-0.1", "is the share of weights dropped, a number from 0 to 0.99, not"),
        ("discriminative_rates:0", "share of the layer above, a number from 0.01 to 1, not '0'."),
        ("domain_adaptive_pretraining:1", "cost for reading, a number from 0.01 to 0.99, not '1'."),
        ("joint:-1", "is the λ, a number from 0 to 1e+06, not '-1'."),
        ("joint_scheduled:inf", "is the largest λ, a number from 0 to 1e+06, not 'inf'."),
        ("r_drop:nan", "weight of the disagreement, a number from 0 to 1e+06, not 'nan'."),
        ("joint:", "is the λ, a number from 0 to 1e+06, not ''."),
        ("joint:much", "is the λ, a number from 0 to 1e+06, not 'much'."),
    ],
)
def test_a_name_or_number_that_is_wrong_is_a_sentence(text, sentence):
    with pytest.raises(UserError, match=re.escape(sentence)):
        strategies.get(text)


@pytest.mark.parametrize(
    "text", ["lora:1024", "adapter:1", "mixout:0", "joint:0", "r_drop:1e6", "lora:4.0"]
)
def test_a_number_at_the_edge_of_its_range_is_taken(text):
    plain, given = strategies.get(text.partition(":")[0]), strategies.get(text)
    assert given.amount == float(text.partition(":")[2]) != plain.amount
    assert (given.name, given.put_in, given.objective) == (text, plain.put_in, plain.objective)


def test_the_number_of_discriminative_rates_is_the_decay_and_of_no_other():
    assert strategies.get("discriminative_rates").decay == 0.8
    assert strategies.get("discriminative_rates:0.5").decay == 0.5
    assert {one.decay for one in strategies.STRATEGIES.values() if "rates" not in one.name} == {1.0}


def stages(make, text):
    """Shares, objectives, and for each stage which places learn: 0 embeddings, 3 the head."""
    model, strategy = make(), strategies.get(text)
    told = []
    for share, stage in strategy.stages(model):
        names = stage.apply(model)
        places = {strategies.depth(name, 2) for name in names}
        of_places = [n for n, _ in model.named_parameters() if strategies.depth(n, 2) in places]
        told.append((share, stage.objective.name, places))
        if stage.name != "linear_probe":
            assert names == of_places  # whole layers, not parts of them
    return told


HEAD = (0.0, "task", {3})


@MODELS
def test_one_stage_where_there_is_no_course(make):
    for strategy in strategies.STRATEGIES.values():
        if strategy.course is None:
            assert strategy.stages(make()) == [(1.0, strategy)]
    courses = {one.name for one in strategies.STRATEGIES.values() if one.course is not None}
    assert courses == {"two_phase", "gradual_unfreezing", "domain_adaptive_pretraining"}


@MODELS
def test_stages_of_the_preliminary_and_refined_phase(make):
    assert stages(make, "two_phase") == [HEAD, (1.0, "task", {0, 1, 2, 3})]


@MODELS
def test_stages_of_gradual_unfreezing(make):
    everything = {0, 1, 2, 3}
    assert stages(make, "gradual_unfreezing") == [
        HEAD, (0.5, "task", {2, 3}), (0.5, "task", everything),
    ]  # fmt: skip
    assert stages(make, "gradual_unfreezing:2") == stages(make, "gradual_unfreezing")
    assert stages(make, "gradual_unfreezing:1") == [HEAD, (1.0, "task", {2, 3})]


@MODELS
def test_stages_of_reading_first(make):
    both = [("masked words", {0, 1, 2, 3}), ("task", {0, 1, 2, 3})]
    for text, share in (("", 0.5), (":0.2", 0.2)):
        told = stages(make, "domain_adaptive_pretraining" + text)
        assert [one[1:] for one in told] == both
        assert [one[0] for one in told] == pytest.approx([share, 1 - share])


def test_the_frozen_stage_learns_the_head_alone():
    for make in (tiny, tiny_gpt2):
        assert strategies.LINEAR_PROBE.apply(make()) == ["head.weight", "head.bias"]


BERT_PLACES = {
    "backbone.embeddings.word_embeddings.weight": 0,
    "backbone.embeddings.LayerNorm.bias": 0,
    "backbone.encoder.layer.0.attention.self.query.weight": 1,
    "backbone.encoder.layer.0.output.LayerNorm.weight": 1,
    "backbone.encoder.layer.1.output.dense.bias": 2,
    "head.weight": 3,
}
GPT2_PLACES = {
    "backbone.wte.weight": 0,
    "backbone.wpe.weight": 0,
    "backbone.h.0.ln_1.weight": 1,
    "backbone.h.1.mlp.c_proj.bias": 2,
    "backbone.ln_f.weight": 3,
    "head.bias": 3,
}
WITH_ADDITIONS = {
    "backbone.base_model.model.encoder.layer.1.attention.self.query.lora_A.default.weight": 2,
    "backbone.encoder.layer.0.output.dense.parametrizations.weight.original": 1,
    "adapters.1.down.weight": 2,
    "source_model.head.weight": 3,
}


@pytest.mark.parametrize(
    ("make", "places"), [(tiny, BERT_PLACES), (tiny_gpt2, GPT2_PLACES)], ids=["bert", "gpt2"]
)
def test_where_a_parameter_lies(make, places):
    model = make()
    assert strategies.layers_of(model) == 2
    assert places.keys() <= dict(model.named_parameters()).keys()
    assert {name: strategies.depth(name, 2) for name in places} == places
    assert {name: strategies.depth(name, 2) for name in WITH_ADDITIONS} == WITH_ADDITIONS


def test_the_norm_after_the_embeddings_is_not_the_one_after_the_layers():
    config = ModernBertConfig(
        vocab_size=9, hidden_size=8, num_hidden_layers=2, num_attention_heads=2,
        intermediate_size=8, pad_token_id=0, bos_token_id=1, eos_token_id=2,
        cls_token_id=1, sep_token_id=2,
    )  # fmt: skip
    names = strategies.top(ModernBertModel(config)).apply(ModernBertModel(config))
    assert "final_norm.weight" in names
    assert not [name for name in names if "embeddings" in name or "layers.0." in name]


def test_layers_are_counted_by_their_numbers():
    assert strategies.layers_of(tiny_gpt2(n_layer=11)) == 11
    assert strategies.layers_of(torch.nn.Linear(2, 2)) == 0


@MODELS
@pytest.mark.parametrize("layers", [0, 3])
def test_more_layers_than_there_are_cannot_learn(make, layers):
    with pytest.raises(UserError, match=f"has 2 layers; the top {layers} of them cannot learn"):
        strategies.top(make(), layers)


def test_too_many_layers_are_refused_by_the_number_asked_for():
    with pytest.raises(UserError, match="has 2 layers; the top 9 of them cannot learn"):
        strategies.get("gradual_unfreezing:9").stages(tiny())


def test_the_top_may_be_part_of_another_strategy():
    model = tiny()
    biases = strategies.top(model, 1, within=strategies.get("bitfit")).apply(model)
    assert "backbone.encoder.layer.1.output.dense.bias" in biases
    assert all(name.endswith("bias") or name == "head.weight" for name in biases)
    assert not [name for name in biases if "layer.0" in name or "embeddings" in name]


class Groups(TrainerCallback):
    """Keeps the step sizes that the optimizer is given, by the parameter."""

    def on_train_begin(self, args, state, control, optimizer=None, **_):
        self.kept = {
            id(parameter): (group["initial_lr"], group["weight_decay"])
            for group in optimizer.param_groups
            for parameter in group["params"]
        }


@MODELS
def test_each_layer_has_the_step_size_that_its_place_gives(make):
    model, seen = make(), Groups()
    places = BERT_PLACES if make is tiny else GPT2_PLACES
    strategy = strategies.get("discriminative_rates:0.5")
    finetuning.fine_tune(model, items(), collate, strategy, TRAINING, seed=0, callbacks=[seen])
    parameters = dict(model.named_parameters())
    assert seen.kept.keys() == set(map(id, parameters.values()))
    for name, place in places.items():
        rate, _ = seen.kept[id(parameters[name])]
        assert rate == pytest.approx(1e-3 * 0.5 ** (3 - place))


@MODELS
def test_rates_of_layers_are_all_that_differs_from_full(make):
    pulled = []
    for text in ("full", "discriminative_rates"):
        model, seen = make(), Groups()
        strategy = strategies.get(text)
        finetuning.fine_tune(model, items(), collate, strategy, TRAINING, seed=0, callbacks=[seen])
        pulled.append({name: seen.kept[id(p)][1] for name, p in model.named_parameters()})
    assert pulled[0] == pulled[1]
    assert set(pulled[0].values()) == {0.0, 0.01}


@MODELS
def test_the_first_step_moves_each_layer_by_its_step_size(make):
    model, before = make(), dict(make().named_parameters())
    once = finetuning.Training(learning_rate=1e-3, batch_size=12, epochs=1, max_steps=1)
    strategy = strategies.get("discriminative_rates:0.5")
    finetuning.fine_tune(model, items(), collate, strategy, once, seed=0)
    places = BERT_PLACES if make is tiny else GPT2_PLACES
    for name, parameter in model.named_parameters():
        if name in places:  # AdamW's first step is the step size wherever there is a gradient
            moved = (parameter - before[name]).abs().max().item()
            assert moved == pytest.approx(1e-3 * 0.5 ** (3 - places[name]), rel=0.02)


def test_one_step_size_for_all_and_one_for_each_layer_do_not_go_together():
    muon = finetuning.Training(optimizer="muon")
    strategy = strategies.get("discriminative_rates")
    with pytest.raises(UserError, match=r"needs a step size per layer.*take optimizer=adamw"):
        finetuning.fine_tune(tiny(), items(), collate, strategy, muon, seed=0)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("linear_probe", "'linear_probe' finds nothing to train in Linear: no parameter name"),
        ("lora:4", r"'lora:4' finds nothing to train in Linear; put adapters in first \(add_lora"),
        ("ia3", r"'ia3' finds nothing to train in Linear\.$"),
    ],
)
def test_a_model_in_which_nothing_would_learn_is_refused(text, sentence):
    with pytest.raises(UserError, match=sentence):
        strategies.get(text).apply(torch.nn.Linear(2, 2))

"""Carrying out a strategy: refusals before any work, what each stage leaves, steps for a budget."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from datasets import ClassLabel, Dataset
from transformers import FNetConfig, FNetModel

from helpers import UserError
from helpers.transfer import finetuning, joint, strategies, tuning
from tests.transfer.test_invariants import effort, logits


def run(target, name, train=None, **settings):
    train = target.task.items("train") if train is None else train
    allowed = effort(target, **settings)
    return tuning.tune(target, strategies.get(name), train, allowed, seed=0, device="cpu")


class StopHere(Exception):
    """The training that was asked for begins."""


@pytest.fixture
def stages(monkeypatch):
    """For each training that begins: net and items; after ``stop_at`` of them it stops."""

    class Watch(list):
        stop_at = 99

    seen, go_on = Watch(), finetuning.fine_tune

    def watched(net, items, *arguments, **named):
        state = {name: p.detach().clone() for name, p in net.named_parameters()}
        seen.append((net, items, state))
        if len(seen) == seen.stop_at:
            raise StopHere
        return go_on(net, items, *arguments, **named)

    monkeypatch.setattr(finetuning, "fine_tune", watched)
    return seen


def refused(target, name, sentence, stages):
    with pytest.raises(UserError, match=sentence):
        run(target, name)
    assert not stages  # before any training


def test_a_source_of_texts_longer_than_the_model_is_refused(target, stages):
    long = replace(target, source=replace(target.source, max_length=400))
    refused(long, "joint", "The source's max_length 400 is more than 40 positions", stages)


@pytest.mark.parametrize("name", ["joint", "joint_scheduled:3", "joint_tuned"])
def test_a_joint_strategy_without_a_source_is_refused(target, stages, name):
    sentence = f"Strategy '{name}' needs a labelled source beside the target: name one as source"
    refused(replace(target, source=None), name, sentence, stages)


def test_reading_without_texts_is_refused(target, stages):
    name = "domain_adaptive_pretraining"
    sentence = f"Strategy '{name}' needs unlabelled texts of the target"
    refused(replace(target, unlabelled=None), name, sentence, stages)
    none = target.unlabelled.select([])
    refused(replace(target, unlabelled=none), name + ":0.2", "needs unlabelled texts", stages)


def test_more_layers_than_there_are_are_refused(target, stages):
    sentence = "MeanPooledClassifier has 2 layers; the top 9 of them cannot learn"
    refused(target, "gradual_unfreezing:9", sentence, stages)


@pytest.mark.parametrize(("name", "method"), [("lora", "LoRA"), ("ia3:", ""), ("ia3", r"\(IA\)³")])
def test_an_architecture_that_an_adapter_does_not_know_is_refused(
    target, stages, tmp_path, name, method
):
    shape = {"hidden_size": 8, "num_hidden_layers": 1, "intermediate_size": 8}
    FNetModel(FNetConfig(vocab_size=400, max_position_embeddings=40, **shape)).save_pretrained(
        tmp_path
    )
    target.tokenizer.save_pretrained(tmp_path)
    unknown = replace(target, model=str(tmp_path))
    sentence = rf"^{method} does not know the attention of FNetModel \(model_type 'fnet'\)"
    refused(unknown, name, "takes no number" if name.endswith(":") else sentence, stages)


def test_checking_passes_what_can_be_done(target):
    for strategy in strategies.STRATEGIES.values():
        target.check(strategy)
    target.check(strategies.get("gradual_unfreezing:2"))
    replace(target, source=None, unlabelled=None).check(strategies.FULL)


def test_a_linear_probe_is_a_probe_fitted_to_features(target):
    train = target.task.items("train", 12)
    done = run(target, "linear_probe", train)
    model = target.task.build_model(target.model, pretrained=True, seed=0)
    rows, collator = (
        target.task.encode(train, target.tokenizer),
        target.task.collator(target.tokenizer),
    )
    features = finetuning.extract_features(model, rows, collator, device="cpu")
    finetuning.fit_probe(model, features, np.array(train["label"]), regularization=100.0)
    np.testing.assert_array_equal(logits(target, done.model), logits(target, model))
    assert (done.steps, len(done.losses)) == ((0,), 0)
    assert done.tokens == sum(map(len, rows["input_ids"]))


def test_the_regularization_is_that_of_the_effort(target):
    heads = []
    for strength in (0.01, 100.0):
        allowed = replace(effort(target), regularization=strength)
        train = target.task.items("train")
        done = tuning.tune(target, strategies.LINEAR_PROBE, train, allowed, seed=0, device="cpu")
        heads.append(done.model.head.weight.norm())
    assert heads[0] < heads[1]


def unchanged(before, after):
    """Names of the backbone's parameters that are what they were."""
    names = [name for name in before if name.startswith("backbone.")]
    return [name for name in names if torch.equal(before[name], after[name])], names


@pytest.mark.parametrize("name", ["two_phase", "gradual_unfreezing"])
def test_the_first_phase_leaves_the_encoder_bit_identical(target, stages, name):
    stages.stop_at = 1
    with pytest.raises(StopHere):
        run(target, name)
    start = dict(tuning.prepare(target, strategies.get(name), seed=0).named_parameters())
    _, _, state = stages[0]
    same, names = unchanged(start, state)
    assert same == names
    probe = run(target, "linear_probe").model
    assert torch.equal(state["head.weight"], probe.head.weight)
    assert not torch.equal(state["head.weight"], start["head.weight"])


def test_gradual_unfreezing_reaches_the_bottom_last(target, stages):
    done = run(target, "gradual_unfreezing")
    (_, _, first), (_, _, second) = stages
    same, names = unchanged(first, second)
    still = [name for name in names if strategies.depth(name, 2) < 2]
    assert set(still) <= set(same) < set(names)
    end = {name: p.detach() for name, p in done.model.named_parameters()}
    assert len(unchanged(second, end)[0]) < 4  # what mean pooling and short texts do not use


def test_reading_without_labels_changes_the_encoder_and_the_head_alone_waits(target, stages):
    stages.stop_at = 2
    with pytest.raises(StopHere):
        run(target, "domain_adaptive_pretraining")
    strategy = strategies.get("domain_adaptive_pretraining")
    start = dict(tuning.prepare(target, strategy, seed=0).named_parameters())
    (reader, texts, _), (net, rows, state) = stages
    assert type(reader).__name__ in ("BertForMaskedLM", "GPT2LMHeadModel")
    assert len(unchanged(start, state)[0]) < 4
    assert torch.equal(state["head.weight"], start["head.weight"])
    assert reader.base_model is net.backbone
    assert list(texts["input_ids"]) == list(rows["input_ids"])  # as the task encodes them


def test_reading_needs_no_labels_and_looks_at_none(target):
    bare = replace(target, unlabelled=target.unlabelled.remove_columns("label"))
    name = "domain_adaptive_pretraining"
    with_labels, without = (logits(target, run(one, name).model) for one in (target, bare))
    np.testing.assert_array_equal(with_labels, without)


def test_reading_short_texts_never_has_a_step_without_a_word(target):
    short = Dataset.from_dict({"text": ["port", "bank"] * 6})
    name = "domain_adaptive_pretraining:0.9"
    allowed = replace(effort(target, steps=6.0), batch_size=1)
    train = target.task.items("train", 6)
    done = tuning.tune(
        replace(target, unlabelled=short), strategies.get(name), train, allowed,
        seed=0, device="cpu",
    )  # fmt: skip
    assert done.steps[0] > 15
    assert (done.losses > 0).all()


@pytest.mark.parametrize("name", ["joint", "joint_scheduled", "joint_tuned"])
def test_the_head_of_the_source_is_gone_in_the_end(target, stages, name):
    done = run(target, name)
    plain = tuning.prepare(target, strategies.FULL, seed=0)
    assert [n for n, _ in done.model.named_modules()] == [n for n, _ in plain.named_modules()]
    assert done.model.head.weight.shape == (3, 32)
    ((net, _, before),) = stages
    assert net.source_model.head.weight.shape == (2, 32)
    assert not torch.equal(net.source_model.head.weight, before["source_model.head.weight"])
    assert net.source_model.backbone is done.model.backbone


def few(target):
    """Three labelled texts, each of another length."""
    texts = ["wheat", "bank loan interest number", "ship port cargo number 1 2 3 4 5"]
    rows = Dataset.from_dict({"text": texts, "label": [0, 1, 2]})
    return rows.cast_column("label", ClassLabel(names=target.task.corpus.label_names))


def test_few_labelled_texts_meet_every_text_of_the_source(target, stages):
    stages.stop_at = 1
    with pytest.raises(StopHere):
        run(target, "joint", few(target))
    ((_, pairs, _),) = stages
    source = target.source.encode(target.source.items("train"), target.tokenizer)
    assert sorted(pairs["source_input_ids"]) == sorted(source["input_ids"])
    counts = [list(pairs["labels"]).count(label) for label in range(3)]
    assert counts == [8, 8, 8]
    with pytest.raises(StopHere):
        stages.clear()
        run(replace(target, source_items=5), "joint", few(target))
    assert len(stages[0][1]) == 5


def test_copies_of_a_text_do_not_fill_whole_batches(target, monkeypatch):
    batches, go_on = [], joint.PairCollator.__call__

    def watched(collator, pairs):
        batches.append({tuple(pair["input_ids"]) for pair in pairs})
        return go_on(collator, pairs)

    monkeypatch.setattr(joint.PairCollator, "__call__", watched)
    allowed = replace(effort(target, steps=40.0), batch_size=2)
    tuning.tune(target, strategies.get("joint"), few(target), allowed, seed=0, device="cpu")
    different = np.mean([len(one) == 2 for one in batches[1:]])
    assert len(batches) > 30
    assert different > 0.5  # two of three texts, drawn at random: 2/3


@pytest.fixture
def planned(target, monkeypatch):
    """Gives the steps of a strategy without taking them."""
    nothing = finetuning.Tuned(np.ones(1), 0, 0, 0.0)
    monkeypatch.setattr(finetuning, "fine_tune", lambda *_, **__: nothing)
    return lambda name, steps: run(target, name, steps=steps).steps


@pytest.mark.parametrize("name", ["full", "r_drop", "joint", "gradual_unfreezing"])
def test_half_the_cost_is_half_the_steps(planned, name):
    whole, half = sum(planned(name, 160.0)), sum(planned(name, 80.0))
    assert abs(whole - 2 * half) < 0.02 * whole


def test_a_step_of_full_is_the_unit_of_the_cost(planned):
    for name in ("full", "from_scratch", "discriminative_rates"):
        assert planned(name, 7.0) == (7,)


def test_what_costs_more_a_step_takes_fewer(planned):
    assert planned("r_drop", 100.0) == (50,)  # two passes
    assert 45 <= planned("joint", 100.0)[0] <= 55  # as many source texts as target texts
    probe, rest = planned("two_phase", 100.0)
    assert probe == 0 and 96 <= rest < 100  # the features cost forward passes, of 24 texts
    _, top, everything = planned("gradual_unfreezing", 100.0)
    assert everything == pytest.approx(rest / 2, abs=1)
    assert top > 1.2 * everything  # the way down to the bottom is saved
    assert planned("gradual_unfreezing:1", 100.0)[1] == pytest.approx(2 * top, abs=1)
    assert planned("lora", 100.0)[0] > 110  # frozen matrices get no gradient
    reading, labels = planned("domain_adaptive_pretraining:0.8", 100.0)
    assert labels == 20
    assert reading < 80  # the output matrix over all words


def test_no_cost_is_too_small_for_one_step(planned):
    assert planned("two_phase", 0.01) == (0, 1)
    assert planned("full", 0.01) == (1,)


def test_a_cost_in_seconds_counts_in_place_of_operations(target, planned, monkeypatch):
    monkeypatch.setattr(tuning.step_costs, "step_seconds", lambda net, batch, device: 200.0)
    allowed = replace(effort(target, steps=3.0), seconds=2000.0)
    train = target.task.items("train")
    for name, steps in (("full", (10,)), ("two_phase", (0, 10)), ("linear_probe", (0,))):
        done = tuning.tune(target, strategies.get(name), train, allowed, seed=0, device="cpu")
        assert done.steps == steps
    assert tuning.full_step(target, train, 4, "seconds", "cpu") == 200.0


@pytest.mark.parametrize("n", [6, 9])
def test_the_cost_told_is_that_of_the_tokens_seen(target, n):
    """With batches of 4, six or nine texts leave a last one that is not full."""
    train = target.task.items("train", n)
    done = run(target, "full", train, steps=12.0)
    rows, collator = (
        target.task.encode(train, target.tokenizer),
        target.task.collator(target.tokenizer),
    )
    model = tuning.prepare(target, strategies.FULL, seed=0)
    row = tuning.step_costs.middle_row(rows)
    a_token = tuning.step_costs.average_cost(model, rows.select([0]), collator, 1).flops
    assert len(row["input_ids"]) > 1
    a_token /= len(rows[0]["input_ids"])
    assert done.flops == pytest.approx(done.tokens * a_token, rel=0.05)


def test_a_model_saved_over_another_takes_nothing_of_it(target, tmp_path):
    with_adapters, plain = run(target, "adapter", rate=1e-2).model, run(target, "full").model
    expected = logits(target, plain)
    tuning.save(with_adapters, tmp_path)
    tuning.save(plain, tmp_path)
    np.testing.assert_allclose(logits(target, tuning.load(tmp_path)), expected, atol=1e-5)

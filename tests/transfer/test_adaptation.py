"""Adaptation: what each loss is, labels that are never read, equal cost, both domains seen."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from datasets import Dataset

from helpers import UserError
from helpers.tasks.batches import DynamicMasking
from helpers.transfer import finetuning
from helpers.transfer.adaptation import (
    METHODS,
    AdaptationObjective,
    DomainCollator,
    RisingReversal,
    adapt,
    same_classes,
    without_labels,
)
from helpers.transfer.divergences import coral, mmd
from helpers.transfer.joint import pair_rows
from helpers.transfer.tuning import Effort, full_step

JOINT = ("coral", "mmd", "dann", "masked_words")
pytestmark = pytest.mark.parametrize("target", ["bert"], indirect=True)


@pytest.fixture
def domains(target):
    """Encoded rows of two domains, a fresh model, and what goes with them."""
    task, tokenizer = target.task, target.tokenizer
    items = task.items("train")
    foreign = Dataset.from_dict(
        {"text": [f"{t} said" for t in items["text"]], "label": items["label"]}
    )
    return SimpleNamespace(
        target=target, source=task.encode(items, tokenizer), tokenizer=tokenizer,
        others=without_labels(task, foreign, tokenizer), collator=task.collator(tokenizer),
        model=lambda: target.task.build_model(target.model, pretrained=True, seed=0),
        effort=Effort(6 * full_step(target, items, 8), 3e-3, 8),
    )  # fmt: skip


def run(domains, method, target=None, **how):
    return adapt(
        method, domains.model(), domains.source, domains.others if target is None else target,
        domains.tokenizer, domains.collator, domains.effort, seed=0, device="cpu", **how,
    )  # fmt: skip


def logits(domains, model):
    return finetuning.predict(model, domains.source, domains.collator, device="cpu")


def batch(domains, n=8):
    pairs = pair_rows(domains.source, domains.others, seed=0).select(range(n)).to_list()
    return DomainCollator(domains.collator)(pairs)


def features(model, made, before=""):
    return model.features(made[f"{before}input_ids"], made[f"{before}attention_mask"])


@pytest.mark.parametrize(("method", "distance"), [("coral", coral), ("mmd", mmd)])
def test_the_loss_is_that_of_the_source_and_the_distance(domains, method, distance):
    model = domains.model().eval()
    made = batch(domains)
    with torch.no_grad():
        found = AdaptationObjective(model, method, 0.7, seed=0)(**made)["loss"]
        ours = model(made["source_input_ids"], made["source_attention_mask"], made["source_labels"])
        apart = distance(features(model, made, "source_"), features(model, made))
    torch.testing.assert_close(found, ours.loss + 0.7 * apart)


@pytest.mark.parametrize("method", JOINT)
def test_without_weight_only_the_source_teaches(domains, method):
    model = domains.model().eval()
    made = batch(domains)
    if method == "masked_words":
        pairs = pair_rows(domains.source, domains.others, seed=0).select(range(8)).to_list()
        masks = DynamicMasking(domains.tokenizer, seed=0, tries=100)
        made = DomainCollator(domains.collator, masks)(pairs)
    gradients = []
    for weight in (0.0, None):
        model.zero_grad()
        if weight is None:
            plain = [made[f"source_{key}"] for key in ("input_ids", "attention_mask", "labels")]
            model(*plain).loss.backward()
        else:
            AdaptationObjective(model, method, weight, seed=0)(**made)["loss"].backward()
        gradients.append({name: p.grad for name, p in model.named_parameters()})
    for name, plain in gradients[1].items():
        joint = gradients[0][name]
        if plain is None:
            assert joint is None or not joint.any()
        else:
            torch.testing.assert_close(joint, plain, atol=1e-7, rtol=1e-5)


@pytest.mark.parametrize("method", METHODS)
def test_labels_of_the_target_are_never_read(domains, method):
    wrong = [{**row, "labels": i % 3} for i, row in enumerate(domains.others.to_list())]
    first = run(domains, method)
    second = run(domains, method, target=Dataset.from_list(wrong))
    assert np.array_equal(logits(domains, first.model), logits(domains, second.model))
    assert set(domains.others["labels"]) == {-100}


def test_all_methods_cost_about_the_same(domains):
    spent = {method: run(domains, method).flops for method in METHODS}
    for method, flops in spent.items():
        assert flops == pytest.approx(domains.effort.flops, rel=0.35), method


@pytest.mark.parametrize("method", METHODS)
def test_equal_seeds_give_equal_models(domains, method):
    twins = [run(domains, method) for _ in range(2)]
    assert np.array_equal(*[logits(domains, one.model) for one in twins])
    assert np.array_equal(twins[0].losses, twins[1].losses)
    names = [name for name, _ in domains.model().named_parameters()]
    assert [name for name, _ in twins[0].model.named_parameters()] == names  # nothing left in it


def test_the_discriminator_sees_both_domains_and_learns_to_tell_them(domains):
    objective = AdaptationObjective(domains.model(), "dann", 1.0, seed=0)
    objective.reversal = 0.0  # the features do not resist
    made = batch(domains)
    optimizer = torch.optim.AdamW(objective.added.parameters(), 1e-2)
    for _ in range(60):
        optimizer.zero_grad()
        objective(**made)["loss"].backward()
        optimizer.step()
    assert objective.seen.tolist() == [60 * 8, 60 * 8]
    assert np.mean(objective.told_apart[-5:]) > 0.9 > np.mean(objective.told_apart[:3])


def test_features_resist_the_discriminator(domains):
    model = domains.model().eval()
    made = batch(domains)
    gradients = {}
    for reversal in (0.0, 1.0, -1.0):
        objective = AdaptationObjective(model, "dann", 1.0, seed=0)
        objective.reversal = reversal
        model.zero_grad()
        objective(**made)["loss"].backward()
        gradients[reversal] = model.backbone.get_input_embeddings().weight.grad.clone()
    resisting = gradients[1.0] - gradients[0.0]
    assert resisting.abs().max() > 0
    torch.testing.assert_close(resisting, gradients[0.0] - gradients[-1.0], atol=1e-6, rtol=1e-4)


def test_the_reversal_rises_as_its_authors_have_it(domains):
    objective = AdaptationObjective(domains.model(), "dann", 1.0, seed=0)
    rising, values = RisingReversal(objective), []
    for step in (0, 50, 100):
        rising.on_step_begin(None, SimpleNamespace(global_step=step, max_steps=100), None)
        values.append(objective.reversal)
    assert values == pytest.approx([0.0, 2 / (1 + np.exp(-5)) - 1, 2 / (1 + np.exp(-10)) - 1])


def test_of_one_domain_there_is_nothing_to_bring_together(domains):
    model = domains.model().eval()
    rows = domains.source.select(range(8)).to_list()
    same = [row | {f"source_{key}": row[key] for key in ("input_ids", "labels")} for row in rows]
    made = DomainCollator(domains.collator)(same)
    with torch.no_grad():
        losses = [
            AdaptationObjective(model, method, weight, seed=0)(**made)["loss"].item()
            for method in ("coral", "mmd")
            for weight in (0.0, 5.0)
        ]
    assert losses == pytest.approx([losses[0]] * 4, abs=1e-6)


def test_self_training_takes_sure_answers_alone(domains):
    every = run(domains, "self_training", threshold=0.01)
    none = run(domains, "self_training", threshold=1.0)
    assert every.pseudo_labelled == len(domains.others)
    assert none.pseudo_labelled < every.pseudo_labelled
    assert len(every.steps) == 2


def test_masked_words_go_through_the_same_encoder(domains):
    objective = AdaptationObjective(domains.model(), "masked_words", 1.0, seed=0)
    words = objective.model.backbone.get_input_embeddings().weight
    assert objective.added.get_input_embeddings().weight is words


def test_mistakes_are_sentences(domains, target):
    with pytest.raises(UserError, match=r"There is no adaptation 'dan'\. Did you mean 'dann'\?"):
        run(domains, "dan")
    with pytest.raises(UserError, match="weight"):
        run(domains, "coral", weight=-1.0)
    with pytest.raises(
        UserError, match=r"threshold must be a probability above 0 and at most 1, n"
    ):
        run(domains, "self_training", threshold=0.0)
    with pytest.raises(UserError, match=r"there are 24 source rows and 0 target rows\."):
        run(domains, "coral", target=domains.others.select([]))
    with pytest.raises(UserError, match=r"'none' is not a joint objective of two domains\."):
        AdaptationObjective(domains.model(), "none", 1.0, seed=0)
    with pytest.raises(
        UserError, match=r"must have the same classes in one order; target has wheat"
    ):
        same_classes(target.task, target.source)

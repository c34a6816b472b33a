"""The cost of a step against formulas worked out by hand."""

import copy
import gc

import pytest
import torch
from datasets import Dataset
from torch import nn

from helpers.tasks.heads import MeanPooledClassifier
from helpers.training import step_costs
from helpers.transfer.regularization import add_weight_noise
from tests.tiny_bert import bert
from tests.transfer.test_strategies import collate, items, tiny, tiny_gpt2

B, D, H, C = 5, 7, 11, 3  # texts of a batch, inputs, hidden units, outputs


class TwoLayers(nn.Module):
    """Mean of squares of a network with one hidden layer."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.bottom, self.top = nn.Linear(D, H), nn.Linear(H, C)

    def forward(self, x):
        return {"loss": (self.top(self.bottom(x).relu()) ** 2).mean()}


BATCH = {"x": torch.ones(B, D)}
BOTTOM, TOP = 2 * B * D * H, 2 * B * H * C  # operations of one product with each matrix


def frozen(*parts):
    model = TwoLayers()
    for part in parts:
        getattr(model, part).requires_grad_(False)
    return model


def test_a_step_is_forward_gradients_of_weights_and_gradients_that_go_down():
    # Nothing asks for the gradient of the input, so the bottom has one product less.
    assert step_costs.step_cost(TwoLayers(), BATCH).flops == (BOTTOM + TOP) + (BOTTOM + TOP) + TOP


def test_a_frozen_bottom_saves_its_gradient_and_the_way_down_to_it():
    whole, less = (
        step_costs.step_cost(one, BATCH).flops for one in (TwoLayers(), frozen("bottom"))
    )
    assert whole - less == BOTTOM + TOP
    assert less == BOTTOM + 2 * TOP


def test_a_frozen_top_saves_its_own_gradient_only():
    whole, less = (step_costs.step_cost(one, BATCH).flops for one in (TwoLayers(), frozen("top")))
    assert whole - less == TOP


@pytest.mark.parametrize(
    ("parts", "numbers"),
    [
        # The input, the hidden units (once, though two operations keep them), the outputs.
        ((), B * D + B * H + B * C),
        (("bottom",), B * H + B * C),
        # The input for the bottom's gradient, the hidden units for relu's.
        (("top",), B * D + B * H + B * C),
    ],
)
def test_activations_are_what_is_kept_for_the_way_back(parts, numbers):
    assert step_costs.step_cost(frozen(*parts), BATCH).activations == 4 * numbers


def test_the_state_is_four_numbers_for_each_that_learns_and_one_for_each_that_does_not():
    bottom, top = D * H + H, H * C + C
    assert step_costs.step_cost(TwoLayers(), BATCH).state == 4 * 4 * (bottom + top)
    cost = step_costs.step_cost(frozen("bottom"), BATCH)
    assert cost.state == 4 * (bottom + top + 3 * top)
    assert cost.megabytes == (cost.activations + cost.state) / 1e6


@pytest.mark.parametrize("make", [tiny, tiny_gpt2], ids=["bert", "gpt2"])
def test_operations_and_activations_grow_with_the_batch_and_the_state_does_not(make):
    row = items(3).to_list()[2]
    one, four = (step_costs.step_cost(make(), collate([row] * n)) for n in (1, 4))
    assert four.flops == 4 * one.flops
    assert 3.5 * one.activations < four.activations <= 4 * one.activations
    assert four.state == one.state == 16 * sum(p.numel() for p in make().parameters())


@pytest.mark.parametrize(
    "measure", [step_costs.step_cost, step_costs.step_seconds, step_costs.forward_flops]
)
@pytest.mark.parametrize("make", [tiny, tiny_gpt2], ids=["bert", "gpt2"])
@pytest.mark.parametrize("training", [True, False])
def test_measuring_changes_nothing(make, measure, training):
    model, batch = make().train(training), collate(items(4).to_list())
    before, attention = (
        copy.deepcopy(model.state_dict()),
        model.backbone.config._attn_implementation,
    )
    random = torch.get_rng_state()
    measure(model, batch)
    assert torch.equal(torch.get_rng_state(), random)
    assert all(one.grad is None for one in model.parameters())
    assert {one.training for one in model.modules()} == {training}
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert model.backbone.config._attn_implementation == attention == "sdpa"


def test_a_gradient_that_is_there_stays():
    model = TwoLayers()
    model(**BATCH)["loss"].backward()
    before = model.top.weight.grad.clone()
    step_costs.step_cost(model, BATCH)
    assert torch.equal(model.top.weight.grad, before)


def test_forward_is_the_products_alone():
    assert step_costs.forward_flops(TwoLayers(), BATCH) == BOTTOM + TOP


def test_forward_of_an_encoder_is_what_its_shape_says():
    width, layers, tokens, texts = 16, 3, 9, 2
    encoder = bert(hidden_size=width, num_hidden_layers=layers, intermediate_size=4 * width)
    model = MeanPooledClassifier(encoder, C)
    ids = torch.ones(texts, tokens, dtype=torch.long)
    batch = {"input_ids": ids, "attention_mask": ids}
    # A token: 12 d² weights a layer, and t·d twice for attention. A text: the head.
    products = texts * tokens * layers * (12 * width**2 + 2 * tokens * width) + texts * width * C
    assert step_costs.forward_flops(model, batch) == 2 * products


def test_the_middle_row_is_the_one_of_middle_length():
    rows = Dataset.from_dict({"input_ids": [[1] * n for n in (5, 1, 9, 2, 7)]})
    assert len(step_costs.middle_row(rows)["input_ids"]) == 5
    batch = step_costs.typical_batch(items(5), collate, 3)
    assert batch["input_ids"].shape == (3, len(step_costs.middle_row(items(5))["input_ids"]))


@pytest.mark.parametrize("batch_size", [4, 8, 50])
def test_steps_of_a_pass_cost_what_all_its_tokens_do(batch_size):
    data, model = items(10), tiny()
    steps = -(-10 // batch_size)
    a_step = step_costs.average_cost(model, data, collate, batch_size)
    row = step_costs.middle_row(data)
    a_token = step_costs.step_cost(model, collate([row])).flops / len(row["input_ids"])
    tokens = sum(map(len, data["input_ids"]))
    assert steps * a_step.flops == pytest.approx(tokens * a_token)


def test_a_step_takes_longer_where_there_is_more_to_do():
    small, large = nn.Module(), nn.Module()
    for model, width in ((small, 8), (large, 1200)):
        model.layers = nn.Sequential(*[nn.Linear(width, width) for _ in range(3)])
        model.forward = lambda x, layers=model.layers: {"loss": layers(x).mean()}
    seconds = [
        step_costs.step_seconds(m, {"x": torch.ones(4, w)}) for m, w in ((small, 8), (large, 1200))
    ]
    assert 0 < seconds[0] < seconds[1]


def test_measuring_leaves_no_copy_of_the_model_behind():
    model = tiny()
    batch = dict(collate(items(4).to_list()))

    def alive():
        gc.collect()
        return sum(isinstance(one, torch.Tensor) for one in gc.get_objects())

    step_costs.step_cost(model, batch)
    before = alive()
    for _ in range(3):
        step_costs.step_cost(model, batch)
    assert alive() <= before


def test_what_is_kept_beside_the_weights_counts_as_memory():
    plain, mixed = tiny(), add_weight_noise(tiny(), "mixout", 0.5)
    batch = dict(collate(items(4).to_list()))
    matrices = sum(m.weight.numel() for m in tiny().backbone.modules() if isinstance(m, nn.Linear))
    extra = step_costs.step_cost(mixed, batch).state - step_costs.step_cost(plain, batch).state
    assert extra == 4 * matrices

"""The loop against steps written by hand, transformers' schedule, and rows read one at a time."""

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.optim.optimizer import register_optimizer_step_pre_hook
from transformers import get_linear_schedule_with_warmup
from transformers.modeling_outputs import SequenceClassifierOutput

from helpers import UserError
from helpers.tasks.heads import MeanPooledClassifier, TokenClassifier
from helpers.training.loop import Beside, pad, rate_at, read, row_batches, token_batches, train
from tests.tiny_bert import bert

CPU = torch.device("cpu")
LENGTHS = st.lists(st.integers(1, 30), min_size=1, max_size=60)
RECIPE = {"steps": 6, "learning_rate": 1e-2, "batch_tokens": 30, "seed": 3}


def tiny(kind=MeanPooledClassifier, dropout=0.0, seed=0):
    return kind(bert(seed=seed, dropout=dropout, max_position_embeddings=16), 3, dropout)


def texts(n=12, seed=0):
    rng = np.random.default_rng(seed)
    return [(rng.integers(1, 50, rng.integers(2, 12)), np.array(rng.integers(3))) for _ in range(n)]


def sentences(n=12):
    rng = np.random.default_rng(1)
    return [(ids, rng.integers(-1, 3, len(ids))) for ids, _ in texts(n)]


def weights(model):
    return torch.cat([p.detach().flatten() for p in model.parameters()])


def batches_of(rows, recipe):
    """Return the batches that a training sees, as its documentation tells."""
    generator = np.random.default_rng([recipe["seed"], 1])
    lengths = [len(ids) for ids, _ in rows]
    passes = (token_batches(lengths, recipe["batch_tokens"], generator) for _ in itertools.count())
    return itertools.islice(itertools.chain.from_iterable(passes), recipe["steps"])


def by_hand(model, rows, recipe):
    """Train with torch.optim.AdamW, one group a parameter; return the losses."""
    groups = [
        {"params": [p], "weight_decay": 0.01 if p.ndim > 1 else 0.0} for p in model.parameters()
    ]
    optimizer = torch.optim.AdamW(groups, lr=recipe["learning_rate"], foreach=False)
    losses = []
    for step, batch in enumerate(batches_of(rows, recipe)):
        loss = model.train()(**pad([rows[row] for row in batch], CPU)).loss
        loss.backward()
        matrices = [p for p in model.parameters() if p.ndim > 1]
        norm = torch.sqrt(sum((p.grad**2).sum() for p in matrices))
        for p in matrices:
            p.grad /= max(1.0, float(norm))
        for group in optimizer.param_groups:
            group["lr"] = recipe["learning_rate"] * rate_at(step, recipe["steps"])
        optimizer.step()
        optimizer.zero_grad()
        losses.append(float(loss.detach()))
    return losses


class Line(nn.Module):
    """One matrix and one vector; as simple as a network can be."""

    def __init__(self):
        super().__init__()
        self.head = nn.Linear(2, 1)
        with torch.no_grad():
            self.head.weight.copy_(torch.tensor([[2.0, -1.0]]))
            self.head.bias.fill_(0.5)

    def forward(self, input_ids, attention_mask, labels=None):
        logits = self.head(input_ids.float())
        loss = None if labels is None else ((logits[:, 0] - labels) ** 2).mean()
        return SequenceClassifierOutput(loss=loss, logits=logits)


# batches


@given(LENGTHS, st.integers(1, 60), st.integers(0, 9))
def test_every_row_comes_once_a_pass_and_no_batch_is_over_the_budget(lengths, budget, seed):
    batches = list(token_batches(lengths, budget, np.random.default_rng(seed)))
    assert sorted(itertools.chain(*batches)) == list(range(len(lengths)))
    for batch in batches:
        padded = len(batch) * max(lengths[row] for row in batch)
        assert padded <= budget or len(batch) == 1


def test_the_generator_decides_the_order():
    lengths = [1 + row % 7 for row in range(200)]
    first, same, other = (
        list(token_batches(lengths, 20, np.random.default_rng(seed))) for seed in (0, 0, 1)
    )
    assert first == same != other


def test_batches_of_like_lengths_hold_little_padding():
    lengths = np.random.default_rng(0).integers(1, 60, 400).tolist()
    batches = list(token_batches(lengths, 256, np.random.default_rng(0)))
    padded = sum(len(batch) * max(lengths[row] for row in batch) for batch in batches)
    assert padded < 1.25 * sum(lengths)


def test_texts_are_padded_and_keep_their_classes():
    rows = [(np.array([5, 6]), np.array(1)), (np.array([7, 8, 9]), np.array(0))]
    batch = {name: tensor.tolist() for name, tensor in pad(rows, CPU, filler=4).items()}
    assert batch == {
        "input_ids": [[5, 6, 4], [7, 8, 9]],
        "attention_mask": [[1, 1, 0], [1, 1, 1]],
        "labels": [1, 0],
    }


def test_labels_of_tokens_are_padded_with_none():
    rows = [(np.array([5]), np.array([2])), (np.array([7, 8]), np.array([-100, 1]))]
    assert pad(rows, CPU)["labels"].tolist() == [[2, -100], [-100, 1]]


# the step


@pytest.mark.parametrize("steps", [1, 4, 10, 57, 200])
def test_the_rate_is_transformers_schedule_whose_warm_up_starts_above_zero(steps):
    """During warm-up it is one step ahead of theirs, whose first step has rate 0."""
    warm = round(0.1 * steps)
    optimizer = torch.optim.SGD([torch.zeros(1)], lr=1.0)
    schedule = get_linear_schedule_with_warmup(optimizer, warm, steps)
    theirs = [schedule.lr_lambdas[0](step) for step in range(steps + 1)]
    ours = [rate_at(step, steps) for step in range(steps)]
    assert ours[:warm] == pytest.approx(theirs[1 : warm + 1])
    assert ours[warm:] == pytest.approx(theirs[warm:steps])
    assert min(ours) > 0 and max(ours) == 1


def test_one_step_by_hand():
    """AdamW's first step goes by the sign of the gradient alone; only the matrix decays."""
    model = Line()
    row = (np.array([1, 3]), np.array(4))
    done = train(model, [row], steps=1, learning_rate=0.1, batch_tokens=9, seed=0, weight_decay=0.5)
    loss = (2 * 1 - 1 * 3 + 0.5 - 4) ** 2
    assert done.losses == pytest.approx([loss]) and done.tokens == 2
    kept = 1 - 0.1 * 0.5
    expected = [2 * kept + 0.1, -1 * kept + 0.1]
    assert model.head.weight.detach()[0].tolist() == pytest.approx(expected, abs=1e-6)
    assert model.head.bias.item() == pytest.approx(0.5 + 0.1, abs=1e-6)


def test_the_gradient_of_the_matrices_is_clipped_at_norm_one():
    norms = []

    def looked(optimizer, *_):
        gradients = [p.grad for p in optimizer.param_groups[0]["params"]]
        assert all(gradient.ndim > 1 for gradient in gradients)
        norms.append(float(torch.cat([g.flatten() for g in gradients]).norm()))

    handle = register_optimizer_step_pre_hook(looked)
    try:
        train(Line(), [(np.array([1, 3]), np.array(4))],
              steps=2, learning_rate=1e-3, batch_tokens=9, seed=0)  # fmt: skip
    finally:
        handle.remove()
    assert norms == pytest.approx([1.0, 1.0], abs=1e-5)


@pytest.mark.parametrize(
    ("kind", "rows"), [(MeanPooledClassifier, texts()), (TokenClassifier, sentences())]
)
def test_a_training_is_a_loop_written_by_hand(kind, rows):
    rows = [(ids, np.where(labels < 0, -100, labels)) for ids, labels in rows]
    ours, theirs = tiny(kind), tiny(kind)
    expected = by_hand(theirs, rows, RECIPE)
    done = train(ours, rows, **RECIPE)
    np.testing.assert_allclose(done.losses, expected, atol=2e-5)
    torch.testing.assert_close(weights(ours), weights(theirs), atol=2e-4, rtol=0)


def test_tokens_are_counted_without_padding():
    rows = texts()
    done = train(tiny(), rows, **RECIPE)
    expected = sum(len(rows[row][0]) for batch in batches_of(rows, RECIPE) for row in batch)
    assert done.tokens == expected and len(done.losses) == RECIPE["steps"]


def test_the_seed_decides_the_order_and_dropout():
    def trained(seed, rows):
        model = tiny(dropout=0.2)
        train(model, rows, **RECIPE | {"seed": seed})
        return weights(model)

    rows = texts()
    assert torch.equal(trained(3, rows), trained(3, rows))
    assert not torch.equal(trained(3, rows), trained(4, rows))
    assert not torch.equal(trained(3, rows[:1]), trained(4, rows[:1]))


def test_torchs_random_state_stays_as_it_was():
    model = tiny(dropout=0.2)
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    train(model, texts(), **RECIPE)
    assert torch.equal(torch.rand(3), expected)


def test_only_what_requires_a_gradient_moves():
    model = tiny()
    model.backbone.requires_grad_(False)
    body, head = weights(model.backbone), weights(model.head)
    train(model, texts(), **RECIPE)
    assert torch.equal(weights(model.backbone), body)
    assert not torch.equal(weights(model.head), head)
    assert all(p.grad is None for p in model.backbone.parameters())


@pytest.mark.parametrize("part", ["weight", "bias"])
def test_a_head_of_one_parameter_alone_can_learn(part):
    model = tiny().requires_grad_(False)
    getattr(model.head, part).requires_grad_(True)
    before = getattr(model.head, part).detach().clone()
    train(model, texts(), **RECIPE)
    assert not torch.equal(getattr(model.head, part), before)


def test_more_steps_than_a_pass_has_go_on_with_another():
    rows = texts(3)
    done = train(tiny(), rows, **RECIPE | {"batch_tokens": 1000, "steps": 4})
    assert done.tokens == 4 * sum(len(ids) for ids, _ in rows)


def test_a_model_learns_what_can_be_learned():
    rows = [(np.array([1, word, 2]), np.array(word % 3)) for word in range(3, 33)]
    model = tiny()
    done = train(model, rows, steps=60, learning_rate=1e-2, batch_tokens=60, seed=0)
    assert done.losses[0] > 0.9 and done.losses[-5:].mean() < 0.1
    assert [answer.argmax() for answer in read(model, rows)] == [int(label) for _, label in rows]


# looking


def test_the_model_is_looked_at_in_evaluation_mode_at_the_named_steps_only():
    rows, looks = texts(), []

    def look(model):
        looks.append(any(module.training for module in model.modules()))
        return np.stack(read(model, rows))

    watched, alone = tiny(dropout=0.2), tiny(dropout=0.2)
    before = np.stack(read(alone, rows))
    done = train(watched, rows, **RECIPE, look_at=[6, 0, 2, 99], look=look)
    unwatched = train(alone, rows, **RECIPE)
    assert list(done.points) == [0, 2, 6] and looks == [False] * 3
    np.testing.assert_array_equal(done.points[0], before)
    np.testing.assert_array_equal(done.points[6], np.stack(read(watched, rows)))
    assert not np.allclose(done.points[2], before)
    np.testing.assert_array_equal(done.losses, unwatched.losses)
    assert torch.equal(weights(watched), weights(alone))
    assert unwatched.points == {} and not watched.training


def test_steps_without_a_look_are_no_points():
    assert train(tiny(), texts(), **RECIPE, look_at=[0, 1]).points == {}


# errors


def test_no_rows_are_a_sentence():
    with pytest.raises(UserError) as told:
        train(tiny(), [], **RECIPE)
    assert str(told.value) == "There are no training rows; training needs at least one."


@pytest.mark.parametrize(("spoiled", "step"), [(0, 0), (2, 2)])
def test_a_diverging_training_is_a_sentence(spoiled, step):
    def look(model):
        if spoiled in (0, 2):
            nn.init.constant_(model.head.bias, float("inf"))

    with pytest.raises(UserError) as told:
        train(tiny(), texts(), **RECIPE, look_at=[spoiled], look=look)
    assert str(told.value) == (
        f"The training loss is not a number after step {step}; "
        "take a smaller learning_rate than 0.01."
    )


# precision


def test_bfloat16_is_close_and_parameters_stay_in_32_bits():
    rows, models = texts(), (tiny(), tiny())
    exact = train(models[0], rows, **RECIPE | {"learning_rate": 1e-3})
    rough = train(models[1], rows, **RECIPE | {"learning_rate": 1e-3}, precision="bfloat16")
    np.testing.assert_allclose(rough.losses, exact.losses, atol=0.03)
    assert not np.array_equal(rough.losses, exact.losses)
    assert {p.dtype for p in models[1].parameters()} == {torch.float32}
    assert rough.losses.dtype == np.float32


def test_answers_in_bfloat16_are_close_and_in_32_bits():
    model, rows = tiny(), texts()
    exact, rough = (np.stack(read(model, rows, precision=p)) for p in ("float32", "bfloat16"))
    np.testing.assert_allclose(rough, exact, atol=0.02)
    assert rough.dtype == np.float32 and not np.array_equal(rough, exact)


# reading


@pytest.mark.parametrize("budget", [1, 25, 8192])
@pytest.mark.parametrize("kind", [MeanPooledClassifier, TokenClassifier])
def test_what_is_read_together_is_what_is_read_one_at_a_time(kind, budget):
    model = tiny(kind, dropout=0.2).train()
    rows = texts() if kind is MeanPooledClassifier else sentences()
    together = read(model, rows, budget=budget)
    assert not model.training
    for row, answer in zip(rows, together, strict=True):
        with torch.no_grad():
            ids = torch.tensor(row[0])[None]
            alone = model(input_ids=ids, attention_mask=torch.ones_like(ids)).logits[0]
        assert answer.shape == ((3,) if kind is MeanPooledClassifier else (len(row[0]), 3))
        np.testing.assert_allclose(answer, alone.numpy(), atol=1e-5)


def test_features_under_the_head_are_the_answers():
    model, rows = tiny(), texts()
    features = torch.tensor(np.stack(read(model, rows, features=True)))
    assert features.shape == (len(rows), 16)
    with torch.no_grad():
        np.testing.assert_allclose(model.head(features), np.stack(read(model, rows)), atol=1e-5)


def test_no_rows_have_no_answers():
    assert read(tiny(), []) == []


def test_reading_leaves_the_weights_as_they_were_and_fit_for_training():
    model = tiny()
    before = weights(model)
    read(model, texts())
    assert torch.equal(weights(model), before)
    assert all(p.requires_grad and p.grad is None for p in model.parameters())
    train(model, texts(), **RECIPE)


# rows of a second kind beside the training rows


def test_two_kinds_of_rows_share_a_step_and_half_its_tokens():
    """The losses that are joined are those of the two batches, by hand."""
    rows, others, seen = texts(), texts(seed=5), []

    def join(other, own):
        seen.append((other.item(), own.item()))
        return other + 2 * own

    model, twin = tiny(), tiny()
    done = train(model, rows, **(RECIPE | {"batch_tokens": 60}), beside=Beside(others, join))
    assert len(seen) == RECIPE["steps"]
    np.testing.assert_allclose(done.losses, [a + 2 * b for a, b in seen], rtol=1e-6)
    first = next(iter(batches_of(rows, RECIPE)))  # 30 of the 60 tokens
    drawn = token_batches([len(ids) for ids, _ in others], 30, np.random.default_rng([3, 2]))
    with torch.no_grad():
        own = twin(**pad([rows[at] for at in first], CPU)).loss.item()
        other = twin(**pad([others[at] for at in next(drawn)], CPU)).loss.item()
    assert seen[0] == pytest.approx((other, own), rel=1e-4)


def test_tokens_of_both_kinds_are_counted():
    rows = [(np.arange(1, 6), np.array(0))] * 8
    beside = Beside(rows, lambda other, own: own)
    recipe = RECIPE | {"batch_tokens": 20, "steps": 3}
    assert train(tiny(), rows, **recipe).tokens == 3 * 20
    assert train(tiny(), rows, **recipe, beside=beside).tokens == 3 * (10 + 10)


def test_a_second_kind_without_rows_is_one_sentence():
    with pytest.raises(UserError, match="no training rows"):
        train(tiny(), texts(), **RECIPE, beside=Beside([], lambda other, own: own))


@given(st.integers(1, 40), st.integers(1, 12))
def test_batches_of_rows_are_full_and_hold_no_row_twice(n, size):
    batches = list(row_batches(n, size, np.random.default_rng(0)))
    assert {len(batch) for batch in batches} == {min(n, size)}
    assert len(batches) == max(1, n // size)
    seen = [row for batch in batches for row in batch]
    assert len(seen) == len(set(seen)) and {*seen} <= {*range(n)}


def test_a_training_takes_batches_of_rows_in_another_order_each_pass():
    rows, seen = texts(), []
    model = tiny()
    model.register_forward_pre_hook(
        lambda _, args, kwargs: seen.append(kwargs["input_ids"].tolist()), with_kwargs=True
    )
    train(model, rows, steps=4, learning_rate=1e-3, batch_rows=6, seed=3)
    assert [len(batch) for batch in seen] == [6] * 4
    assert seen[0] != seen[2]
    first = [tuple(filter(None, row)) for row in seen[0] + seen[1]]
    assert sorted(first) == sorted(tuple(ids.tolist()) for ids, _ in rows)


def test_a_training_without_a_size_of_a_batch_is_refused():
    with pytest.raises(UserError, match=r"^Training needs batch_tokens or batch_rows of at least"):
        train(tiny(), texts(), steps=1, learning_rate=1e-3, seed=0)

"""Continuations: batched as alone, seeded, refused in a sentence."""

import pytest
import torch

from helpers import UserError
from helpers.tasks.bytepairs import token_ids, train_bytepairs
from helpers.tasks.generation import continue_texts
from tests.tasks.test_language_modeling import TEXTS, bert, gpt2

PROMPTS = ["one", "eight nine ten", "", "thirteen fourteen one two three"]


@pytest.fixture(scope="module")
def tokenizer():
    return train_bytepairs(TEXTS * 4, vocabulary=300, positions=64)


def test_greedy_text_does_not_depend_on_the_batch(tokenizer):
    model = gpt2()
    together = continue_texts(model, tokenizer, PROMPTS, new_tokens=8)
    alone = [continue_texts(model, tokenizer, [one], new_tokens=8)[0] for one in PROMPTS]
    assert together == alone
    assert len(set(together)) > 1


def test_greedy_is_the_likeliest_token_each_time(tokenizer):
    model = gpt2()
    ids = [0, *token_ids(["one two"], tokenizer)[0]]
    start = len(ids)
    with torch.inference_mode():
        for _ in range(6):
            ids.append(int(model(torch.tensor([ids])).logits[0, -1].argmax()))
            if ids[-1] == 0:
                break
    expected = tokenizer.decode(ids[start:], skip_special_tokens=True)
    assert continue_texts(model, tokenizer, ["one two"], new_tokens=6) == [expected]


def test_samples_are_seeded_and_leave_the_random_state_alone(tokenizer):
    model = gpt2()

    def sample(seed):
        return continue_texts(model, tokenizer, PROMPTS, new_tokens=8, temperature=1.0, seed=seed)

    state = torch.get_rng_state()
    assert sample(1) == sample(1) != sample(2)
    assert torch.equal(torch.get_rng_state(), state)


def test_a_training_model_goes_on_training(tokenizer):
    model = gpt2().train()
    continue_texts(model, tokenizer, ["one"], new_tokens=2)
    assert model.training


@pytest.mark.parametrize(
    ("model", "options", "sentence"),
    [
        (bert, {}, "BertForMaskedLM has no causal head and cannot write text"),
        (gpt2, {"new_tokens": 0}, "new_tokens of at least 1"),
        (gpt2, {"temperature": -1.0}, "temperature of at least 0"),
        (gpt2, {"new_tokens": 64}, "64 new ones are more than the 64 positions"),
        (lambda: gpt2(vocabulary=280), {}, "knows only 280: take the tokenizer"),
    ],
)
def test_bad_input_is_a_sentence(tokenizer, model, options, sentence):
    with pytest.raises(UserError, match=sentence):
        continue_texts(model(), tokenizer, ["one"], **options)

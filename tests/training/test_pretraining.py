"""New models, their cost, the held-out looks, and checkpoints."""

import json

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from transformers import (
    AutoModelForCausalLM,
    AutoModelForMaskedLM,
    BertConfig,
    BertModel,
    GPT2Config,
    GPT2Model,
    ViTConfig,
    ViTModel,
)

from helpers import UserError
from helpers.sources.corpora import load_texts
from helpers.sources.weights import load_model, load_tokenizer
from helpers.tasks.bytepairs import train_bytepairs
from helpers.tasks.generation import continue_texts
from helpers.tasks.language_modeling import LanguageModeling, document_losses
from helpers.training import checkpoints, pretraining
from helpers.transfer.finetuning import Training
from helpers.transfer.held_out_curve import train_and_watch

SHAPE = {"layers": 2, "width": 16, "heads": 2, "positions": 32}
TRAINING = Training(learning_rate=5e-3, batch_size=4, epochs=50, max_steps=12)
CARD = checkpoints.Card(
    name="tiny",
    language="en",
    licence="none needed",
    data=["counted words, training split (abc)"],
    command="python -m helpers run 04 -p steps 12",
    parameters={"steps": 12},
    scores={"bits_per_byte": 2.5},
)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    path = tmp_path_factory.mktemp("corpus") / "plain.jsonl"
    rows = [
        {"text": " ".join(f"w{(i * 7 + k * k) % 97}{'ab'[i % 2]}" for k in range(12))}
        for i in range(60)
    ]
    path.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    return load_texts(path, label_column=None)


@pytest.fixture(scope="module")
def tokenizer(corpus):
    return train_bytepairs(corpus.splits["train"]["text"], vocabulary=300, positions=32)


def new(tokenizer, architecture="gpt2", seed=0):
    return pretraining.new_model(
        pretraining.configuration(architecture, tokenizer, **SHAPE), seed
    )  # fmt: skip


def run(corpus, tokenizer, architecture="gpt2", *, looks=3, note=None, seed=0, stop_after=None):
    objective = "causal" if architecture == "gpt2" else "masked"
    task = LanguageModeling(corpus, block_size=32, objective=objective)
    model = new(tokenizer, architecture)
    result = train_and_watch(
        model, task, tokenizer, task.items("train"), task.items("validation"), TRAINING,
        seed=seed, looks=looks, note=note, stop_after=stop_after, device="cpu",
    )  # fmt: skip
    return model, result


@pytest.mark.parametrize("architecture", ["gpt2", "bert"])
def test_estimates_are_what_is_measured(tokenizer, architecture):
    model = new(tokenizer, architecture)
    guess = pretraining.estimate(model.config, tokens=24)
    assert guess.parameters == model.num_parameters()
    assert guess.flops_per_token == pretraining.measured_flops(model, tokens=24)


@pytest.mark.parametrize("architecture", ["gpt2", "bert"])
def test_equal_seeds_equal_losses_and_the_loss_falls(corpus, tokenizer, architecture):
    _, first = run(corpus, tokenizer, architecture)
    _, again = run(corpus, tokenizer, architecture)
    _, other = run(corpus, tokenizer, architecture, seed=1)
    assert first.tuned.losses.tolist() == again.tuned.losses.tolist()
    assert first.tuned.losses.tolist() != other.tuned.losses.tolist()
    assert len(first.tuned.losses) == 12
    assert [look.step for look in first.looks] == [0, 6, 12]
    assert first.looks[-1].losses.nats.sum() < first.looks[0].losses.nats.sum()
    assert first.looks[-1].tokens == first.tuned.tokens


@pytest.mark.parametrize("architecture", ["gpt2", "bert"])
def test_looking_changes_nothing(corpus, tokenizer, architecture):
    def write(model):
        if architecture == "gpt2":
            return continue_texts(model, tokenizer, ["w1"], new_tokens=4, temperature=1.0)
        return None

    few, seldom = run(corpus, tokenizer, architecture, looks=2)
    many, often = run(corpus, tokenizer, architecture, looks=13, note=write)
    assert len(often.looks) == 13
    assert seldom.tuned.losses.tolist() == often.tuned.losses.tolist()
    for a, b in zip(few.parameters(), many.parameters(), strict=True):
        assert torch.equal(a, b)


def test_a_repetition_may_stop_early_and_has_the_same_first_losses(corpus, tokenizer):
    _, whole = run(corpus, tokenizer)
    _, part = run(corpus, tokenizer, stop_after=5)
    assert part.tuned.losses.tolist() == whole.tuned.losses[:5].tolist()
    assert [look.step for look in part.looks] == [0, 5]


def test_the_first_loss_is_that_of_guessing(corpus, tokenizer):
    _, result = run(corpus, tokenizer)
    before = result.looks[0].losses
    guess = np.log(len(tokenizer))
    assert before.nats.sum() / before.tokens.sum() == pytest.approx(guess, rel=0.02)
    assert result.tuned.losses[0] == pytest.approx(guess, rel=0.02)


def test_random_weights_depend_on_the_seed_alone(tokenizer):
    state = torch.get_rng_state()
    a, b, c = (new(tokenizer, seed=seed).transformer.wte.weight for seed in (1, 1, 2))
    assert torch.equal(a, b) and not torch.equal(a, c)
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("architecture", ["gpt2", "bert"])
def test_save_and_load_give_equal_logits(tokenizer, tmp_path, architecture):
    model = new(tokenizer, architecture)
    folder = tmp_path / "tiny"
    auto = AutoModelForCausalLM if architecture == "gpt2" else AutoModelForMaskedLM
    ids = torch.tensor([[0, 20, 21, 22, 0]])
    for half, tolerance in ((False, 0.0), (True, 2e-3)):
        checkpoints.save_checkpoint(model, tokenizer, folder, CARD, half=half)
        again = load_model(folder, auto)
        assert again.dtype == torch.float32 == model.dtype
        with torch.inference_mode():
            difference = (again(input_ids=ids).logits - model(input_ids=ids).logits).abs().max()
        assert float(difference) <= tolerance
    assert load_tokenizer(folder)("w1 w2")["input_ids"] == tokenizer("w1 w2")["input_ids"]
    stored = load_file(folder / "model.safetensors")
    assert {tensor.dtype for tensor in stored.values()} == {torch.float16}
    guess = pretraining.estimate(model.config, 32).megabytes
    assert checkpoints.file_megabytes(folder) == pytest.approx(guess, abs=0.01)


def test_a_loaded_checkpoint_scores_the_same(corpus, tokenizer, tmp_path):
    model, _ = run(corpus, tokenizer)
    checkpoints.save_checkpoint(model, tokenizer, tmp_path / "tiny", CARD, half=False)
    task = LanguageModeling(corpus, block_size=32)
    again = task.build_model(
        str(tmp_path / "tiny"), pretrained=True, seed=0, tokenizer=load_tokenizer(tmp_path / "tiny")
    )
    items = task.items("test")
    rows, collator = task.encode(items, tokenizer), task.collator(tokenizer)
    a, b = (document_losses(one, items, rows, collator).nats for one in (model, again))
    np.testing.assert_allclose(a, b, rtol=1e-6)


def test_a_checkpoint_tells_where_it_comes_from(tokenizer, tmp_path):
    folder = checkpoints.save_checkpoint(
        new(tokenizer), tokenizer, tmp_path / "a" / "tiny", CARD, losses=[5.0] * 300
    )
    card = (folder / "README.md").read_text(encoding="utf-8")
    for part in (
        "language: en",
        "# tiny",
        "counted words",
        "run 04 -p steps 12",
        '"steps": 12',
        "none needed",
    ):
        assert part in card
    assert json.loads((folder / "losses.json").read_text()) == [5.0] * 200
    assert [path.name for path in folder.parent.iterdir()] == ["tiny"]


def test_bad_input_is_a_sentence(corpus, tokenizer, tmp_path):
    task = LanguageModeling(corpus, block_size=32)
    items = task.items("train")

    def attempt(model, items, task=task, tokenizer=tokenizer, looks=2):
        train_and_watch(
            model, task, tokenizer, items, items, TRAINING, seed=0, looks=looks, device="cpu"
        )

    short = items.select([0]).map(lambda row: {"text": row["text"][:5]})
    with pytest.raises(UserError, match="tokens in all, less than one block of 32"):
        attempt(new(tokenizer), short)
    with pytest.raises(UserError, match="BertForMaskedLM has no causal head"):
        attempt(new(tokenizer, "bert"), items)
    with pytest.raises(UserError, match="block_size 64 is more than the 32 positions"):
        attempt(new(tokenizer), items, LanguageModeling(corpus, block_size=64))
    with pytest.raises(UserError, match="take the tokenizer that belongs to the model"):
        attempt(new(train_bytepairs(["abc"], 259)), items)
    with pytest.raises(UserError, match="looks must be at least 2"):
        attempt(new(tokenizer), items, looks=1)
    with pytest.raises(UserError, match=r"no architecture 'gpt3'\. Did you mean 'gpt2'"):
        pretraining.configuration("gpt3", tokenizer, **SHAPE)
    with pytest.raises(UserError, match="width of 16 cannot be shared by 3 heads"):
        pretraining.configuration("gpt2", tokenizer, **SHAPE | {"heads": 3})
    with pytest.raises(UserError, match="dropout must be at least 0 and below 1, not 1"):
        pretraining.configuration("gpt2", tokenizer, **SHAPE, dropout=1.0)
    (tmp_path / "mine").mkdir()
    with pytest.raises(UserError, match="exists and is no checkpoint"):
        checkpoints.save_checkpoint(new(tokenizer), tokenizer, tmp_path / "mine", CARD)
    with pytest.raises(UserError, match="take the tokenizer that belongs"):
        small = new(train_bytepairs(["abc"], 259))
        checkpoints.save_checkpoint(small, tokenizer, tmp_path / "new", CARD)


def test_a_checkpoint_cut_short_is_a_sentence(tokenizer, tmp_path):
    folder = checkpoints.save_checkpoint(new(tokenizer), tokenizer, tmp_path / "tiny", CARD)
    file = folder / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-100])
    with pytest.raises(UserError, match="cut short or damaged"):
        load_model(folder, AutoModelForCausalLM)


def backbone(architecture):
    torch.manual_seed(0)
    ends = {"vocab_size": 40, "bos_token_id": 0, "eos_token_id": 0, "pad_token_id": 1}
    if architecture == "bert":
        shape = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2}
        return BertModel(BertConfig(intermediate_size=32, **shape, **ends)).eval()
    return GPT2Model(GPT2Config(n_embd=16, n_layer=2, n_head=2, **ends)).eval()


IDS = torch.tensor([[5, 9, 20, 7, 11, 30]])


@pytest.mark.parametrize("architecture", ["gpt2", "bert"])
def test_a_language_head_trains_the_backbone_itself(architecture):
    encoder = backbone(architecture)
    reader = pretraining.with_language_head(encoder, seed=0)
    assert reader.base_model is encoder
    assert reader.get_input_embeddings().weight is encoder.get_input_embeddings().weight
    assert reader.get_output_embeddings().weight is encoder.get_input_embeddings().weight
    before = encoder(input_ids=IDS).last_hidden_state
    optimizer = torch.optim.SGD(reader.parameters(), lr=0.5)
    reader.eval()(input_ids=IDS, labels=IDS).loss.backward()
    optimizer.step()
    assert not torch.equal(encoder(input_ids=IDS).last_hidden_state, before)


@torch.no_grad()
def test_the_next_word_is_read_off_the_backbones_own_embeddings():
    encoder = backbone("gpt2")
    logits = pretraining.with_language_head(encoder, seed=0).eval()(input_ids=IDS).logits
    torch.testing.assert_close(
        logits, encoder(input_ids=IDS).last_hidden_state @ encoder.wte.weight.T
    )


def test_the_heads_own_weights_depend_on_the_seed_alone():
    encoder = backbone("bert")
    state = torch.get_rng_state()
    a, b, c = (
        pretraining.with_language_head(encoder, seed=seed).cls.predictions.transform.dense.weight
        for seed in (1, 1, 2)
    )
    assert torch.equal(a, b) and not torch.equal(a, c)
    assert torch.equal(torch.get_rng_state(), state)


def test_a_model_that_knows_no_words_is_refused():
    shape = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2}
    eyes = ViTModel(ViTConfig(image_size=4, patch_size=2, intermediate_size=8, **shape))
    sentence = "ViTModel can neither fill in masked words nor predict the next one"
    with pytest.raises(UserError, match=sentence):
        pretraining.with_language_head(eyes, seed=0)

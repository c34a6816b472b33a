"""An encoder-decoder as translator: rows, loss, what was learned, what batches do not change."""

import pytest
import torch
from datasets import DatasetDict
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import (
    BartConfig,
    ByT5Tokenizer,
    PreTrainedTokenizerFast,
    T5Config,
    T5ForConditionalGeneration,
)

from helpers import UserError
from helpers.sources.parallel import Cleaning, ParallelCorpus
from helpers.tasks.batches import IGNORED
from helpers.tasks.bytepairs import token_ids, train_bytepairs
from helpers.tasks.encoder_decoder import EncoderDecoderTranslation
from tests.tasks.test_language_modeling import gpt2
from tests.tasks.test_translation import PAIRS, pairs


@pytest.fixture(scope="module")
def tokenizer():
    texts = [text for pair in PAIRS for text in pair]
    return train_bytepairs([*texts, "the line of the file"] * 4, vocabulary=300, positions=64)


@pytest.fixture(scope="module")
def task():
    splits = DatasetDict({split: pairs() for split in ("train", "validation", "test")})
    cleaning = Cleaning(4, {}, 4, {}, 4, 1, {})
    corpus = ParallelCorpus("tiny", splits, cleaning, "", {}, "", "")
    return EncoderDecoderTranslation(corpus, max_length=48)


def t5(tokenizer, seed=0):
    torch.manual_seed(seed)
    config = T5Config(
        vocab_size=len(tokenizer), d_model=32, d_kv=8, d_ff=64, num_layers=2, num_heads=4,
        dropout_rate=0.0, pad_token_id=tokenizer.pad_token_id, eos_token_id=tokenizer.eos_token_id,
        decoder_start_token_id=tokenizer.pad_token_id,
    )  # fmt: skip
    return T5ForConditionalGeneration(config).eval()


@pytest.fixture(scope="module")
def folder(tokenizer, tmp_path_factory):
    folder = tmp_path_factory.mktemp("t5")
    t5(tokenizer).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def test_a_row_is_a_source_and_a_target_that_end(task, tokenizer):
    end = tokenizer.eos_token_id
    for (source, target), row in zip(PAIRS, task.encode(pairs(), tokenizer), strict=True):
        assert row["input_ids"] == [*token_ids([source], tokenizer)[0], end]
        assert row["labels"] == [*token_ids([target], tokenizer)[0], end]


def test_the_loss_is_that_of_the_target_and_no_padding_counts(task, tokenizer):
    model, rows = t5(tokenizer), task.encode(pairs(), tokenizer).to_list()
    batch = task.collator(tokenizer)(rows)
    assert (batch["labels"][1][len(rows[1]["labels"]) :] == IGNORED).all()
    start, nats = model.config.decoder_start_token_id, []
    with torch.inference_mode():
        for row in rows:  # by hand, one pair at a time: the decoder sees the tokens before
            before = torch.tensor([[start, *row["labels"][:-1]]])
            told = model(input_ids=torch.tensor([row["input_ids"]]), decoder_input_ids=before)
            chances = told.logits[0].log_softmax(-1)
            nats += [-chances[at, token].item() for at, token in enumerate(row["labels"])]
        assert model(**batch).loss.item() == pytest.approx(sum(nats) / len(nats), rel=1e-5)


def test_what_was_learned_is_translated_whatever_the_batch(task, tokenizer):
    model = t5(tokenizer)
    batch = task.collator(tokenizer)(task.encode(pairs(), tokenizer).to_list())
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    for _ in range(120):
        optimizer.zero_grad()
        model(**batch).loss.backward()
        optimizer.step()
    sources = [source for source, _ in PAIRS]
    for size in (1, 3, 4):
        found = task.translate(model, tokenizer, sources, max_new_tokens=30, batch_size=size)
        assert found == [target for _, target in PAIRS]
    assert task.score(found, pairs())["chrf"] == pytest.approx(100)
    assert task.translate(model, tokenizer, ["  Save   %s\n"], max_new_tokens=30) == ["保存 %s"]
    assert task.translate(model, tokenizer, []) == []


def test_a_folder_is_loaded_pretrained_or_from_scratch(task, tokenizer, folder):
    known = t5(tokenizer).state_dict()
    loaded = task.build_model(folder, pretrained=True, seed=1, tokenizer=tokenizer).state_dict()
    assert all(torch.equal(loaded[name], value) for name, value in known.items())
    random = [
        task.build_model(folder, pretrained=False, seed=seed).shared.weight for seed in (1, 1, 2)
    ]
    assert torch.equal(random[0], random[1]) and not torch.equal(random[0], random[2])


def test_long_pairs_are_left_out_or_refused_never_cut(task, tokenizer):
    short = EncoderDecoderTranslation(task.corpus, max_length=5)
    lengths = [
        max(len(row["input_ids"]), len(row["labels"])) for row in task.encode(pairs(), tokenizer)
    ]
    assert min(lengths) <= 5 < max(lengths)
    fitting = short.fitting(pairs(), tokenizer)
    assert len(fitting) == sum(length <= 5 for length in lengths)
    assert len(short.encode(fitting, tokenizer)) == len(fitting)
    with pytest.raises(
        UserError, match=r"The target of pair 2 \('保存 %s'\) has 6 tokens, more than"
    ):
        short.encode(pairs(), tokenizer)


def test_mistakes_are_sentences(task, tokenizer, folder, tmp_path):
    with pytest.raises(UserError, match="Pair 1 has an empty target; leave such pairs out"):
        task.encode(pairs([("a", "b"), ("c", " ")]), tokenizer)
    with pytest.raises(UserError, match="Sentence 1 is empty; there is nothing to translate"):
        task.translate(t5(tokenizer), tokenizer, ["Open", " "])
    gpt2().save_pretrained(tmp_path / "gpt2")
    with pytest.raises(UserError, match="gpt2 cannot be used as AutoModelForSeq2SeqLM"):
        task.build_model(tmp_path / "gpt2", pretrained=True, seed=0)
    BartConfig(
        vocab_size=300, d_model=16, encoder_layers=1, decoder_layers=1, max_position_embeddings=32,
        encoder_attention_heads=2, decoder_attention_heads=2, encoder_ffn_dim=8, decoder_ffn_dim=8,
    ).save_pretrained(tmp_path / "bart")  # fmt: skip
    (tmp_path / "bart" / "model.safetensors").write_bytes(
        (folder / "model.safetensors").read_bytes()
    )
    with pytest.raises(UserError, match="max_length 48 is more than the 32 positions that"):
        task.build_model(tmp_path / "bart", pretrained=False, seed=0)


def test_a_tokenizer_that_cannot_write_the_language_is_refused(task):
    words = {name: i for i, name in enumerate(["<pad>", "</s>", "<unk>", "Open", "Close", "the"])}
    core = Tokenizer(models.WordLevel(words, unk_token="<unk>"))
    core.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    english = PreTrainedTokenizerFast(
        tokenizer_object=core, pad_token="<pad>", eos_token="</s>", unk_token="<unk>"
    )
    with pytest.raises(UserError) as told:
        task.encode(pairs(), english)
    assert str(told.value) == (
        "100% of the target tokens are unknown to the model's tokenizer: it cannot write this "
        "language. Take one that can, like google/mt5-small or google/byt5-small."
    )
    endless = PreTrainedTokenizerFast(tokenizer_object=core, unk_token="<unk>")
    with pytest.raises(UserError, match="has no token for the end of a text or for padding; take"):
        task.encode(pairs(), endless)


def test_bytes_are_tokens_too(task):
    """ByT5's tokenizer has no vocabulary: it writes any language."""
    bytewise = ByT5Tokenizer()
    rows = task.encode(pairs(), bytewise)
    assert [len(row["labels"]) for row in rows] == [len(t.encode()) + 1 for _, t in PAIRS]
    found = task.translate(t5(bytewise), bytewise, ["Open the file", "Close"], max_new_tokens=5)
    assert len(found) == 2

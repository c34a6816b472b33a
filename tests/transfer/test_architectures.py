"""Every common encoder: read from its folder, tuned with LoRA, saved; what cannot be is a sentence.

Tiny random models stand in for the published ones: the same classes, the same names of parts.
"""

import pytest
import torch
import transformers as hf
from tokenizers import Tokenizer, models, pre_tokenizers

from helpers import UserError
from helpers.sources.corpora import from_rows
from helpers.sources.loading import positions
from helpers.sources.weights import check_inputs, load_model
from helpers.tasks.classification import TextClassification
from helpers.transfer import adapters, tuning
from helpers.transfer.strategies import get

WORDS = ["wheat", "corn", "bank", "loan", "ship", "port", "the", "a", "of", "price"]
SHAPE = {
    "vocab_size": 40, "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2,
    "intermediate_size": 32,
}  # fmt: skip
T5 = {"vocab_size": 40, "d_model": 16, "d_kv": 8, "d_ff": 32, "num_layers": 3, "num_heads": 2}
SPECIAL = {"pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2}

MAKERS = {
    "bert": lambda: hf.BertModel(hf.BertConfig(**SHAPE)),
    "roberta": lambda: hf.RobertaModel(hf.RobertaConfig(**SHAPE, max_position_embeddings=34)),
    "camembert": lambda: hf.CamembertModel(hf.CamembertConfig(**SHAPE)),
    "distilbert": lambda: hf.DistilBertModel(
        hf.DistilBertConfig(vocab_size=40, dim=16, n_layers=2, n_heads=2, hidden_dim=32)
    ),
    "modernbert": lambda: hf.ModernBertModel(
        hf.ModernBertConfig(**SHAPE, **SPECIAL, cls_token_id=1, sep_token_id=2)
    ),
    "mpnet": lambda: hf.MPNetModel(hf.MPNetConfig(**SHAPE, max_position_embeddings=34)),
    "albert": lambda: hf.AlbertModel(hf.AlbertConfig(**SHAPE, embedding_size=8)),
    "bigbird": lambda: hf.BigBirdModel(hf.BigBirdConfig(**SHAPE, **SPECIAL, sep_token_id=2)),
    "electra": lambda: hf.ElectraModel(hf.ElectraConfig(**SHAPE, embedding_size=8)),
    "deberta": lambda: hf.DebertaV2Model(hf.DebertaV2Config(**SHAPE)),
    "t5": lambda: hf.T5ForConditionalGeneration(hf.T5Config(**T5)),
    "xlnet": lambda: hf.XLNetModel(
        hf.XLNetConfig(vocab_size=40, d_model=16, n_layer=2, n_head=2, d_inner=32)
    ),
    "gpt2": lambda: hf.GPT2Model(
        hf.GPT2Config(vocab_size=40, n_embd=16, n_layer=2, n_head=2, **SPECIAL)
    ),
}


def tokenizer(**special):
    """Words of the texts, then three that stand for something else, of 35 numbers at most."""
    names = ["<pad>", "<s>", "</s>", "<unk>", *WORDS]
    whole = Tokenizer(models.WordLevel({name: i for i, name in enumerate(names)}, "<unk>"))
    whole.pre_tokenizer = pre_tokenizers.Whitespace()
    return hf.PreTrainedTokenizerFast(tokenizer_object=whole, unk_token="<unk>", **special)


def saved(folder, name, **special):
    torch.manual_seed(0)
    MAKERS[name]().save_pretrained(folder)
    tokenizer(**(special or {"pad_token": "<pad>", "eos_token": "</s>"})).save_pretrained(folder)
    return str(folder)


@pytest.fixture(scope="module")
def task():
    pairs = (("wheat corn", "grain"), ("bank loan", "money"), ("ship port", "sea"))
    rows = [(f"the {words} a price{' of' * (i % 7)} {WORDS[i % 10]}", label)
            for i in range(12) for words, label in pairs]  # fmt: skip
    texts, labels = zip(*rows, strict=True)
    published = ["train", "train", "validation", "test"] * 9
    return TextClassification(from_rows("made", texts, labels, published), 8)


ENCODERS = [name for name in MAKERS if name not in ("xlnet",)]


@pytest.mark.parametrize("name", ENCODERS)
def test_lora_learns_in_every_common_architecture(tmp_path, task, name):
    folder = saved(tmp_path, name)
    target = tuning.Target(task, folder, tokenizer(pad_token="<pad>", eos_token="</s>"))
    target.check(get("lora"))
    plain = tuning.prepare(target, get("full"), seed=0).eval()
    model = tuning.prepare(target, get("lora"), seed=0).eval()
    ids = torch.tensor([[4, 5, 6, 7]])
    mask = torch.ones_like(ids)
    with torch.no_grad():
        torch.testing.assert_close(model(ids, mask).logits, plain(ids, mask).logits)
    drawn = task.items("train", 9, 0)
    effort = tuning.Effort(2.5 * tuning.full_step(target, drawn, 8), 1e-2)
    done = tuning.tune(target, get("lora"), drawn, effort, seed=0, device="cpu")
    assert done.steps[0] >= 2
    tuned = tuning.merge_changes(done.model).state_dict()
    body = {key: value for key, value in plain.state_dict().items() if key.startswith("backbone")}
    changed = {key for key, value in body.items() if not torch.equal(tuned[key], value)}
    assert changed and all("weight" in key for key in changed)
    assert not any(word in key.lower() for key in changed for word in ("norm", "embed", "dense"))


@pytest.mark.parametrize("name", ["t5", "modernbert", "albert", "roberta", "distilbert"])
def test_a_saved_classifier_comes_back(tmp_path, task, name):
    model = task.build_model(saved(tmp_path / "base", name), pretrained=True, seed=0).eval()
    model.save(tmp_path / "tuned")
    again = type(model).load(tmp_path / "tuned")
    ids, mask = torch.tensor([[4, 5, 6, 0]]), torch.tensor([[1, 1, 1, 0]])
    with torch.no_grad():
        torch.testing.assert_close(again(ids, mask).logits, model(ids, mask).logits)


def test_of_t5_the_encoder_is_read_with_its_weights(tmp_path):
    folder = saved(tmp_path, "t5")
    whole = hf.T5ForConditionalGeneration.from_pretrained(folder)
    body = load_model(folder, hf.AutoModel)
    assert type(body) is hf.T5EncoderModel
    theirs = whole.encoder.state_dict()
    assert all(torch.equal(value, theirs[key]) for key, value in body.encoder.state_dict().items())


def test_another_encoder_with_decoder_is_refused(tmp_path):
    shape = {
        "d_model": 16, "encoder_layers": 1, "decoder_layers": 1, "encoder_ffn_dim": 16,
        "decoder_ffn_dim": 16, "encoder_attention_heads": 2, "decoder_attention_heads": 2,
    }  # fmt: skip
    hf.BartModel(hf.BartConfig(vocab_size=40, **SPECIAL, **shape)).save_pretrained(tmp_path)
    with pytest.raises(UserError) as error:
        load_model(str(tmp_path), hf.AutoModel)
    assert str(error.value) == (
        f"{tmp_path} has a decoder beside its encoder (model_type 'bart') and cannot be read as an "
        "encoder alone; take a T5, or an encoder such as BERT."
    )


@pytest.mark.parametrize("name", ["bert", "albert", "distilbert", "gpt2", "t5"])
@pytest.mark.parametrize("pretrained", [True, False])
def test_more_layers_than_there_are_are_refused(tmp_path, name, pretrained):
    folder = saved(tmp_path, name)
    there = 3 if name == "t5" else 2
    assert load_model(folder, hf.AutoModel, num_hidden_layers=1).config.num_hidden_layers == 1
    with pytest.raises(UserError) as error:
        load_model(folder, hf.AutoModel, pretrained=pretrained, num_hidden_layers=7)
    assert str(error.value) == (
        f"{folder} has {there} layers, so there is no {folder}:7; write {folder}:1 to "
        f"{folder}:{there}."
    )


def test_a_folder_that_lacks_a_layer_is_refused(tmp_path):
    config = hf.BertConfig(**SHAPE | {"num_hidden_layers": 4})
    model = hf.BertModel(config)
    lacking = {k: v for k, v in model.state_dict().items() if "layer.3." not in k}
    model.save_pretrained(tmp_path, state_dict=lacking)
    with pytest.raises(UserError) as error:
        load_model(str(tmp_path), hf.AutoModel)
    assert str(error.value) == (
        f"The weights of {tmp_path} are not whole: 16 of 71 parameters are not among them, "
        "encoder.layer.3.attention.output.LayerNorm.bias for one."
    )


LIMITS = [("roberta", 32), ("mpnet", 32), ("bert", 512), ("xlnet", None), ("t5", None)]


@pytest.mark.parametrize(("name", "there"), LIMITS)
def test_positions_are_those_that_a_text_may_take(tmp_path, name, there):
    folder = saved(tmp_path, name)
    model = load_model(folder, hf.AutoModel)
    assert positions(model) == there
    longest = there or 600
    ids = torch.full((1, longest), 5)
    with torch.no_grad():
        assert model(input_ids=ids).last_hidden_state.shape[1] == longest
    check_inputs(model, longest, folder)
    if there:
        with pytest.raises(UserError) as error:
            check_inputs(model, there + 1, folder)
        assert str(error.value) == (
            f"max_length {there + 1} is more than the {there} positions that {folder} has."
        )


def test_tokens_without_embeddings_are_refused(tmp_path, task):
    folder = saved(tmp_path, "bert")
    wide = tokenizer(pad_token="<pad>")
    wide.add_tokens([f"new{i}" for i in range(30)])
    wide.save_pretrained(folder)
    with pytest.raises(UserError) as error:
        task.build_model(folder, pretrained=True, seed=0)
    assert str(error.value) == (
        f"The tokenizer of {folder} has 44 tokens, the model embeddings of 40: call "
        "model.resize_token_embeddings(len(tokenizer)), train and save it."
    )


@pytest.mark.parametrize("special", [{"sep_token": "<s>"}, {"bos_token": "<s>"}])
def test_a_tokenizer_without_padding_and_end_pads_all_the_same(tmp_path, task, special):
    folder = saved(tmp_path, "bert", **special)
    words = tokenizer(**special)
    assert words.pad_token is None and words.eos_token is None
    batch = task.collator(words)(task.encode(task.items("train", 9, 0), words).to_list())
    assert batch["attention_mask"].min() == 0
    model = task.build_model(folder, pretrained=True, seed=0).eval()
    other = batch["input_ids"].masked_fill(batch["attention_mask"] == 0, 9)
    with torch.no_grad():
        logits = model(batch["input_ids"], batch["attention_mask"]).logits
        torch.testing.assert_close(model(other, batch["attention_mask"]).logits, logits)


def test_xlnet_is_read_and_tuned_whole_but_has_no_matrices_for_lora(tmp_path, task):
    folder = saved(tmp_path, "xlnet")
    target = tuning.Target(task, folder, tokenizer(pad_token="<pad>", eos_token="</s>"))
    drawn = task.items("train", 9, 0)
    effort = tuning.Effort(2.5 * tuning.full_step(target, drawn, 8), 1e-3)
    assert tuning.tune(target, get("full"), drawn, effort, seed=0, device="cpu").steps[0] >= 2
    with pytest.raises(UserError) as error:
        target.check(get("lora"))
    assert str(error.value) == (
        "LoRA does not know the attention of XLNetModel (model_type 'xlnet'); fine-tune it without."
    )


def factors(name):
    torch.manual_seed(0)
    model = MAKERS[name]().eval()
    changed = adapters.add_ia3(model)
    return sum(p.numel() for key, p in changed.named_parameters() if "ia3_" in key)


def test_ia3_finds_keys_values_and_what_goes_into_the_feed_forward_output():
    # a layer of DistilBERT: keys 16, values 16, what goes into its second matrix 32
    assert factors("distilbert") == 2 * (16 + 16 + 32)
    assert factors("modernbert") == 2 * (3 * 16 + 32)  # queries, keys and values are one matrix
    assert factors("albert") == 16 + 16 + 32  # its layers share their weights

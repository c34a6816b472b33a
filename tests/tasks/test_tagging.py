"""The tagging task on a small corpus of its own: splits, model, training, prediction."""

import numpy as np
import pytest
import torch
from datasets import Dataset, DatasetDict
from transformers import AutoModelForTokenClassification, BertModel

from helpers import UserError
from helpers.sources.corpora import SPLITS, Corpus
from helpers.sources.duplicates import LeakReport, Shingles, near_pairs
from helpers.tasks.characters import train_characters
from helpers.tasks.tagging import TokenTagging
from helpers.tasks.tagging_scores import entity_scores
from helpers.tasks.tags import from_bio
from helpers.transfer.finetuning import Training, fine_tune
from helpers.transfer.strategies import FULL, LINEAR_PROBE
from tests.tiny_bert import bert

FAMILY, GIVEN, CITIES = "江李王赵钱孙", "明华强丽军", ("北京", "上海", "广州", "天津")


def article(i):
    """Return two lines of numbers of their own, so that none is a near duplicate of another."""
    number = " ".join(f"{digit}/m" for digit in f"{i * 7919 % 100000:05d}")
    other = " ".join(f"{digit}/m" for digit in f"{i * 104729 % 99991:05d}")
    city = CITIES[i % 4]
    return (
        f"{FAMILY[i % 6]}/nr {GIVEN[i % 5]}/nr 在/p {city}/ns 说/v {number} 。/w {other} 年/q\n"
        f"新华社/nt {city}/ns {other} {number} 电/n"
    )


def corpus(**splits):
    texts = {split: [article(i) for i in range(k * 20, k * 20 + 20)]
             for k, split in enumerate(SPLITS)} | splits  # fmt: skip
    data = DatasetDict({split: Dataset.from_dict({"text": texts[split]}) for split in SPLITS})
    return Corpus("small", data, LeakReport({}, {}, {}, {}, {}, {}), "", {}, "", "")


@pytest.fixture(scope="module")
def task():
    return TokenTagging(corpus(), max_length=24)


@pytest.fixture(scope="module")
def tokenizer(task):
    return train_characters(task.items("train")["text"], vocabulary=80, positions=24)


@pytest.fixture(scope="module")
def folder(tokenizer, tmp_path_factory):
    """A tiny model in a folder."""
    path = str(tmp_path_factory.mktemp("bert"))
    shape = {"vocab_size": 80, "hidden_size": 32, "intermediate_size": 64}
    bert(pooler=True, max_position_embeddings=24, **shape).save_pretrained(path)
    tokenizer.save_pretrained(path)
    return path


def test_items_are_sentences_with_a_tag_for_each_character(task):
    item = task.items("train")[0]
    assert item["text"] == "江明在北京说00000。"
    assert item["tags"] == ["B-PER", "I-PER", "O", "B-LOC", "I-LOC", *["O"] * 7]
    assert (item["article"], item["line"]) == ("small, train, article 1", 1)
    assert task.label_names == ["O", "B-PER", "I-PER", "B-LOC", "I-LOC", "B-ORG", "I-ORG"]
    assert task.n_classes == 7


def test_no_article_and_no_near_duplicate_is_in_two_splits():
    again = [article(i) for i in (1, 2, 45)]  # two of train, one of test
    task = TokenTagging(corpus(validation=[article(30), *again]))
    articles = [set(task.items(split)["article"]) for split in SPLITS]
    assert not articles[0] & articles[1] | articles[0] & articles[2] | articles[1] & articles[2]
    texts = [list(task.items(split)["text"]) for split in SPLITS]
    shingles = Shingles([text for split in texts for text in split])
    ends = np.cumsum([0, *map(len, texts)])
    rows = [np.arange(ends[i], ends[i + 1]) for i in range(3)]
    for left, right in ((0, 1), (0, 2), (1, 2)):
        assert list(near_pairs(shingles, rows[left], rows[right])) == []
    assert task.leaks.removed == {"train": 0, "validation": 9, "test": 0}
    assert len(texts[1]) == 3


def test_draws_of_one_seed_are_contained_in_each_other(task):
    few, many, other = (task.items("train", n, s)["text"] for n, s in ((5, 1), (20, 1), (20, 2)))
    assert many[:5] == few[:]
    assert many[:] != other[:]


def test_the_types_may_be_others():
    task = TokenTagging(corpus(), types=("LOC",))
    assert task.label_names == ["O", "B-LOC", "I-LOC"]
    assert task.items("train")[0]["tags"][:5] == ["O", "O", "O", "B-LOC", "I-LOC"]


def test_a_batch_pads_the_labels_too(task, tokenizer):
    rows = task.encode(task.items("train").select([0, 1]), tokenizer)
    batch = task.collator(tokenizer)(rows.to_list())
    assert batch["input_ids"].shape == batch["labels"].shape == (2, 14)
    assert batch["labels"][1].tolist() == [-100, *[0] * 6, *[-100] * 7]
    assert batch["attention_mask"].sum(1).tolist() == [14, 8]


def test_the_model_is_the_librarys(task, folder):
    model = task.build_model(folder, pretrained=True, seed=3)
    theirs = AutoModelForTokenClassification.from_pretrained(folder, num_labels=7).eval()
    with torch.no_grad():
        theirs.classifier.weight.copy_(model.head.weight)
        theirs.classifier.bias.copy_(torch.arange(7.0))
        model.head.bias.copy_(torch.arange(7.0))
    ids = torch.tensor([[2, 9, 8, 7, 3], [2, 6, 3, 0, 0]])
    mask = (ids > 0).long()
    labels = torch.tensor([[-100, 1, 2, 0, -100], [-100, 5, -100, -100, -100]])
    with torch.inference_mode():
        ours, oracle = model.eval()(ids, mask, labels), theirs(ids, mask, labels=labels)
    torch.testing.assert_close(ours.logits, oracle.logits)
    torch.testing.assert_close(ours.loss, oracle.loss)


def test_a_seed_decides_every_random_weight_and_pretrained_is_pretrained(task, folder):
    one, same, other = (
        task.build_model(folder, pretrained=False, seed=s).state_dict() for s in (5, 5, 6)
    )
    assert all(one[key].equal(same[key]) for key in one)
    assert not one["head.weight"].equal(other["head.weight"])
    kept = task.build_model(folder, pretrained=True, seed=5).backbone.state_dict()
    reference = BertModel.from_pretrained(folder).state_dict()
    assert all(kept[key].equal(reference[key]) for key in reference)


def test_fine_tuning_learns_what_it_is_shown(task, folder, tokenizer):
    items = task.items("train")
    model = task.build_model(folder, pretrained=True, seed=0)
    rows = task.encode(items, tokenizer)
    before = task.score(task.predict(model, items, tokenizer), items["tags"])
    done = fine_tune(
        model, rows, task.collator(tokenizer), FULL,
        Training(learning_rate=5e-3, batch_size=16, epochs=12), seed=0, device="cpu",
    )  # fmt: skip
    after = task.score(task.predict(model, items, tokenizer), items["tags"])
    assert done.losses[-1] < 0.2 * done.losses[0]
    assert before["f1"] < 0.5
    assert after["f1"] > 0.95


def test_a_linear_probe_changes_the_head_alone(task, folder, tokenizer):
    model = task.build_model(folder, pretrained=True, seed=0)
    before = {key: value.clone() for key, value in model.state_dict().items()}
    rows = task.encode(task.items("train", 8), tokenizer)
    fine_tune(
        model, rows, task.collator(tokenizer), LINEAR_PROBE, Training(epochs=1), seed=0,
        device="cpu",
    )  # fmt: skip
    changed = {key for key, value in model.state_dict().items() if not value.equal(before[key])}
    assert changed == {"head.weight", "head.bias"}


class Lookup(torch.nn.Module):
    """Knows the class of every token by its id, whatever stands around it."""

    def __init__(self, tokenizer, classes):
        super().__init__()
        known = {"江": 1, "明": 2, "北": 3, "京": 4}
        table = [known.get(token, 0) for token in tokenizer.convert_ids_to_tokens(range(80))]
        self.table = torch.nn.Parameter(torch.eye(classes)[table])

    def forward(self, input_ids, attention_mask):
        return type("Out", (), {"logits": self.table[input_ids]})


def test_windows_lose_no_character_and_keep_the_order_of_the_items(task, tokenizer):
    texts = ["江明" * 30, "在", "北京江明" * 9, "在北京"]
    items = Dataset.from_dict({"text": texts})
    model = Lookup(tokenizer, task.n_classes)
    found = task.predict(model, items, tokenizer, batch_size=3)
    assert [len(tags) for tags in found] == [60, 1, 36, 3]
    assert found[0] == ["B-PER", "I-PER"] * 30
    assert found[1] == ["O"]
    assert found[2] == ["B-LOC", "I-LOC", "B-PER", "I-PER"] * 9
    assert found[3] == ["O", "B-LOC", "I-LOC"]
    assert len(task.encode(items, tokenizer)) == 3 + 1 + 2 + 1
    # 3 tokens of text a window: names are cut, and put together again.
    narrow = TokenTagging(task.corpus, max_length=5)
    assert narrow.predict(model, items, tokenizer) == found


def test_prediction_looks_at_no_tags(task, folder, tokenizer):
    model = task.build_model(folder, pretrained=True, seed=0)
    items = task.items("test", 5)
    bare = items.select_columns("text")
    assert task.predict(model, items, tokenizer) == task.predict(model, bare, tokenizer)


def test_score_is_that_of_entities(task):
    items = task.items("test")
    wrong = [[tag.replace("LOC", "ORG") for tag in tags] for tags in items["tags"]]
    scores = task.score(wrong, items["tags"])
    assert scores == entity_scores(items["tags"], wrong, task.types)
    there = [span for tags in items["tags"] for span in from_bio(tags)]
    right = sum(span.type != "LOC" for span in there)
    assert scores["f1"] == pytest.approx(right / len(there))
    assert scores["f1_LOC"] == 0.0
    assert scores["f1_PER"] == 1.0


def test_tags_that_do_not_parse_are_a_sentence_with_article_and_line():
    bad = [article(1), "好/a\n江/nr 泽民 好/a"]
    with pytest.raises(UserError, match="In small, test, article 2, line 2, '泽民' is not a word"):
        TokenTagging(corpus(test=bad))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"max_length": 2}, "max_length must be at least 3"),
        ({"types": ("PERSON",)}, "There is no entity type 'PERSON'"),
        (
            {"types": ("PER", "MISC")},
            "The training articles of small have no entity of type 'MISC'",
        ),
    ],
)
def test_wrong_settings_are_a_sentence(settings, message):
    with pytest.raises(UserError, match=message):
        TokenTagging(corpus(), **settings)


def test_more_sentences_than_there_are_is_a_sentence(task):
    with pytest.raises(UserError, match="5000 labelled sentences were asked for, but the split"):
        task.items("train", 5000)
    with pytest.raises(UserError, match="0 labelled sentences were asked for"):
        task.items("train", 0)


def test_a_window_longer_than_the_model_is_a_sentence(folder):
    with pytest.raises(UserError, match="max_length 128 is more than the 24 positions"):
        TokenTagging(corpus()).build_model(folder, pretrained=False, seed=0)

"""From labels to a folder: what is tried, what is kept apart, what the limit of time does."""

import json

import numpy as np
import pytest

from helpers import UserError
from helpers.delivery import deliver as delivery
from helpers.delivery import folder
from helpers.delivery.answer import Answer
from helpers.delivery.clock import Clock
from helpers.delivery.deliver import deliver
from helpers.delivery.judging import PARTS
from helpers.delivery.recipe import recipe
from tests.delivery import made


@pytest.fixture(scope="module", autouse=True)
def short_trainings():
    """One step size and five epochs: what is chosen is tested elsewhere."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("helpers.delivery.tuning.PLANS", ((1, 5),))
        patch.setattr("helpers.delivery.tuning.RATES", ((3e-3,), 3e-3))
        patch.setattr("helpers.delivery.contrastive.PLANS", (((3e-3,), 8),))
        yield


@pytest.fixture(scope="module")
def whole(encoder, tmp_path_factory):
    """One delivery with everything in it."""
    out, lines = tmp_path_factory.mktemp("out"), []
    corpus = made.corpus(160)
    answer = deliver(
        corpus, out, Clock(5, lines.append), encoders=[encoder], max_length=32
    )  # fmt: skip
    return corpus, out, answer, lines


def test_candidates_come_from_cheap_to_dear_and_one_is_taken(whole, encoder):
    _, _, answer, lines = whole
    assert [row["candidate"] for row in answer.candidates] == [
        "largest class", "TF-IDF of words", "TF-IDF of characters",
        f"static embeddings of {encoder}", f"frozen {encoder}", f"contrastively tuned {encoder}",
        f"fine-tuned {encoder}",
    ]  # fmt: skip
    assert sum(row["taken"] for row in answer.candidates) == 1 and answer.left_out == []
    assert not answer.candidates[0]["taken"] and answer.estimate().accuracy.value > 0.9
    assert all(line.startswith("[") and " s left] " in line for line in lines)
    assert any(
        "TF-IDF of words: 80 labels" in line or "TF-IDF of words: " in line for line in lines
    )


def test_every_label_is_learned_from_and_the_judges_chose_nothing(whole, monkeypatch):
    corpus, _, answer, _ = whole
    parts = {name: len(split) for name, split in corpus.splits.items()}
    assert answer.delivered["labels"] == sum(parts.values())
    asked = parts["train"] + parts["validation"]
    assert len(answer.truth) == parts["test"] and answer.judged == asked
    dear = "tuned" in answer.delivered["name"]
    others = 0 if dear else parts["test"] - -(-parts["test"] // PARTS)
    assert answer.delivered["judged_with"] == asked + others
    assert answer.curve.counts[-1] == answer.judged


def test_scrambled_judges_change_nothing_but_the_estimate(tmp_path):
    """Were anything chosen by the test, its labels would move the choice or the setting."""
    corpus = made.corpus(160)
    found = []
    for way in ("right", "scrambled"):
        splits = dict(corpus.splits)
        if way == "scrambled":
            labels = np.random.default_rng(0).permutation(splits["test"]["label"]).tolist()
            test = splits["test"].remove_columns("label").add_column("label", labels)
            splits["test"] = test.cast(corpus.splits["test"].features)
        (tmp_path / way).mkdir()
        other = type(corpus)(**{**vars(corpus), "splits": splits, "fingerprint": way})
        found.append(
            deliver(other, tmp_path / way, Clock(5), encoders=[], fine_tune=False, own_test=True)
        )
    one, other = found
    assert one.candidates == other.candidates and one.delivered == other.delivered
    assert one.suspects == other.suspects
    np.testing.assert_array_equal(one.probabilities["chosen"], other.probabilities["chosen"])
    assert one.estimate().accuracy.value > other.estimate().accuracy.value + 0.3


def test_a_test_file_is_not_learned_from(tmp_path):
    corpus = made.corpus(80)
    answer = deliver(corpus, tmp_path, Clock(5), encoders=[], fine_tune=False, own_test=True)
    assert answer.delivered["labels"] == len(corpus.splits["train"]) + len(
        corpus.splits["validation"]
    )


def test_what_is_there_already_is_not_made_again(whole, encoder, monkeypatch):
    corpus, out, answer, _ = whole
    monkeypatch.setattr(delivery, "Contest", None)
    again = deliver(corpus, out, Clock(5), encoders=[encoder], max_length=32)
    assert again.candidates == answer.candidates and again.delivered == answer.delivered
    assert str(again.estimate().macro_f1) == str(answer.estimate().macro_f1)
    assert again.recommendation() == answer.recommendation()
    with pytest.raises(TypeError):  # other parameters, another answer
        deliver(corpus, out, Clock(4), encoders=[encoder], max_length=32)
    assert Answer.restore(out / "nowhere", answer.key) is None


def test_the_folder_holds_the_taken_model_and_what_was_measured(whole):
    corpus, out, answer, _ = whole
    model, facts = folder.load(out / "model")
    assert model.kind == answer.delivered["kind"] and facts["labels"] == corpus.label_names
    assert facts["trained_on"] == answer.delivered["labels"]
    assert facts["accuracy"] == round(answer.estimate().accuracy.value, 4)
    card = (out / "model" / "README.md").read_text(encoding="utf-8")
    assert all(f"    {sentence}" in card for sentence in answer.recommendation())


def test_too_short_a_limit_still_gives_the_largest_class_and_tfidf(tmp_path, encoder):
    answer = deliver(made.corpus(80), tmp_path, Clock(1e-6), encoders=[encoder], max_length=32)
    assert [row["candidate"] for row in answer.candidates] == ["largest class", "TF-IDF of words"]
    assert answer.delivered["kind"] == "words" and answer.curve is None
    assert answer.left_out == [
        "The time was over before the further candidates; allow more minutes."
    ]
    assert folder.load(tmp_path / "model")[1]["kind"] == "words"


@pytest.fixture
def tuned_is_best(monkeypatch):
    """Whatever is compared, the last candidate is taken."""
    monkeypatch.setattr(delivery.choose, "simplest", lambda tried, _: tried[-1])


def test_a_fine_tuned_winner_is_judged_trained_on_all_and_delivered(
    tmp_path, encoder, tuned_is_best
):
    corpus = made.corpus(60)
    answer = deliver(corpus, tmp_path, Clock(5), encoders=[encoder], max_length=32)
    assert answer.delivered["kind"] == "fine_tuned" and "temperature" in answer.delivered["setting"]
    assert answer.delivered["labels"] == sum(map(len, corpus.splits.values()))
    assert answer.curve.candidate != answer.delivered["name"]
    model, _ = folder.load(tmp_path / "model")
    mean = model.probabilities(list(corpus.splits["test"]["text"])).max(1).mean()
    assert mean == pytest.approx(answer.probabilities["chosen"].max(1).mean(), abs=0.2)


def test_a_training_slower_than_planned_ends_in_time(tmp_path, encoder, tuned_is_best, monkeypatch):
    corpus = made.corpus(60)
    train = delivery.FullTuning.fit

    def late(self, texts, *rest):
        if len(texts) > answer_labels:
            raise delivery.OutOfTime
        return train(self, texts, *rest)

    answer_labels = len(corpus.splits["train"]) + len(corpus.splits["validation"])
    monkeypatch.setattr(delivery.FullTuning, "fit", late)
    answer = deliver(corpus, tmp_path, Clock(5), encoders=[encoder], max_length=32)
    assert answer.delivered["kind"] == "fine_tuned"
    assert answer.delivered["labels"] < answer_labels
    assert answer.left_out == [
        f"There was no time to train on all labels; {answer.delivered['labels']} are behind the "
        "delivered model: allow more minutes."
    ]
    model, _ = folder.load(tmp_path / "model")
    said = model.probabilities(list(corpus.splits["test"]["text"]))
    np.testing.assert_allclose(said, answer.probabilities["chosen"], atol=0.02)


def test_a_comparison_slower_than_planned_is_left_out(tmp_path, encoder, monkeypatch):
    monkeypatch.setattr(
        delivery.FullTuning, "plan", lambda *_: ([{"rate": 1e-3, "epochs": 500}], 60)
    )
    monkeypatch.setattr(delivery.choose, "cross_validate", _late(delivery.choose.cross_validate))
    answer = deliver(made.corpus(60), tmp_path, Clock(5), encoders=[encoder], max_length=32)
    assert answer.candidates[-1]["candidate"] == f"contrastively tuned {encoder}"
    assert answer.left_out == [
        f"There was too little time for fine-tuned {encoder}: it was slower than it began; allow "
        "more minutes."
    ]


def _late(compare):
    def compared(candidate, *rest):
        if isinstance(candidate, delivery.FullTuning):
            candidate.deadline = 0.0  # long ago
        return compare(candidate, *rest)

    return compared


@pytest.mark.parametrize(("few", "rank", "last"), [(10, 0, "fine-tuned"), (1000, 2, "LoRA on")])
def test_pairs_are_for_few_labels_and_not_beside_lora(
    tmp_path, encoder, monkeypatch, few, rank, last
):
    monkeypatch.setattr(delivery.choose, "FEW", few)
    options = {"encoders": [encoder], "max_length": 32, "lora_rank": rank}
    answer = deliver(made.corpus(60), tmp_path, Clock(5), **options)
    names = [row["candidate"] for row in answer.candidates]
    assert names[-2:] == [f"frozen {encoder}", f"{last} {encoder}"]


def test_labels_without_sense_get_the_largest_class(tmp_path):
    texts, _ = made.rows(160, share=0)
    rng = np.random.default_rng(0)
    labels = rng.choice(made.NAMES, len(texts), p=[0.6, 0.2, 0.2]).tolist()
    cut = ["test" if i % 4 == 3 else "validation" if i % 4 == 2 else "train" for i in range(160)]
    corpus = made.from_rows("made", texts, labels, cut)
    answer = deliver(corpus, tmp_path, Clock(5), encoders=[], fine_tune=False)
    assert answer.delivered["kind"] == "largest" and not answer.beats_largest
    said = answer.recommendation()
    assert said[0] == (
        "Nothing beats the largest class on these labels: always saying 'bank' is as good."
    )
    assert folder.load(tmp_path / "model")[0].probabilities(["x"]).argmax() == 0


def test_a_folder_in_the_way_is_told_before_any_work(tmp_path):
    (tmp_path / "model").mkdir()
    lines = []
    with pytest.raises(UserError, match="model exists and is no delivered model; remove it"):
        deliver(made.corpus(80), tmp_path, Clock(5, lines.append), encoders=[])
    assert lines == []


def test_no_time_is_no_limit():
    with pytest.raises(UserError) as error:
        Clock(0)
    assert str(error.value) == "minutes must be above 0, not 0."


@pytest.mark.parametrize(
    ("kind", "name", "stands_for"),
    [
        ("characters", "TF-IDF of characters", "TF-IDF of characters"),
        ("static", "static embeddings of minilm", "static embeddings of minilm"),
        ("fine_tuned", "fine-tuned minilm", "TF-IDF of words"),
        ("frozen", "frozen minilm", "frozen minilm"),
        ("frozen", "contrastively tuned minilm", "frozen minilm"),
        ("largest", "largest class", "TF-IDF of words"),
    ],
)
def test_a_recipe_can_be_trained_again(whole, kind, name, stands_for):
    answer = whole[2]
    changed = type(answer)(
        **{**vars(answer), "delivered": {"kind": kind, "name": name, "setting": {"C": 1.0}}}
    )
    way, setting = recipe(changed, ["minilm"], 32)
    assert way.name == stands_for and set(setting) == {"C"}


def test_what_is_kept_is_plain(whole):
    _, out, _, _ = whole
    assert json.loads((out / "answer.json").read_text())["judged"] > 0
    assert {path.name for path in out.iterdir()} == {"answer.json", "held_out.safetensors", "model"}

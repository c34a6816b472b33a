"""Arms that translate, on tiny pairs: what is kept, what is learned, what is written."""

import numpy as np
import pytest
import sacrebleu
import torch

from helpers.baselines.translators import Glossary, TranslationMemory
from helpers.tasks.batches import IGNORED
from helpers.tasks.translation import translate
from helpers.trials import inputs, runner, translating
from helpers.trials.arms import run
from helpers.trials.networks import labelled
from helpers.trials.rows import item_rows, n_items
from tests.trials import tiny

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("translating")
    return folder, tiny.write_messages(folder), tiny.write_writer(folder)


def made(place, arm, **more):
    folder, corpus, model = place
    (trial,) = tiny.translation_trials(corpus, model, arm, **more)
    read = inputs.inputs_for(trial, folder / "inputs")
    return trial, read, run(trial, read, {model: {"folder": model}}, CPU)


def sides(read, split):
    every = np.arange(n_items(read, split))
    return [translating.side(read, split, which, every) for which in ("text", "target")]


def test_texts_come_back_as_they_were_kept():
    texts = ["关闭 a", "", "\ufffd打", "é"]
    assert translating.texts_in(translating.as_bytes(texts)) == texts
    assert translating.as_bytes([]).shape == (0, 0)
    assert translating.texts_in(translating.as_bytes(["a\0"])) == ["a\ufffd"]


def test_what_is_kept_gives_sacrebleus_scores(place):
    trial, read, outcome = made(place, "memory", setting={"longest": 3})
    _, targets = sides(read, "test")
    written = translating.texts_in(outcome.items["written"])
    assert len(written) == trial.items == len(targets)
    expected = sacrebleu.corpus_chrf(written, [targets]).score
    assert translating.chrf(outcome) == pytest.approx(expected)
    assert runner.score_of(trial, outcome) == pytest.approx(expected / 100)


def test_the_baselines_learn_the_pairs_that_the_trial_sees_and_no_others(place):
    for arm, setting, make in (
        ("memory", {"longest": 4}, lambda pairs: TranslationMemory(pairs, 4)),
        ("glossary", {"least": 0.3}, lambda pairs: Glossary(pairs, 0.3)),
    ):
        trial, read, outcome = made(place, arm, setting=setting, labels=9)
        sources, targets = sides(read, "train")
        seen = labelled(trial, read)
        assert len(seen) == 9
        pairs = {"source": [sources[i] for i in seen], "target": [targets[i] for i in seen]}
        expected = make(pairs).translate(sides(read, "test")[0])
        assert translating.texts_in(outcome.items["written"]) == expected
    _, read, outcome = made(place, "copy")
    assert translating.texts_in(outcome.items["written"]) == sides(read, "test")[0]


def test_rows_ask_for_the_target_and_the_end_alone(place):
    _, read, _ = made(place, "fine_tuned", setting={"learning_rate": 0.01, "steps": 1})
    last = read["names"][0]
    for ids, labels in item_rows(read, "validation"):
        first = int(np.argmax(labels != IGNORED))
        assert (labels[:first] == IGNORED).all() and (labels[first:] == ids[first:]).all()
        assert ids[0] == ids[-1] == last and len(ids) <= 128


def test_a_network_learns_and_both_starts_differ(place):
    setting = {"learning_rate": 0.01, "steps": 40}
    _, _, tuned = made(place, "fine_tuned", setting=setting)
    _, _, scratch = made(place, "from_scratch", setting=setting)
    for outcome in (tuned, scratch):
        loss = outcome.curve["validation_loss"]
        assert loss[-1] < loss[0] - 0.5 and outcome.curve["validation_score"][-1] > 0.1
    assert tuned.curve["validation_loss"][0] != scratch.curve["validation_loss"][0]


def test_the_loss_is_the_models_own(place):
    trial, read, _ = made(place, "fine_tuned", setting={"learning_rate": 0.01, "steps": 1})
    model = translating.build(trial, {trial.model: {"folder": trial.model}}, pretrained=True)
    rows = item_rows(read, "validation")[:1]
    loss, share = translating.loss_and_share(model, rows, precision="float32", device=CPU)
    ids, labels = (torch.from_numpy(array.astype(np.int64))[None] for array in rows[0])
    out = model(input_ids=ids, labels=labels)
    assert loss == pytest.approx(out.loss.item(), rel=1e-5)
    right = out.logits[0, :-1].argmax(-1) == labels[0, 1:]
    assert share == pytest.approx(right[labels[0, 1:] != IGNORED].float().mean().item())


def test_what_is_written_is_what_the_task_writes(place):
    model_name = place[2]
    trial, read, _ = made(place, "fine_tuned", setting={"learning_rate": 0.01, "steps": 1})
    folders = {model_name: {"folder": model_name}}
    model = translating.build(trial, folders, pretrained=True)
    from helpers.sources.weights import load_tokenizer

    sources = sides(read, "test")[0]
    tokenizer = load_tokenizer(model_name)
    alone = translate(model, tokenizer, sources[:5], max_new_tokens=30, batch_size=1)
    few = {**trial.options, "max_new_tokens": 30}
    short = type(trial)(**{**vars(trial), "setting": tuple(few.items())})
    assert translating.write(model, short, read, folders)[:5] == alone

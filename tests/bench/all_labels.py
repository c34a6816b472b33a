"""Two scores that need every labelled text of their corpus, and so minutes to hours of training.

`topics`: 20 Newsgroups by date, MiniLM fine-tuned against TF-IDF + logistic regression. `entities`:
names in People's Daily, `bert-zh-mini` with every training sentence. One seed, settings fixed
beforehand; the intervals are over test texts (articles) only, not over seeds. Not part of
`make bench`: `python -m tests.bench.all_labels entities --epochs 2`.
"""

import argparse

import numpy as np
import torch

from helpers.evaluation.significance import bootstrap_interval, paired_bootstrap
from helpers.runs.determinism import settle
from helpers.sources.corpora import load_texts
from helpers.sources.weights import load_tokenizer
from helpers.tasks.baselines import tfidf_logistic
from helpers.tasks.classification import TextClassification
from helpers.tasks.tagging import TokenTagging
from helpers.tasks.tagging_scores import entity_counts, f1_of_counts
from helpers.tasks.tags import DEFAULT
from helpers.transfer import finetuning, strategies


def topics(training: finetuning.Training, max_length: int) -> None:
    """Print both accuracies on the whole test split, and their difference."""
    task = TextClassification(load_texts("20newsgroups"), max_length)
    train, test = (task.items(split, len(task.corpus.splits[split])) for split in ("train", "test"))
    truth = np.array(test["label"])
    words = np.array(tfidf_logistic(train, test, 100.0)) == truth
    print(f"TF-IDF + logistic regression: {bootstrap_interval(words)}", flush=True)
    tokenizer = load_tokenizer("minilm")
    model = task.build_model("minilm", pretrained=True, seed=0)
    encoded, collate = task.encode(train, tokenizer), task.collator(tokenizer)
    finetuning.fine_tune(model, encoded, collate, strategies.FULL, training, seed=0)
    logits = finetuning.predict(model, task.encode(test, tokenizer), collate)
    tuned = logits.argmax(1) == truth
    print(f"MiniLM fine-tuned, {training}, {max_length} tokens: {bootstrap_interval(tuned)}")
    print(f"difference on {len(truth)} texts: {paired_bootstrap(tuned, words)} (wanted: 0.80)")


def entities(training: finetuning.Training, max_length: int) -> None:
    """Print entity F1 on every test sentence, with an interval over articles."""
    texts = load_texts("peoples-daily", text_column="tagged", label_column=None)
    task = TokenTagging(texts, DEFAULT, max_length)
    train, held_out, test = (
        task.items(split, len(task.splits[split])) for split in ("train", "validation", "test")
    )
    tokenizer = load_tokenizer("bert-zh-mini")
    model = task.build_model("bert-zh-mini", pretrained=True, seed=0)
    encoded, collate = task.encode(train, tokenizer), task.collator(tokenizer)
    finetuning.fine_tune(model, encoded, collate, strategies.FULL, training, seed=0)
    chosen_by = task.score(task.predict(model, held_out, tokenizer), list(held_out["tags"]))
    print(f"{training}: F1 on validation {chosen_by['f1']:.3f}", flush=True)
    found = task.predict(model, test, tokenizer)
    gold, articles = list(test["tags"]), list(test["article"])
    counts = entity_counts(gold, found, groups=articles)
    interval = bootstrap_interval(counts, statistic=f1_of_counts)
    scores = {name: round(value, 3) for name, value in task.score(found, gold).items()}
    print(f"bert-zh-mini, {len(train)} sentences, {training}: F1 {interval} (wanted: 0.90)")
    print(f"{len(test)} sentences of {len(counts)} articles: {scores}")


def main() -> None:
    """Run the one that is named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["topics", "entities"])
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--rate", type=float, help="largest step size (3e-4, 1e-3)")
    parser.add_argument("--optimizer", default="adamw", choices=["adamw", "muon"])
    parser.add_argument("--threads", type=int, default=2)
    chosen = parser.parse_args()
    settle(0)
    torch.set_num_threads(chosen.threads)
    if chosen.what == "topics":
        training = finetuning.Training(
            chosen.rate or 3e-4, 16, chosen.epochs, None, chosen.optimizer
        )
        topics(training, max_length=96)
    else:
        training = finetuning.Training(
            chosen.rate or 1e-3, 16, chosen.epochs, None, chosen.optimizer
        )
        entities(training, max_length=128)


if __name__ == "__main__":
    main()

"""Two scores that need every labelled text of their corpus, and so hours of training on two cores.

`topics`: 20 Newsgroups by date, MiniLM fine-tuned against TF-IDF + logistic regression. `entities`:
names in People's Daily, `bert-zh-mini` with every training sentence. One training; choose its
settings by the score on validation. The intervals are over test texts (articles) only, not over
seeds. Not part of `make bench`: `python -m tests.bench.all_labels entities --epochs 2`.
"""

import argparse

import numpy as np
from datasets import Dataset

from helpers.base.determinism import settle
from helpers.baselines.bag_of_words import tfidf_logistic
from helpers.evaluation.significance import bootstrap_interval, paired_bootstrap
from helpers.sources.corpora import load_texts
from helpers.sources.weights import load_tokenizer
from helpers.tasks.classification import TextClassification
from helpers.tasks.tagging import TokenTagging
from helpers.tasks.tagging_scores import entity_counts, f1_of_counts
from helpers.tasks.tags import DEFAULT
from helpers.transfer import finetuning, strategies


def topics(training: finetuning.Training, max_length: int, seed: int) -> None:
    """Print both accuracies on the whole test split, and their difference."""
    task = TextClassification(load_texts("20newsgroups"), max_length)
    train, held_out, test = (
        task.items(split, len(task.corpus.splits[split]))
        for split in ("train", "validation", "test")
    )
    truth = np.array(test["label"])
    words = np.array(tfidf_logistic(train, test, 100.0)) == truth
    print(f"TF-IDF + logistic regression: {bootstrap_interval(words)}", flush=True)
    tokenizer = load_tokenizer("minilm")
    model = task.build_model("minilm", pretrained=True, seed=seed)
    encoded, collate = task.encode(train, tokenizer), task.collator(tokenizer)
    finetuning.fine_tune(model, encoded, collate, strategies.FULL, training, seed=seed)

    def right(items: Dataset) -> np.ndarray:
        logits = finetuning.predict(model, task.encode(items, tokenizer), collate)
        return logits.argmax(1) == np.array(items["label"])

    print(f"accuracy on validation: {right(held_out).mean():.4f}", flush=True)
    tuned = right(test)
    print(f"MiniLM fine-tuned, {training}, {max_length} tokens: {bootstrap_interval(tuned)}")
    print(f"difference on {len(truth)} texts: {paired_bootstrap(tuned, words)} (wanted: 0.80)")


def entities(training: finetuning.Training, max_length: int, dropout: float, seed: int) -> None:
    """Print entity F1 on every test sentence, with an interval over articles."""
    texts = load_texts("peoples-daily", text_column="tagged", label_column=None)
    task = TokenTagging(texts, DEFAULT, max_length)
    train, held_out, test = (
        task.items(split, len(task.splits[split])) for split in ("train", "validation", "test")
    )
    tokenizer = load_tokenizer("bert-zh-mini")
    inside = {"hidden_dropout_prob": dropout, "attention_probs_dropout_prob": dropout}
    model = task.build_model("bert-zh-mini", pretrained=True, seed=seed, **inside)
    encoded, collate = task.encode(train, tokenizer), task.collator(tokenizer)
    finetuning.fine_tune(model, encoded, collate, strategies.FULL, training, seed=seed)
    chosen_by = task.score(task.predict(model, held_out, tokenizer), list(held_out["tags"]))
    print(f"dropout {dropout}, {training}: F1 on validation {chosen_by['f1']:.4f}", flush=True)
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
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--max-length", type=int, help="tokens of a text (96, 128)")
    parser.add_argument("--optimizer", default="adamw", choices=["adamw", "muon"])
    parser.add_argument("--dropout", type=float, default=0.0, help="in the encoder (entities)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=2)
    chosen = parser.parse_args()
    settle(chosen.seed, chosen.threads)
    rate = chosen.rate or {"topics": 3e-4, "entities": 1e-3}[chosen.what]
    training = finetuning.Training(rate, chosen.batch_size, chosen.epochs, None, chosen.optimizer)
    if chosen.what == "topics":
        topics(training, chosen.max_length or 96, chosen.seed)
    else:
        entities(training, chosen.max_length or 128, chosen.dropout, chosen.seed)


if __name__ == "__main__":
    main()

"""Arms that need no network: the largest class, a bag of words, a list of names, a linear tagger.

They read texts and need scikit-learn, so they run where the corpus is.
"""

import numpy as np
import torch

from helpers.trials import answers
from helpers.trials.networks import classes_seen, labelled
from helpers.trials.outcome import Outcome
from helpers.trials.rows import Inputs, item_texts, n_items
from helpers.trials.tasks.base import Folders
from helpers.trials.trial import Trial


def majority(trial: Trial, inputs: Inputs, folders: Folders, device: torch.device) -> Outcome:
    """Say the most frequent labelled class of every item, with its share among the labels."""
    classes = classes_seen(trial, inputs, labelled(trial, inputs))
    shares = np.bincount(classes, minlength=len(inputs["names"])) / len(classes)
    return Outcome(answers.of_probabilities(np.tile(shares, (trial.items, 1))))


def tfidf(trial: Trial, inputs: Inputs, folders: Folders, device: torch.device) -> Outcome:
    """Fit logistic regression to TF-IDF weights of the labelled texts.

    With a ``model`` it reads what that model sees of each text, without one whole texts.
    """
    from helpers.baselines.bag_of_words import tfidf_probabilities

    seen = labelled(trial, inputs)
    found = tfidf_probabilities(
        item_texts(inputs, "train", seen),
        classes_seen(trial, inputs, seen).tolist(),
        item_texts(inputs, trial.split, np.arange(trial.items)),
        trial.options["regularization"],
    )
    probabilities = np.zeros((trial.items, len(inputs["names"])))
    probabilities[:, : found.shape[1]] = found
    return Outcome(answers.of_probabilities(probabilities))


def dictionary(trial: Trial, inputs: Inputs, folders: Folders, device: torch.device) -> Outcome:
    """Tag what is written like a name of the labelled sentences."""
    from helpers.baselines.taggers import dictionary as tag

    train, test = _sentences(trial, inputs)
    return _tagged(trial, inputs, tag(train, test, least=trial.options["least"]))


def linear(trial: Trial, inputs: Inputs, folders: Folders, device: torch.device) -> Outcome:
    """Tag by logistic regression on the characters around each."""
    from helpers.baselines.taggers import linear_tagger

    train, test = _sentences(trial, inputs)
    predicted = linear_tagger(train, test, strength=trial.options["strength"], seed=trial.draw + 1)
    return _tagged(trial, inputs, predicted)


def _sentences(trial: Trial, inputs: Inputs) -> tuple[dict, dict]:
    seen = labelled(trial, inputs)
    scored = np.arange(n_items(inputs, trial.split))
    return (
        {
            "text": item_texts(inputs, "train", seen),
            "tags": answers.gold_tags(inputs, "train", seen),
        },
        {"text": item_texts(inputs, trial.split, scored)},
    )


def _tagged(trial: Trial, inputs: Inputs, predicted: list[list[str]]) -> Outcome:
    gold = answers.gold_tags(inputs, trial.split)
    return Outcome(answers.count_names(predicted, gold, answers.types_of(inputs)))

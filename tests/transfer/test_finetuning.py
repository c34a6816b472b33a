"""The loop, prediction and probes, each against an independent computation."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression

from helpers import UserError
from helpers.tasks.heads import MeanPooledClassifier
from helpers.transfer import finetuning, strategies
from tests.tiny_bert import bert
from tests.transfer.test_strategies import TRAINING, collate, items, tiny


def test_prediction_keeps_the_order_of_items_and_padding_changes_nothing():
    model, data = tiny(), items(11)
    together = finetuning.predict(model, data, collate, batch_size=4)
    for i in range(len(data)):
        alone = finetuning.predict(model, data.select([i]), collate)
        np.testing.assert_allclose(together[i], alone[0], atol=1e-5)


def test_features_are_the_masked_mean_standardized():
    model, data = tiny().eval(), items(3)
    features = finetuning.extract_features(model, data, collate)
    for i, row in enumerate(data):
        with torch.inference_mode():
            hidden = model.backbone(torch.tensor([row["input_ids"]])).last_hidden_state[0]
        mean = hidden.mean(0).numpy()
        expected = (mean - mean.mean()) / np.sqrt(mean.var() + 1e-5)
        np.testing.assert_allclose(features[i], expected, atol=1e-5)


def of_head(model, features):
    with torch.inference_mode():
        return model.head(torch.as_tensor(features)).numpy()


def test_head_on_cached_features_is_the_whole_model():
    model, data = tiny(), items(7)
    features = finetuning.extract_features(model, data, collate)
    whole = finetuning.predict(model, data, collate)
    np.testing.assert_allclose(of_head(model, features), whole, atol=1e-5)


@pytest.mark.parametrize("present", [[0, 1, 2], [0, 2], [1, 2]])
def test_a_probe_predicts_as_scikit_learn_does_whatever_classes_are_missing(present):
    rng = np.random.default_rng(0)
    labels = np.array(present * 8)
    features = rng.normal(size=(len(labels), 16)) + labels[:, None]
    model = tiny()
    finetuning.fit_probe(model, features.astype("float32"), labels, regularization=2.0)
    oracle = LogisticRegression(C=2.0, max_iter=5000).fit(features, labels)
    fresh = (rng.normal(size=(50, 16)) + 1).astype("float32")
    predicted = of_head(model, fresh).argmax(1)
    assert (predicted == oracle.predict(fresh)).mean() >= 0.98
    assert set(predicted) <= set(present)


def test_a_probe_of_one_class_is_refused():
    with pytest.raises(UserError, match="the 4 given are all of one"):
        finetuning.fit_probe(tiny(), np.zeros((4, 16)), np.zeros(4, int))


def test_no_items_are_refused():
    with pytest.raises(UserError, match="There are no training items"):
        finetuning.fine_tune(tiny(), items().select([]), collate, strategies.FULL, TRAINING, seed=0)


def test_a_loss_that_is_not_a_number_is_a_sentence():
    model = tiny()
    with torch.no_grad():
        model.head.bias.fill_(float("inf"))
    with pytest.raises(UserError, match="not a number after step 0; take a smaller learning_rate"):
        finetuning.fine_tune(model, items(), collate, strategies.FULL, TRAINING, seed=0)


def test_every_step_has_a_loss_and_tokens_are_counted_without_padding():
    data = items(10)
    tuned = finetuning.fine_tune(tiny(), data, collate, strategies.FULL, TRAINING, seed=0)
    assert len(tuned.losses) == TRAINING.steps(10) == 3
    assert tuned.tokens == sum(map(sum, data["attention_mask"]))


def test_trained_parameters_are_counted_from_shapes():
    model = tiny()
    tuned = finetuning.fine_tune(model, items(), collate, strategies.LINEAR_PROBE, TRAINING, seed=0)
    assert tuned.trained_parameters == 16 * 3 + 3


def test_training_steps_round_the_last_batch_up():
    assert finetuning.Training(batch_size=16, epochs=3).steps(17) == 6


def test_a_model_of_another_width_works_too():
    model = MeanPooledClassifier(bert(num_hidden_layers=1, hidden_size=8), 2)
    assert finetuning.extract_features(model, items(2), collate).shape == (2, 8)

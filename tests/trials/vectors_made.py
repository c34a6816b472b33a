"""Inputs of tasks on vectors that nobody read: twenty classes as clouds, and trials on them."""

import numpy as np

from helpers.trials.trial import Trial

FIELDS = {
    "alt": "atheism",
    "comp": "graphics os.ms-windows.misc sys.ibm.pc.hardware sys.mac.hardware windows.x",
    "misc": "forsale",
    "rec": "autos motorcycles sport.baseball sport.hockey",
    "sci": "crypt electronics med space",
    "soc": "religion.christian",
    "talk": "politics.guns politics.mideast politics.misc religion.misc",
}
NAMES = [f"{field}.{name}" for field, names in FIELDS.items() for name in names.split()]
SHAPE = {"max_length": 64}


def inputs(per_class=200, width=12):
    """Each group is a cloud around its field's centre, moved by its own."""
    rng = np.random.default_rng(0)
    centre = {field: rng.normal(size=width) for field in FIELDS}
    own = rng.normal(size=(len(NAMES), width))
    made = {"names": NAMES}
    for split, n in (("train", per_class), ("validation", 30), ("test", per_class)):
        labels = rng.permutation(np.repeat(np.arange(len(NAMES)), n)).astype(np.int32)
        field_of = [NAMES[label].partition(".")[0] for label in labels]
        middles = np.stack([centre[field] for field in field_of]) + own[labels]
        noise = 1.5 * rng.normal(size=middles.shape)
        made |= {f"{split}.labels": labels, f"{split}.features": (middles + noise).astype("f4")}
    return made


def pair(arm, labels=32, draw=0, split="test", items=800, corpus="20newsgroups:rec-talk", **more):
    """A trial of two domains."""
    setting = SHAPE | {"source_labels": 160, "regularization": 0.1} | more
    return Trial(
        "domains", corpus, "c" * 64, arm, labels, draw, items, split, "minilm", "d" * 64,
        tuple(setting.items()),
    )  # fmt: skip


def episodes(arm, draw=0, split="test", items=20, **more):
    """A trial of episodes."""
    setting = SHAPE | {"ways": 4, "shots": 3, "queries": 5} | more
    return Trial(
        "episodes", "20newsgroups:few-shot", "c" * 64, arm, 12, draw, items, split, "minilm",
        "d" * 64, tuple(setting.items()),
    )  # fmt: skip

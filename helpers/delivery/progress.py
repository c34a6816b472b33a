"""What was done before a kill, so that the same command goes on there.

A folder beside the results holds, for one key of texts and parameters: how many labels each
candidate was given, the vectors that an encoder has read, part by part, and of each candidate that
was compared what it got. It goes when the answer is there. The limit of time counts the work and
not the pause: the seconds that were spent before are spent.
"""

import hashlib
import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import load_file, save_file

from helpers import UserError
from helpers.base.files import replacing_file, write_atomically
from helpers.delivery import folder
from helpers.delivery.candidates import Candidate, Setting
from helpers.delivery.choose import Tried
from helpers.delivery.models import Floats
from helpers.delivery.tuning import Tuning

ReadTexts = Callable[[Sequence[str]], Floats]


class Progress:
    """The folder of one delivery that is under way.

    Attributes:
        spent: seconds of work before this process.
    """

    def __init__(self, place: Path, key: str) -> None:
        """Take up what is there for this key; what is there for another one is removed."""
        self.place, self.facts = place, place / "progress.json"
        self.planned: dict[str, Any] = {}
        self.spent = 0.0
        try:
            known = json.loads(self.facts.read_text(encoding="utf-8"))
            if known["key"] == key:
                self.planned, self.spent = dict(known["planned"]), float(known["spent"])
        except (OSError, ValueError, KeyError, TypeError):
            pass
        if not self.planned:
            self.clear()
        self.key = key

    def plan(self, name: str) -> tuple[list[Setting], int] | None:
        """Return the settings and the number of labels that a candidate was given, if it was."""
        settings, most = self.planned.get(name, (None, 0))
        return None if settings is None else (settings, most)

    def note(self, name: str, settings: Sequence[Setting], most: int, spent: float) -> None:
        """Keep the plan of a candidate, and the seconds spent so far."""
        self.planned[name] = [[dict(setting) for setting in settings], most]
        self.say(spent)

    def say(self, spent: float) -> None:
        """Keep the seconds spent so far."""
        self.spent = spent
        text = json.dumps({"key": self.key, "planned": self.planned, "spent": spent})
        write_atomically(self.facts, text)

    def keep(self, tried: Tried, names: list[str]) -> None:
        """Keep what a candidate got; of a tuned one also the network, which judges later."""
        place = self._of(tried.candidate.name)
        if isinstance(tried.candidate, Tuning) and tried.model is not None:
            folder.save(tried.model, place / "model", names, {}, "It was under way.")
        facts = {
            "setting": dict(tried.setting), "labels": tried.labels, "scores": tried.scores,
            "seconds": tried.seconds,
        }  # fmt: skip
        place.mkdir(parents=True, exist_ok=True)
        with replacing_file(place / "tried.safetensors") as file:
            arrays = {"probabilities": np.ascontiguousarray(tried.probabilities)}
            save_file(arrays, file, {"facts": json.dumps(facts)})

    def tried(self, candidate: Candidate) -> Tried | None:
        """Return what a candidate got before the kill, if it was compared by then."""
        place = self._of(candidate.name)
        try:
            with safe_open(place / "tried.safetensors", "numpy") as file:
                facts = json.loads(file.metadata()["facts"])
                table = file.get_tensor("probabilities")
            model = folder.load(place / "model")[0] if (place / "model").exists() else None
        except (OSError, ValueError, KeyError, TypeError, SafetensorError, UserError):
            return None
        scores = tuple(facts.pop("scores"))
        return Tried(candidate, probabilities=table, scores=scores, model=model, **facts)

    def remembering(self, name: str, read: ReadTexts) -> ReadTexts:
        """Return a reader of texts that keeps what it reads, and has what was read before.

        Args:
            name: of the candidate.
            read: from n texts to vectors, (n, d).
        """
        place = self._of(name)
        known: dict[bytes, Floats] = {}
        for file in sorted(place.glob("vectors-*.safetensors")):
            try:
                arrays = load_file(file)
                known.update(
                    zip(map(bytes, arrays["texts"]), arrays["vectors"], strict=True)
                )  # fmt: skip
            except (OSError, ValueError, KeyError, SafetensorError):
                continue  # half of a part is read again

        def reading(texts: Sequence[str]) -> Floats:
            prints = [hashlib.sha256(text.encode("utf-8", "replace")).digest() for text in texts]
            new = [i for i, key in enumerate(prints) if key not in known]
            if new:
                vectors = np.asarray(read([texts[i] for i in new]))
                chosen = np.frombuffer(b"".join(prints[i] for i in new), np.uint8)
                arrays = {"texts": chosen.reshape(-1, 32), "vectors": vectors}
                part = place / f"vectors-{len(list(place.glob('vectors-*'))):06d}.safetensors"
                with replacing_file(part) as file:
                    save_file(arrays, file)
                known.update(zip((prints[i] for i in new), vectors, strict=True))
            return np.stack([known[key] for key in prints])

        return reading

    def clear(self) -> None:
        """Remove the folder."""
        shutil.rmtree(self.place, ignore_errors=True)

    def _of(self, name: str) -> Path:
        return self.place / hashlib.sha256(name.encode()).hexdigest()[:16]

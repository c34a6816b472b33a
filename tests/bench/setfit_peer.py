"""SetFit at its defaults, in an environment of its own: a JSON line in, a JSON line out.

It asks for an older transformers than this project's, so `tests.bench.beside_setfit` starts it with
another interpreter; nothing here may import the project.
"""

import contextlib
import json
import sys
import time


def main() -> None:
    """Read what to learn from, train, answer the test texts, tell the answers and the seconds."""
    import torch  # here: this file is also looked at where there is no SetFit
    from datasets import Dataset
    from setfit import SetFitModel, Trainer, TrainingArguments

    given = json.loads(sys.stdin.readline())
    torch.set_num_threads(given["threads"])
    model = SetFitModel.from_pretrained(given["body"])
    started = time.perf_counter()
    with contextlib.redirect_stdout(sys.stderr):  # the library prints
        data = Dataset.from_dict({"text": given["texts"], "label": given["labels"]})
        arguments = TrainingArguments(
            output_dir=given["folder"], seed=given["seed"], report_to="none", save_strategy="no"
        )
        Trainer(model=model, args=arguments, train_dataset=data).train()
        trained = time.perf_counter() - started
        answers = [int(answer) for answer in model.predict(given["test"])]
    print(json.dumps({"answers": answers, "trained": trained}))


if __name__ == "__main__":
    main()

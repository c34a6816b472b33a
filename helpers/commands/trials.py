"""``python -m helpers trials``: what is stored and missing, and what is done about it."""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from helpers import UserError, nearest
from helpers.trials import runner, searches, settings, studies
from helpers.trials.store import OWN, Store
from helpers.trials.trial import Trial


def trials(chosen: argparse.Namespace) -> int:
    """Do what the command line asks; return the exit code."""
    store = Store(OWN, None) if chosen.fresh else Store()
    how = {"jobs": chosen.jobs, "device": chosen.device, "minutes": chosen.minutes}
    if chosen.run or chosen.search or chosen.verify is not None:
        runner.check_run(**how)
    elif chosen.jobs < 1:
        raise UserError(f"--jobs must be at least 1 process, not {chosen.jobs}.")
    if chosen.merge:
        return _merge(chosen.merge, store)
    if chosen.verify is not None:
        return _verify(chosen, store, how)
    names = chosen.study.split(",") if chosen.study else list(studies.STUDIES)
    if not chosen.study and (chosen.run or chosen.search or chosen.pack):
        raise UserError(f"Name the study: {', '.join(studies.STUDIES)}.")
    questions = {name: _only(studies.question(name), chosen) for name in names}
    if chosen.search:
        return _search(list(questions.values()), store, how)
    if chosen.pack:
        return _pack(list(questions.values()), store, chosen.pack)
    asked: dict[str, list[Trial]] = {}
    unsearched: dict[str, list[str]] = {}
    for name, question in questions.items():
        unsearched[name] = [] if chosen.run else searches.unsearched(question)
        defined = tuple(arm for arm in question.arms if arm not in unsearched[name])
        asked[name] = studies.label_efficiency(replace(question, arms=defined))
    for name, arms in unsearched.items():
        if arms:
            print(
                f"{name}: no settings yet of {', '.join(arms)}; run `python -m helpers trials "
                f"{name} --search`.",
                file=sys.stderr,
            )
    if chosen.ship:
        every = [trial for each in asked.values() for trial in each]
        for file, rows in store.ship(every).items():
            print(f"{file}: {rows} outcomes, {file.stat().st_size / 1e6:.2f} MB")
        return 0
    if chosen.run:
        for name, question in questions.items():
            _settled(question, name)
        every = [trial for each in asked.values() for trial in each]
        failed = runner.run_trials(every, store, **how)
        print(f"{len(every) - len(store.missing(every))} of {len(every)} are stored.")
        return 1 if failed else 0
    waiting = [row for name, arms in unsearched.items() for row in _waiting(questions, name, arms)]
    return _list(asked, store, chosen, waiting)


def _only(question: studies.Question, chosen: argparse.Namespace) -> studies.Question:
    """Keep the arms, label counts and draws that were named."""
    if chosen.draws is not None:
        if not 1 <= chosen.draws <= question.draws:
            raise UserError(
                f"--draws must be 1 to {question.draws}, those of the study, not {chosen.draws}."
            )
        question = replace(question, draws=chosen.draws)
    if chosen.arms:
        arms = chosen.arms.split(",")
        for arm in arms:
            if arm not in question.arms:
                raise UserError(f"The study has no arm '{arm}'.{nearest(arm, question.arms)}")
        question = replace(question, arms=tuple(arms))
    if chosen.labels:
        try:
            counts = tuple(int(n) for n in chosen.labels.split(","))
        except ValueError:
            raise UserError(f"--labels takes counts like 64,256, not {chosen.labels}.") from None
        if min(counts) < 1:
            raise UserError(f"--labels takes counts of at least 1, not {min(counts)}.")
        trained = question.trained_labels
        if trained is not None:
            trained = tuple(n for n in counts if n in trained)
        question = replace(question, labels=counts, trained_labels=trained)
    return question


def _settled(question: studies.Question, name: str) -> None:
    """Refuse a question with an arm and label count whose setting has not been searched."""
    for arm, labels in question.pairs():
        if not searches.settled(question, arm, labels):
            raise UserError(
                f"No setting has been found yet for {arm} with {labels:,} labels: run "
                f"`python -m helpers trials {name} --search --arms {arm} --labels "
                f"{labels}` first, or name other --arms and --labels."
            )


def _waiting(
    questions: dict[str, studies.Question], name: str, arms: Sequence[str]
) -> list[dict[str, Any]]:
    """Return rows of the list for arms whose trials have no setting, so all are missing."""
    asked = questions[name]
    return [
        {
            "study": name,
            "trials": f"{arm}, {n:,} labels",
            "stored": 0,
            "missing": asked.draws,
            "minutes": None,
        }
        for arm in arms
        for n in asked.labels
    ]


def _list(
    asked: dict[str, list[Trial]],
    store: Store,
    chosen: argparse.Namespace,
    waiting: list[dict[str, Any]],
) -> int:
    rows: list[dict[str, Any]] = []
    for name, each in asked.items():
        missing = set(store.missing(each))
        each_takes = runner.expected_each([trial for trial in each if trial in missing], store)
        for key in dict.fromkeys(_group(trial, chosen.study) for trial in each):
            group = [trial for trial in each if _group(trial, chosen.study) == key]
            left = [trial for trial in group if trial in missing]
            seconds = sum(each_takes[trial.key] for trial in left) / chosen.jobs
            row = {"study": name, "trials": key, "stored": len(group) - len(left)}
            rows.append(row | {"missing": len(left), "minutes": round(seconds / 60, 1)})
    rows += waiting
    if chosen.json:
        print(json.dumps(rows, indent=2))
        return 0
    shown = ("trials",) if len(asked) == 1 else ("study", "trials")  # the name that --run takes
    widths = {name: max(len(name), *(len(row[name]) for row in rows)) for name in shown}
    print("  ".join(f"{name:<{widths[name]}}" for name in shown), " stored  missing  about minutes")
    for row in rows:
        time = f"{row['minutes']:13.1f}" if row["missing"] and row["minutes"] is not None else ""
        line = "  ".join(f"{row[name]:<{widths[name]}}" for name in shown)
        print(f"{line}  {row['stored']:6}  {row['missing']:7}  {time}".rstrip())
    return 0


def _group(trial: Trial, by_arm: str | None) -> str:
    if not by_arm:
        return f"{trial.corpus} {trial.task}"
    return f"{trial.arm}, {trial.labels:,} labels"


def _search(questions: Sequence[studies.Question], store: Store, how: dict[str, Any]) -> int:
    for question in questions:
        for found in runner.search(question, store, **how):
            setting = ", ".join(f"{key} {value:g}" for key, value in found["setting"].items())
            line = f"{found['arm']}, {found['labels']:,} labels: {setting}: {found['score']:.3f}"
            if found["edge"]:
                line += f" (on the edge of its grid: {', '.join(found['edge'])})"
            print(line)
    print(f"Written to {settings.FILE}.")
    return 0


def _pack(questions: Sequence[studies.Question], store: Store, folder: Path) -> int:
    """Pack what is missing, and of arms without a setting the search and what follows it."""
    from helpers.trials import pack

    choices = [choice for question in questions for choice in searches.choices(question)]
    ready = [
        trial
        for question in questions
        for arm, labels in question.pairs()
        if searches.settled(question, arm, labels)
        for trial in question.trials(arm, labels, range(question.draws))
    ]
    missing = store.missing(list(dict.fromkeys(ready)))
    count, size = pack.write_pack(missing, folder, choices, store)
    print(
        f"{count} missing trials packed, {size / 1e6:.0f} MB in {folder}. On the other machine: "
        "`python start.py --minutes 10 --jobs 7`; bring back outcomes/*.zip and run `python -m "
        "helpers trials --merge FILE`"
        + (", then --search, which finds its trials there." if choices else ".")
    )
    return 0


def _merge(file: Path, store: Store) -> int:
    sizes = {
        f"{corpus} {split}": facts[split]
        for corpus, facts in settings.read_settings()["corpora"].items()
        for split in ("validation", "test")
    }
    new, known = store.merge(file, sizes)
    print(f"{new} outcomes taken in, {known} were there already.")
    return 0


def _verify(chosen: argparse.Namespace, store: Store, how: dict[str, Any]) -> int:
    from helpers.trials import verify

    shipped = Store(None)
    known = shipped.all_trials()
    if chosen.study:
        questions = [_only(studies.question(name), chosen) for name in chosen.study.split(",")]
        wanted = {trial for each in questions for trial in studies.label_efficiency(each)}
        known = [trial for trial in known if trial in wanted]
    picked = verify.sample(known, chosen.verify, chosen.seed, 10.0 if chosen.cheap else None)
    checks = verify.verify(picked, shipped, **how)
    for check in checks:
        print(check)
    wrong = [check for check in checks if not check.agrees]
    print(f"{len(checks) - len(wrong)} of {len(checks)} agree.", file=sys.stderr)
    return 1 if wrong else 0

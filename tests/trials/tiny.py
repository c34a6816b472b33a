"""A corpus of a hundred short texts and a tiny BERT, so that a trial takes a tenth of a second."""

import csv
import json

import torch
from transformers import GPT2Config, GPT2LMHeadModel

from helpers.tasks.bytepairs import train_bytepairs
from helpers.trials.studies import trials_of
from tests.tiny_bert import bert

WORDS = ("wheat corn harvest", "bank loan interest", "ship port cargo")
NETWORK = {"learning_rate": 0.003, "steps": 6}


def _write(file, labelled):
    """Write (text, label) as a file; the numbers in each text keep them from being duplicates."""
    with file.open("w", newline="", encoding="utf-8") as out:
        rows = csv.writer(out)
        rows.writerow(["text", "label"])
        for i, (text, label) in enumerate(labelled):
            rows.writerow([f"{text} of day {i * 7919} by house {i * 104729}", label])


def write_corpus(folder):
    """Write a labelled file of three classes."""
    file = folder / "news.csv"
    words = [WORDS[i % 3].split() for i in range(120)]
    _write(file, [(f"{w[i % 3]} {w[(i + 1) % 3]}", w[0]) for i, w in enumerate(words)])
    return str(file)


GROUPS = ("food.wheat", "food.corn", "money.bank", "money.loan", "money.bond", "odd.ship")


def write_fields(folder):
    """Write texts of two fields, of two and three groups, and of one group that is no field."""
    file = folder / "groups.csv"
    names = [GROUPS[i % 6].split(".") for i in range(240)]
    _write(file, [(f"{name} {field}", f"{field}.{name}") for field, name in names])
    return f"{file}:fields"


def field_trials(corpus, model, arm="multi_task", draws=range(1), labels=24, setting=None, **rest):
    """Trials on fields."""
    return trials_of(
        "multi_task", corpus, model, arm, labels, draws,
        max_length=16, setting=NETWORK if setting is None else setting, **rest,
    )  # fmt: skip


def write_model(folder, layers=1):
    """Write a BERT of so many layers, 16 wide, with a tokenizer."""
    place = folder / f"tiny-bert-{layers}"
    shape = {"vocab_size": 400, "max_position_embeddings": 40, "pad_token_id": 1}
    bert(pooler=True, num_hidden_layers=layers, **shape).save_pretrained(place)
    train_bytepairs([" ".join(WORDS)] * 3, vocabulary=300, positions=40).save_pretrained(place)
    return str(place)


def trials(corpus, model, arm="fine_tuned", draws=range(3), labels=12, setting=None, **rest):
    """Trials on the two, with a setting of their own."""
    return trials_of(
        "classification", corpus, model, arm, labels, draws,
        max_length=16, setting=NETWORK if setting is None else setting, **rest,
    )  # fmt: skip


PEOPLE = ["李明", "王芳", "张伟", "刘洋"]
PLACES = ["北京", "上海", "广州", "武汉"]
VERBS = ["到", "在", "去", "离开"]


def write_tagged(folder):
    """Write tagged sentences; the number in each keeps them from being duplicates."""
    file = folder / "tagged.jsonl"
    lines = []
    for i in range(90):
        person, place, verb = PEOPLE[i % 4], PLACES[(i // 4) % 4], VERBS[(i // 16) % 4]
        number = "".join(f"{digit}/m " for digit in f"{i * 7919 + 104729}")
        tagged = f"{person}/nr {verb}/v {place}/ns 新华社/nt ，/w {number}号/q 。/w"
        lines.append(json.dumps({"tagged": tagged}, ensure_ascii=False))
    file.write_text("\n".join(lines), encoding="utf-8")
    return str(file)


ABROAD = ["克林顿", "叶利钦", "桥本", "希拉克"]
CITIES = ["巴黎", "莫斯科", "东京", "华盛顿"]


def write_reports(folder):
    """Write tagged articles of a sentence, every third a report from abroad with names of its own.

    The dateline holds no name, so that only the sentence behind it does.
    """
    file = folder / "reports.jsonl"
    lines = []
    for i in range(240):
        people, places = (PEOPLE, PLACES) if i % 3 else (ABROAD, CITIES)
        person, place, verb = people[i % 4], places[(i // 4) % 4], VERBS[(i // 16) % 4]
        city = "北京" if i % 3 else places[i % 4]
        number = "".join(f"{digit}/m " for digit in f"{i * 7919 + 104729}")
        tagged = f"本报/n {city}/n １月/t ３日/t 电/n ：/w {person}/nr {verb}/v {place}/ns ，/w"
        line = f"{tagged} {number}新华社/nt 号/q 。/w"
        lines.append(json.dumps({"tagged": line}, ensure_ascii=False))
    file.write_text("\n".join(lines), encoding="utf-8")
    return f"{file}:abroad"


def domain_tagging_trials(corpus, model, arm="general", draws=range(1), labels=12, **rest):
    """Trials on reports from abroad, with a setting of their own where none is given."""
    return trials_of(
        "domain_tagging", corpus, model, arm, labels, draws,
        max_length=32, **{"setting": NETWORK} | rest,
    )  # fmt: skip


def tagging_trials(corpus, model, arm="fine_tuned", draws=range(1), labels=12, setting=None):
    """Trials on tagged sentences."""
    return trials_of(
        "tagging", corpus, model, arm, labels, draws,
        max_length=32, setting=NETWORK if setting is None else setting,
    )  # fmt: skip


THINGS = {"file": "文件", "cell": "单元格", "kernel": "内核", "tab": "标签页"}
DEEDS = {"Open": "打开", "Close": "关闭", "Copy": "复制", "Move": "移动"}
NAMES_OF_PAIRS = ("alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta")


def write_messages(folder):
    """Write English and Chinese messages; the name in each keeps them from being duplicates."""
    file = folder / "messages.csv"
    with file.open("w", newline="", encoding="utf-8") as out:
        rows = csv.writer(out)
        rows.writerow(["source", "target"])
        for name in NAMES_OF_PAIRS:
            for thing, its in THINGS.items():
                for deed, does in DEEDS.items():
                    rows.writerow([f"{deed} the {name} {thing}", f"{does} {name} {its}"])
    return str(file)


def write_writer(folder):
    """Write a GPT-2 of one layer, 16 wide, with a byte-level tokenizer."""
    place = folder / "tiny-writer"
    torch.manual_seed(0)
    config = GPT2Config(
        vocab_size=300, n_embd=16, n_layer=1, n_head=2, n_positions=200, bos_token_id=0,
        eos_token_id=0, pad_token_id=1, resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0,
    )  # fmt: skip
    GPT2LMHeadModel(config).save_pretrained(place)
    words = [f"{deed} the {thing}" for deed in DEEDS for thing in THINGS]
    train_bytepairs(words, vocabulary=290, positions=200).save_pretrained(place)
    return str(place)


def translation_trials(corpus, model, arm="fine_tuned", draws=range(1), labels=20, setting=None):
    """Trials on pairs."""
    return trials_of(
        "translation", corpus, model, arm, labels, draws,
        max_length=96, setting=NETWORK if setting is None else setting,
    )  # fmt: skip


def write_causal(folder):
    """Write a GPT-2 of two layers, 16 wide, with a tokenizer."""
    place = folder / "tiny-gpt2"
    torch.manual_seed(0)
    tokenizer = train_bytepairs([" ".join(WORDS)] * 3, vocabulary=300, positions=40)
    config = GPT2Config(
        vocab_size=len(tokenizer), n_embd=16, n_layer=2, n_head=2, n_positions=40,
        bos_token_id=0, eos_token_id=0,
    )  # fmt: skip
    GPT2LMHeadModel(config).save_pretrained(place)
    tokenizer.save_pretrained(place)
    return str(place)


def language_trials(corpus, model, arm="fine_tuned", draws=range(1), labels=6, setting=None):
    """Trials on the texts about wheat as the target, all others as the source."""
    return trials_of(
        "language_modeling", f"{corpus}:wheat", model, arm, labels, draws,
        max_length=24, setting=NETWORK if setting is None else setting,
    )  # fmt: skip


def letters(number):
    """Write a number's digits as letters."""
    return "".join("abcdefghij"[int(digit)] for digit in str(number))


def write_pairs(folder):
    """Write questions and replies; names of letters in each keep them from being duplicates."""
    file = folder / "talk.csv"
    with file.open("w", newline="", encoding="utf-8") as out:
        rows = csv.writer(out)
        rows.writerow(["question", "reply"])
        for i in range(120):
            first, second, _ = WORDS[i % 3].split()
            house, day = (letters(i * prime) for prime in (7919, 104729))
            rows.writerow([f"{first} {house} {day}?", f"{second} {house}."])
    return str(file)


def retrieval_trials(
    corpus, model, arm="fine_tuned", draws=range(1), labels=32, setting=None, max_length=24
):
    """Trials on pairs."""
    return trials_of(
        "retrieval", corpus, model, arm, labels, draws,
        max_length=max_length, setting=NETWORK if setting is None else setting,
    )  # fmt: skip

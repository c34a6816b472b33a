"""Named entities as data sets have them: CoNLL's lines, and lists of tokens and tags."""

import json

import datasets
import pytest

from helpers import UserError
from helpers.sources.columns import columns
from helpers.sources.corpora import load_texts
from helpers.sources.readers import read_file
from helpers.tasks.tagging import TokenTagging

CONLL = """-DOCSTART- -X- O O

EU NNP I-NP B-ORG
rejects VBZ I-VP O
German JJ I-NP B-MISC

Peter NNP I-NP B-PER
Blackburn NNP I-NP I-PER

-DOCSTART- -X- O O

BRUSSELS NNP I-NP B-LOC
"""


def written(path, text):
    path.write_text(text, encoding="utf-8")
    return path


def tagged(path):
    return columns(read_file(path), "tagged", None)[0]


@pytest.mark.parametrize("name", ["a.conll", "a.bio", "a.iob2", "a.iob"])
def test_a_document_is_a_row_and_the_last_column_the_tag(tmp_path, name):
    rows = read_file(written(tmp_path / name, CONLL))
    assert [row["tagged"] for row in rows.values] == [
        "EU\tB-ORG\nrejects\tO\nGerman\tB-MISC\n\nPeter\tB-PER\nBlackburn\tI-PER",
        "BRUSSELS\tB-LOC",
    ]
    assert rows.at(1) == f"line 10 of {name}"


def test_without_documents_a_sentence_is_a_row(tmp_path):
    text = "# id 7\nElena\tB-PER\nlives\tO\n\n\nHi\tO\n"
    assert tagged(written(tmp_path / "a.conll", text)) == ["Elena\tB-PER\nlives\tO", "Hi\tO"]


def test_lists_become_lines_whatever_the_tags_are(tmp_path):
    rows = [
        {"tokens": ["Elena", "lives"], "ner_tags": [1, 0]},
        {"tokens": ["Elena", "Petrova"], "ner_tags": ["B-PER", "E-PER"]},
        {"tokens": ["IBM", "new york"], "ner_tags": ["U-ORG", "S-LOC"]},
    ]
    path = written(tmp_path / "a.jsonl", "".join(f"{json.dumps(row)}\n" for row in rows))
    assert tagged(path) == [
        "Elena\tB-PER\nlives\tO",
        "Elena\tB-PER\nPetrova\tI-PER",
        "IBM\tB-ORG\nnew_york\tB-LOC",
    ]


def test_the_names_of_tags_come_from_parquet(tmp_path):
    kinds = datasets.ClassLabel(names=["O", "B-LOC", "I-LOC"])
    features = datasets.Features(
        {"tokens": datasets.List(datasets.Value("string")), "ner_tags": datasets.List(kinds)}
    )
    made = {"tokens": [["New", "York"]], "ner_tags": [[1, 2]]}
    datasets.Dataset.from_dict(made, features).to_parquet(tmp_path / "a.parquet")
    assert tagged(tmp_path / "a.parquet") == ["New\tB-LOC\nYork\tI-LOC"]


def test_a_file_of_tokens_is_a_tagging_task(tmp_path, cache):
    names = ["Elena", "Carlo", "Hugo", "Dmitri", "Farid", "Aiko", "Lena", "Omar"]
    parts = ["rotor", "valve", "gasket", "bolt", "axle"]
    rows = [
        {"tokens": ["The", part, "by", name], "ner_tags": [0, 1, 0, 3]}
        for name in names for part in parts for _ in range(5)
    ]  # fmt: skip
    path = written(tmp_path / "a.jsonl", "".join(f"{json.dumps(row)}\n" for row in rows))
    corpus = load_texts(str(path), text_column="tagged", label_column=None)
    task = TokenTagging(corpus, ("PER", "ORG"), 16)
    first = task.splits["train"][0]
    words = first["text"].split(" ")
    assert words[0] == "The" and words[1] in parts and words[3] in names
    entity = [tag for tag in first["tags"] if tag != "O"]
    assert entity[0] == "B-PER" and len(entity) == len(words[1]) + len(words[3])
    with pytest.raises(UserError) as error:
        TokenTagging(corpus, ("PER", "LOC"), 16)
    assert str(error.value) == (
        f"The training articles of {path} have no entity of type 'LOC'; leave it out of types."
    )


def rows_of(**cells):
    return json.dumps(cells)


FORM = (
    "named entities come as lists 'tokens' and 'ner_tags' (O, B-PER, I-PER, …), as a .conll file "
    "with a word and its tag a line, or as a column 'tagged' of words such as 北京/ns"
)
WRONG = [
    ("a.jsonl", rows_of(text="a", label="b"), f"a.jsonl has no text column 'tagged'; its columns are text, label ({FORM})."),
    ("a.jsonl", rows_of(tokens=["a", "b"], ner_tags=[0]), "There are 2 words and 1 tags in line 1 of a.jsonl."),
    ("a.jsonl", rows_of(tokens="a b", ner_tags=[0]), "'tokens' in line 1 of a.jsonl is a string, not a list with an element for each word."),
    ("a.jsonl", rows_of(tokens=["a"], ner_tags=None), "'ner_tags' in line 1 of a.jsonl is null, not a list with an element for each word."),
    ("a.jsonl", rows_of(tokens=["a"], ner_tags=[9]), "The tag 9 in line 1 of a.jsonl has no name: write tags such as B-PER, or keep the names as `datasets` does in Parquet."),
    ("a.jsonl", rows_of(tokens=["a"], ner_tags=["PER"]), "The tag 'PER' in line 1 of a.jsonl is none; tags are O, B-PER, I-PER and so on."),
    ("a.jsonl", rows_of(tokens=[7], ner_tags=["O"]), "A word in line 1 of a.jsonl is a number, not a string."),
    ("a.jsonl", rows_of(tokens=[], ner_tags=[]), "The text in line 1 of a.jsonl ('tagged') is empty; remove such items or fill them in."),
    ("a.conll", "Elena B-PER\nlives\n", "Line 2 of {path} has one column, 'lives'; a word and its tag are needed."),
    ("a.conll", "Elena B-PER\nlives VBZ\n", "The tag 'VBZ' in line 2 of a.conll is none; tags are O, B-PER, I-PER and so on."),
    ("a.conll", "-DOCSTART- O\n\n", "{path} holds no items."),
]  # fmt: skip


@pytest.mark.parametrize(("name", "text", "says"), WRONG)
def test_what_is_no_tagged_text_is_one_sentence(tmp_path, name, text, says):
    path = written(tmp_path / name, text)
    with pytest.raises(UserError) as error:
        tagged(path)
    assert str(error.value) == says.replace("{path}", str(path))

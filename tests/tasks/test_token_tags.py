"""CoNLL's form to sentences: words joined, entities in characters, types by one name."""

from helpers.tasks.tagged_text import parse_article
from helpers.tasks.tags import Span
from helpers.tasks.token_tags import is_conll, parse


def test_an_article_is_its_sentences_with_the_wanted_entities_only():
    text = "EU\tB-ORG\nrejects\tO\nGerman\tB-MISC\n\nPeter\tB-PER\nBlackburn\tI-PER\nleft\tO"
    first, second = parse_article(text, ("PER", "ORG"), "x")
    assert (first.text, first.spans, first.line) == ("EU rejects German", (Span(0, 2, "ORG"),), 1)
    assert (second.text, second.spans) == ("Peter Blackburn left", (Span(0, 15, "PER"),))
    assert (second.line, second.article) == (5, "x")


def test_a_tag_that_continues_nothing_begins_an_entity():
    ((_, text, spans),) = parse("Peter\tI-PER\nParis\tI-LOC\nRome\tB-LOC\nItaly\tI-LOC")
    assert [(text[start:end], kind) for start, end, kind in spans] == [
        ("Peter", "PER"), ("Paris", "LOC"), ("Rome Italy", "LOC"),
    ]  # fmt: skip


def test_types_have_one_name_each():
    ((_, _, spans),) = parse("a\tB-person\nb\tB-GPE\nc\tB-Organization\nd\tB-DATE\ne\tB-PART")
    assert [kind for _, _, kind in spans] == ["PER", "LOC", "ORG", "TIME", "PART"]


def test_chinese_words_stand_without_blanks_and_foreign_ones_with():
    ((_, text, spans),) = parse("李明\tB-PER\n乘\tO\nMD11\tO\n到\tO\n北京\tB-LOC\n。\tO")
    assert text == "李明乘 MD11 到北京。" and spans == [(0, 2, "PER"), (10, 12, "LOC")]


def test_the_peoples_daily_is_another_form():
    assert not is_conll("江/nr  泽民/nr\t来/v") and not is_conll("") and is_conll("a\tO")

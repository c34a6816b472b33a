"""Tagged text to entities: persons, brackets, sentences, errors."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers import UserError
from helpers.sources.formats import untagged
from helpers.tasks.tagged_text import cut_sentences, parse_article, parse_line
from helpers.tasks.tags import (
    Span,
)


def entities(line, types=("PER", "LOC", "ORG")):
    text, spans = parse_line(line, types)
    return [(text[one.start : one.end], one.type) for one in spans]


@pytest.mark.parametrize(
    ("line", "persons"),
    [
        ("江/nr 泽民/nr 主席/n", ["江泽民"]),
        ("李/nr 鹏/nr", ["李鹏"]),
        ("江/nr 泽民/nr 李/nr 鹏/nr 乔/nr 石/nr", ["江泽民", "李鹏", "乔石"]),
        ("江/nr 泽民/nr 、/w 李/nr 鹏/nr", ["江泽民", "李鹏"]),
        ("欧阳/nr 山尊/nr", ["欧阳山尊"]),
        ("克林顿/nr 叶利钦/nr", ["克林顿", "叶利钦"]),
        ("毛/nr 主席/n", ["毛"]),
        ("毛/nr 、/w 李/nr 鹏/nr", ["毛", "李鹏"]),
        ("陈/nr 方/nr 安生/nr 女士/n", ["陈方安生"]),
        ("何/nr 伟/nr 余/nr 继军/nr", ["何伟", "余继军"]),
        ("刘/nr 明英/nr 保平/nr", ["刘明英", "保平"]),
    ],
)
def test_a_surname_and_a_given_name_are_one_person(line, persons):
    assert entities(line) == [(name, "PER") for name in persons]


def test_types_are_those_asked_for():
    line = "１２月/t ３１日/t 新华社/nt 北京/ns 中华/nz 江/nr 泽民/nr"
    assert entities(line) == [("新华社", "ORG"), ("北京", "LOC"), ("江泽民", "PER")]
    assert entities(line, ["TIME", "MISC"]) == [
        ("１２月", "TIME"), ("３１日", "TIME"), ("中华", "MISC"),
    ]  # fmt: skip


def test_a_bracket_of_a_wanted_type_is_one_entity_with_all_in_it():
    line = "[中国/ns 科学院/n]nt 的/u [广东/ns 省/n]ns"
    assert entities(line) == [("中国科学院", "ORG"), ("广东省", "LOC")]
    assert entities(line, ["LOC"]) == [("中国", "LOC"), ("广东省", "LOC")]


def test_a_bracket_of_another_kind_does_not_count_and_what_is_in_it_does():
    assert entities("[爱/v 北京/ns]l") == [("北京", "LOC")]


def test_of_nested_brackets_the_outermost_counts():
    assert entities("[[北京/ns 大学/n]nt 医院/n]nt 好/a") == [("北京大学医院", "ORG")]


def test_brackets_and_slashes_may_be_words():
    assert parse_line("[/w 北京/ns ]/w //w") == ("[北京]/", [Span(1, 3, "LOC")])


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("江/nr 泽民 主席/n", r"In page 1, '泽民' is not a word with its tag, such as 北京/ns\."),
        ("/nr", r"'/nr' is not a word with its tag"),
        ("江/", r"'江/' is not a word with its tag"),
        ("江/1", r"'江/1' is not a word with its tag"),
        ("北京/ns 大学/n]nt", r"'大学/n\]nt' closes a bracket that was never opened"),
        ("[北京/ns 大学/n 好/a", r"the bracket before '北京大学好' is never closed with \] and a"),
        ("[北京/ns 大学/n]", r"'大学/n\]' is not a word with its tag"),
    ],
)
def test_what_does_not_parse_is_a_sentence_with_its_place(line, message):
    with pytest.raises(UserError, match=message):
        parse_line(line, where="page 1")


def test_an_error_names_article_and_line():
    with pytest.raises(UserError, match=r"In my\.jsonl, article 4, line 2, '坏' is not a word"):
        parse_article("好/a\n坏", article="my.jsonl, article 4")


@pytest.mark.parametrize(
    ("types", "message"),
    [
        (["PRE"], "There is no entity type 'PRE'. Did you mean 'PER'"),
        ([], "types must name at least one entity type"),
        (["PER", "PER"], "each once"),
    ],
)
def test_types_that_are_none_are_a_sentence(types, message):
    with pytest.raises(UserError, match=message):
        parse_article("好/a", types)


def test_sentences_keep_article_line_and_their_own_positions():
    tagged = "标题/n\n\n他/r 在/p 北京/ns 。/w “/w 好/a ！/w ”/w 李/nr 鹏/nr 说/v ？/w ）/w 完/v"
    found = parse_article(tagged, article="a7")
    assert [(one.line, one.text) for one in found] == [
        (1, "标题"), (3, "他在北京。"), (3, "“好！”"), (3, "李鹏说？）"), (3, "完"),
    ]  # fmt: skip
    assert [one.spans for one in found] == [
        (), (Span(2, 4, "LOC"),), (), (Span(0, 2, "PER"),), (),
    ]  # fmt: skip
    assert {one.article for one in found} == {"a7"}


def test_no_sentence_ends_inside_an_entity():
    found = parse_article("[雅虎/nz ！/w 公司/n]nt 好/a")
    assert [(one.text, one.spans) for one in found] == [("雅虎！公司好", (Span(0, 5, "ORG"),))]


@given(st.text("好。！？”）!北", max_size=30))
def test_cut_sentences_are_all_of_the_text(text):
    pieces = [text[start:end] for start, end in cut_sentences(text)]
    assert "".join(pieces) == text
    assert all(pieces)


def test_a_real_line_gives_its_own_text():
    line = "１２月/t  ３１日/t  ，/w  江/nr  泽民/nr  发表/v  ——/w  《/w  Ａ／Ｂ/nx  》/w"
    text, _ = parse_line(line)
    assert text == untagged(line)

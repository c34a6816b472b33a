"""Where a report was written, as its first words say."""

import pytest

from helpers.sources import datelines


@pytest.mark.parametrize(
    ("article", "place"),
    [
        ("本报巴黎１月３日电　记者张三报道", "巴黎"),
        ("新华社莫斯科１２月３１日电", "莫斯科"),
        ("访问法国\n新华社巴黎３日电", "巴黎"),
        ("本报约翰内斯堡１月１０日专电", "约翰内斯堡"),
        ("本报讯　昨天", ""),  # no place and no day
        ("昨天他在巴黎。", ""),
        ("", ""),
    ],
)
def test_the_place_is_what_stands_between_the_paper_and_the_day(article, place):
    assert datelines.place_of(article) == place


def test_a_dateline_stands_at_the_beginning():
    assert datelines.place_of("一" * 150 + "本报巴黎１月３日电") == "巴黎"
    assert datelines.place_of("一" * 200 + "本报巴黎１月３日电") == ""


@pytest.mark.parametrize("place", ["北京", "香港", "张北", "牡丹江", "", "巴黎街"])
def test_what_is_not_listed_is_not_abroad(place):
    assert not datelines.from_abroad(f"新华社{place}１月３日电")


@pytest.mark.parametrize("place", ["巴黎", "澳大利亚珀斯", "联合国", "汉城"])
def test_a_listed_place_is_abroad_also_behind_its_country(place):
    assert datelines.from_abroad(f"新华社{place}１月３日电")


def test_every_place_is_written_once_and_alone():
    cities = datelines._CITIES.split()
    assert len(cities) == len(set(cities)) == len(datelines.ABROAD)
    assert not any(a != b and a.endswith(b) for a in cities for b in cities)

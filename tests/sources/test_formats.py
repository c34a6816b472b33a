import pytest

from helpers.sources.formats import read_lines, read_peoples_daily, section_of


@pytest.mark.parametrize(
    ("link", "section"),
    [
        ("http://abcnews.go.com/Politics/wireStory/x-45327337", "politics"),
        ("http://tass.com/world/929606", "world"),
        ("http://www.bbc.co.uk/news/business-38894023", "business"),
        ("http://www.bbc.co.uk/sport/football/38894023", "sport"),
        ("http://www.rte.ie/news/2017/0207/850712-waiting-lists-reaction/", ""),
        ("http://www.rte.ie/news/ireland/2017/0207/850712-x/", "ireland"),
        ("http://www.huffingtonpost.com/2017/02/07/donald-trump_n_14636042.html", ""),
    ],
)
def test_sections_are_read_off_the_link(link, section):
    assert section_of(link) == section


def test_lines_are_kept_once_and_named_like_their_file(tmp_path):
    path = tmp_path / "neg.txt"
    path.write_text("太吵\n\n 太贵 \n太吵\n", encoding="utf-8")
    assert read_lines(path) == [{"text": "太吵", "label": "neg"}, {"text": "太贵", "label": "neg"}]


def test_articles_of_the_peoples_daily_begin_at_their_titles(tmp_path):
    lines = [
        "北京/ns  新年/t  音乐会/n",  # a title, a second line of it, two paragraphs
        "江/nr  泽民/nr  出席/v",
        "音乐会/n  举行/v  。/w",
        "（/w  记者/n  王/nr  明/nr  ）/w",
        "",
        "天气/n  预报/n",
        "晴/a  。/w",
    ]
    path = tmp_path / "paper.txt"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    articles = read_peoples_daily(path)
    assert [one["text"] for one in articles] == [
        "北京新年音乐会\n江泽民出席\n音乐会举行。\n（记者王明）",
        "天气预报\n晴。",
    ]
    assert articles[1]["tagged"] == "天气/n  预报/n\n晴/a  。/w"

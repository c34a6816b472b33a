"""Placeholders, shortcut letters, markup: taken off both sides, or the message left out."""

import pytest

from helpers.sources.messages import (
    REASONS,
    clean_message,
    placeholders,
    without_accelerators,
    without_markup,
    without_placeholders,
)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("{name} and {0} and {} of {user.name}", ["{0}", "{name}", "{user.name}", "{}"]),
        ("{{ name }} or {{name}}", ["{{name}}", "{{name}}"]),
        ("%s, %d, %.2f, %04d, %i", ["%.2f", "%04d", "%d", "%i", "%s"]),
        ("%(name)s has %(count)d", ["%(count)d", "%(name)s"]),
        ("%1 of %2的%1个", ["%1", "%1", "%2"]),
        ("${total} {x!r} {size:.1f}", ["${total}", "{size:.1f}", "{x!r}"]),
        ("100% sure, 50%discount, 100 %", []),
        ("%%s is no placeholder, nor { x }, {a b} or %", []),
    ],
)
def test_placeholders_are_recognised(text, found):
    assert placeholders(text) == found
    assert placeholders(without_placeholders(text)) == []


@pytest.mark.parametrize(
    ("source", "target", "clean_source", "clean_target"),
    [
        ("&File", "文件(&F)", "File", "文件"),
        ("_File", "文件(_F)", "File", "文件"),
        ("_Description:", "描述(_D)：", "Description:", "描述："),
        ("_Navigator", "导航(N)", "Navigator", "导航"),
        ("File", "文件（F）", "File", "文件"),
        ("&New file...", "新建文件 (&N)...", "New file...", "新建文件..."),
        ("&Global presets", "(&G)全局预设", "Global presets", "全局预设"),
        ("&Debug file", "&D调试文件", "Debug file", "调试文件"),
        ("_Python file", "_Python 文件", "Python file", "Python 文件"),
        ("_File", "_文件", "File", "文件"),
        ("C&onsoles", "控制台(&O)", "Consoles", "控制台"),
        ("Merge S_ource", "合并来源(_o)", "Merge Source", "合并来源"),
        ("Find &next", "查找下一个", "Find next", "查找下一个"),
        # None of these is a shortcut.
        ("AT&T", "AT&T 公司", "AT&T", "AT&T 公司"),
        ("Find & Replace", "查找&替换", "Find & Replace", "查找&替换"),
        ("Show __init__ and file_name", "显示 __init__ 和 file_name", None, None),
        ("The _id of it", "它的 _id", None, None),
        ("Vitamin (C)", "维生素(C)", None, None),
        ("Underscores (_)", "下划线(_)", None, None),
        ("Size in MB", "大小(MB)", None, None),
        ("Choose a name", "选择 (n)", None, None),
    ],
)
def test_marks_of_shortcut_letters(source, target, clean_source, clean_target):
    expected = (clean_source or source, clean_target or target)
    assert without_accelerators(source, target) == expected


def test_markup_is_taken_off_and_told():
    assert without_markup('<a href="%1">here</a><BR/>&lt;b&gt; &#37;') == (
        "here <b> %",
        ["/a", "a"],
    )
    # An entity without its semicolon is none, and only HTML's own names are tags.
    assert without_markup("Run &current <line> 1 < 2") == ("Run &current <line> 1 < 2", [])


@pytest.mark.parametrize(
    ("source", "target", "result"),
    [
        ("  Back to\n %s ", "返回\n%s", ("Back to %s", "返回 %s")),
        ("<b>Stop</b>", "<b>停止</b>", ("Stop", "停止")),
        ("&File", "&File", "equal"),
        ("Stop", "\n ", "empty"),
        ("<b>Stop</b>", "停止</b>", "markup"),
        ("%d of %d", "%d 之", "placeholders"),
        ("%(a)s of %(b)s", "%(b)s 的 %(a)s", ("%(a)s of %(b)s", "%(b)s 的 %(a)s")),
        ("{count} files", "{cuont} 个文件", "placeholders"),
        ("JupyterLab", "JupyterLab", "equal"),
        ("%s: ", "%s：文", "not English"),
        ("中文", "汉语", "not English"),
        ("Javascript", "JavaScript", "not Chinese"),
        ('For example {"a": 1}', '例如 {"a": 1}', "code"),
    ],
)
def test_a_message_is_clean_or_left_out_for_a_reason(source, target, result):
    assert clean_message(source, target) == result
    assert isinstance(result, tuple) or result in REASONS

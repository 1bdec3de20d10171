"""What the columns of a table of people are called, and what stands in them, as property offices write it. Pure."""

from __future__ import annotations

import re
import unicodedata

from gate.errors import Sentence
from gate.names import normalised
from gate.store.people.consents import Way

COLUMNS = (
    "name", "unit", "group", "area", "from", "until", "photos", "consent", "language", "guardian", "another_person",
    "hours", "more_time",
)  # fmt: skip
AREA = "area"
"""The one of them that only a compound of many gates has."""
TOLD_ONLY = "ways_in"
"""A column that an export writes and an import passes over: by what people may come, which no table gives."""
SAID = Sentence("name, unit, group, hours, from, until, more_time, photos, consent, language, guardian, another_person")
"""The columns as they are told to people, but for that of a compound of many gates."""
CALLED: dict[str, Sentence] = {
    "name": Sentence("name"), "unit": Sentence("unit"), "group": Sentence("group"), "area": Sentence("area"),
    "hours": Sentence("hours"), "from": Sentence("from"), "until": Sentence("until"),
    "more_time": Sentence("more_time"), "photos": Sentence("photos"), "consent": Sentence("consent"),
    "language": Sentence("language"), "guardian": Sentence("guardian"), "another_person": Sentence("another_person"),
}  # fmt: skip
HEADINGS: dict[str, str] = dict(zip(COLUMNS, COLUMNS, strict=True)) | {
    "姓名": "name", "住户姓名": "name", "名字": "name",
    "房号": "unit", "房间号": "unit", "门牌号": "unit",
    "分组": "group", "组别": "group",
    "通行区域": "area",
    "通行时段": "hours", "时段": "hours",
    "延长开门": "more_time", "延长开门时间": "more_time",
    "生效日期": "from", "开始日期": "from", "入住日期": "from",
    "截止日期": "until", "结束日期": "until", "到期日期": "until", "有效期至": "until",
    "照片": "photos", "照片文件": "photos", "照片文件名": "photos",
    "同意方式": "consent",
    "语言": "language", "同意书语言": "language",
    "监护人": "guardian", "监护人姓名": "guardian",
    "确为两人": "another_person", "确为另一人": "another_person",
}  # fmt: skip
"""Each writing of a column in small letters, and the column that is meant."""
_WAYS: dict[str, Way] = {one.value: one for one in (Way.TOLD, Way.PAPER, Way.SCREEN)} | {
    "口头": Way.TOLD, "口头告知": Way.TOLD, "口头同意": Way.TOLD, "已口头告知并同意": Way.TOLD,
    "纸质": Way.PAPER, "书面": Way.PAPER, "签字": Way.PAPER, "纸质同意书": Way.PAPER, "已在纸质同意书上签字": Way.PAPER,
    "屏幕": Way.SCREEN, "本屏幕": Way.SCREEN, "屏幕阅读": Way.SCREEN, "已在本屏幕阅读": Way.SCREEN,
}  # fmt: skip
_LANGUAGES = {"中文": "zh-CN", "简体中文": "zh-CN", "英文": "en", "英语": "en", "english": "en"}
_WITH_ANOTHER = re.compile(r"([^()]+?)\s*\(([^()]+)\)")


def column_of(heading: str) -> str:
    """The column that a heading means; what it says itself, in small letters, where it means none.

    >>> [column_of(one) for one in ("Name", "房号", "* 姓名", "until（截止日期）", "Notes")]
    ['name', 'unit', 'name', 'until', 'notes']
    """
    said = unicodedata.normalize("NFKC", normalised(heading)).lower().strip("* ")
    if both := _WITH_ANOTHER.fullmatch(said):
        return next((HEADINGS[one] for one in both.groups() if one in HEADINGS), said)
    return HEADINGS.get(said, said)


def way_of(cell: str) -> Way | None:
    """How somebody agreed, by what stands in the column; None where it cannot be understood.

    >>> way_of("纸质"), way_of("Told"), way_of("yes")
    (<Way.PAPER: 'paper'>, <Way.TOLD: 'told'>, None)
    """
    return _WAYS.get(cell.casefold())


def language_of(cell: str) -> str:
    """The tag of a language, by what stands in the column; the cell itself where it is no other word for one."""
    return _LANGUAGES.get(cell.casefold(), cell)

"""The text of a file whose encoding nobody told: by its mark, as UTF-8, or by which encoding makes names of it.

A byte is another letter in each of the old encodings, and a list of a few names is too short for statistics of letters.
So each of the old encodings is tried in turn, and what it makes of the bytes is judged word by word: can this be a
name? It can where it is of one script, where a capital letter stands at its beginning alone, where accents stand among
plain letters, where Chinese characters are ones that people are called by. The judgement is a number (`_likely`), and
the encodings with the highest are kept. Where they read alike, that is the text; where they differ, a person is asked.
Before all that, what in one encoding alone begins as a table does (`begins_well`) is in that one.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from contextlib import suppress
from functools import cache, partial
from itertools import islice

from gate.errors import UsageError

# What may be asked for by name, as people know it.
ENCODINGS = {
    "utf-8": "utf-8-sig", "utf-16": "utf-16", "gb18030": "gb18030", "big5": "big5hkscs", "shift_jis": "cp932",
    "euc-kr": "cp949", "windows-1250": "cp1250", "windows-1251": "cp1251", "windows-1252": "cp1252",
    "windows-1253": "cp1253", "windows-1254": "cp1254", "windows-1255": "cp1255", "windows-1256": "cp1256",
    "windows-1257": "cp1257", "windows-1258": "cp1258", "windows-874": "cp874", "koi8-r": "koi8_r",
    "koi8-u": "koi8_u", "ibm866": "cp866", "ibm852": "cp852", "ibm850": "cp850", "macintosh": "mac_roman",
}  # fmt: skip
_MARKS = (
    (b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe\0\0", "utf-32"), (b"\0\0\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"),
)  # fmt: skip
_TRIED = (
    "gb18030", "big5", "shift_jis", "euc-kr", "windows-1252", "windows-1250", "windows-1251", "windows-1253",
    "windows-1254", "windows-1255", "windows-1256", "windows-1257",
)  # fmt: skip
# Enough words to judge by.
_JUDGED = 4_000
# Of the words that an encoding gives so many must be possible names: all but a slip, or where nothing else fits half.
# Where nearly each sign is one that people are called by, nothing else is asked.
_CERTAIN, _ALL_BUT_A_SLIP, _HALF = 1.5, 0.9, 0.5
_NEARLY_EACH = 0.8
# With fewer words rare signs and small letters say nothing.
_FEW = 6
# One sign in so many is common where a text is what it seems.
_OFTEN = 5
_WORD = re.compile(r"[^\s,;|\"'’()\[\]/.:+_0-9№#&«»„“”‘–—…·-]+")
_EAST_ASIAN = {"CJK", "HIRAGANA", "KATAKANA", "HANGUL"}
_CASED = {"LATIN", "CYRILLIC", "GREEK"}
# Surnames, common given names and words of addresses: one character in five of any list of residents is among these,
# and one in fifteen of what another encoding makes of it.
_COMMON = frozenset(
    "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎余潘杜戴夏钟汪田任"
    "姜范方石姚谭廖邹熊金陆郝孔白崔康毛邱秦江史顾侯邵孟龙万段雷钱汤尹黎易常武乔贺赖龚文伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞"
    "欧阳司徒诸葛光亮平刚桂英华玉萍红娥玲芬燕建国春梅海晓小大志新云飞鹏宇浩欣雨子一栋幢号楼单元室座区层街路门張劉陳楊趙黃吳孫馬羅鄭謝韓馮蕭鄧許"
    "呂蘇盧蔣賈葉閻鍾譚鄒陸顧龍萬錢湯喬賀賴龔偉靜麗強軍傑濤華紅蘭棟號樓單區層街門佐藤鈴木村山中本川崎野島和美"
    "김이박최정강조윤장임한오서신권황안송전홍고문손배백허남심노민수지현준영"
)
# The letters with accents of each language that an encoding is for: a list of residents is mostly in one of them.
_ALPHABETS = {
    "windows-1250": ("ąćęłńóśźż", "áčďéěíňóřšťúůýž", "áäčďéíĺľňóôŕšťúýž", "áéíóöőúüű", "ăâîşţ", "čćđšž", "äöüß", "çë"),
    "windows-1252": (
        "äöüß", "àâæçéèêëîïôœùûüÿ", "áéíñóúü", "àáâãçéêíóôõú", "àèéìòù", "åäöæøé", "áæðéíóöþúý", "àçèéíïòóúü",
    ),
    "windows-1254": ("âçğıi̇îöşüû", "äöüß"),
    "windows-1257": ("ąčęėįšųūž", "āčēģīķļņšūž", "äõöšüž", "äöüß"),
}  # fmt: skip
# In most Arabic names there is one of these: alif, lam, ya, mim, nun, waw.
_OF_ARABIC = frozenset("اليمنو")
# Letters that stand at the end of a word alone.
_LAST_IN_HEBREW = frozenset("ךםןףץ")


def decoded(
    content: bytes, name: str, encoding: str | None = None, begins_well: Callable[[str], bool] | None = None
) -> tuple[str, str]:
    """The text in `content`, without a byte-order mark, and the name in ENCODINGS of the encoding that it is in.

    `name` is what the file is called in a sentence. `encoding`, a key of ENCODINGS, is taken where it is given.
    `begins_well` tells of a text whether it begins with words, in other than plain letters, that are known. Raises
    UsageError where there is no such encoding, where the bytes are no text in it or in any, and where they can be read
    in several ways, which the sentence names.
    """
    if encoding is not None:
        return _as_asked(content, name, encoding), encoding
    for mark, marked in _MARKS:
        if content.startswith(mark):
            return _strictly(content, marked, name), marked.removesuffix("-sig")
    if wide := _without_mark(content):
        return _strictly(content, wide, name), "utf-16"
    try:
        return content.decode("utf-8"), "utf-8"
    except UnicodeDecodeError:
        return (begins_well and _by_its_beginning(content, begins_well)) or _by_its_words(content, name)


def _as_asked(content: bytes, name: str, encoding: str) -> str:
    if encoding not in ENCODINGS:
        raise UsageError("There is no encoding {encoding}; choose one of {all}.", encoding=encoding, all=_listed())
    return _strictly(content, ENCODINGS[encoding], name, encoding).removeprefix("\ufeff")


def _strictly(content: bytes, codec: str, name: str, called: str = "") -> str:
    try:
        return content.decode(codec)
    except UnicodeDecodeError as error:
        raise UsageError(
            "{table} is not text in {encoding}; choose another encoding, or save it as CSV in UTF-8.",
            table=name, encoding=called or codec,
        ) from error  # fmt: skip


def _without_mark(content: bytes) -> str | None:
    """UTF-16 whose mark is missing: the names of the columns are plain letters, each beside a nought."""
    start = content[:8]
    if len(start) == 8 and not any(start[1::2]) and all(start[::2]):
        return "utf-16-le"
    return "utf-16-be" if len(start) == 8 and not any(start[::2]) and all(start[1::2]) else None


def _readings(content: bytes) -> dict[str, str]:
    """What each of the old encodings makes of it that can read it at all."""
    read: dict[str, str] = {}
    for encoding in _TRIED:
        with suppress(UnicodeDecodeError):
            read[encoding] = content.decode(ENCODINGS[encoding])
    return read


def _by_its_beginning(content: bytes, begins_well: Callable[[str], bool]) -> tuple[str, str] | None:
    found = {text: encoding for encoding, text in reversed(_readings(content).items()) if begins_well(text)}
    return next(iter(found.items())) if len(found) == 1 else None


def _by_its_words(content: bytes, name: str) -> tuple[str, str]:
    read = _readings(content)
    likely = {encoding: _likely(text, encoding) for encoding, text in read.items()}
    few = all(len(_foreign_words(text)) < _FEW for text in read.values())
    for least in (_CERTAIN, _ALL_BUT_A_SLIP) if few else (_CERTAIN, _ALL_BUT_A_SLIP, _HALF):
        # Encodings that read alike are one.
        found = {read[encoding]: encoding for encoding in reversed(read) if likely[encoding] >= least}
        if found and least < _CERTAIN and "gb18030" in read and _may_be_rare_names(read["gb18030"]):
            found[read["gb18030"]] = "gb18030"
        if len(found) == 1:
            return next(iter(found.items()))
        if found:
            raise _ambiguous(found, name)
    raise UsageError(
        "The encoding of {table} is not recognised; choose it, or save the table as CSV in UTF-8.",
        table=name,
    )


def _ambiguous(found: dict[str, str], name: str) -> UsageError:
    """Which readings there are, each by the first word in which they differ."""
    words = {encoding: _foreign_words(text) for text, encoding in found.items()}
    shown = ((one, next((word for at, word in enumerate(words[one]) if _differs(words, at)), "")) for one in words)
    return UsageError(
        "The letters of {table} can be read in several ways: {ways}. Choose its encoding, or save it as CSV in UTF-8.",
        table=name, ways="; ".join(f"{encoding}: {word}" for encoding, word in sorted(shown)),
    )  # fmt: skip


def _differs(words: dict[str, list[str]], at: int) -> bool:
    return len({tuple(one[at : at + 1]) for one in words.values()}) > 1


def _listed() -> str:
    return ", ".join(ENCODINGS)


def _foreign_words(text: str) -> list[str]:
    """Words with other letters than those of English."""
    words = (found[0] for found in _WORD.finditer(text))
    return [word[:40] for word in islice((word for word in words if not word.isascii()), _JUDGED)]


def _likely(text: str, encoding: str) -> float:
    """Which share of the words in other than plain letters can be names, 0 to 1; _CERTAIN where all must be."""
    words = _foreign_words(text)
    if not words:
        # Other than plain bytes, and no word of them: signs alone.
        return 0.0
    share = sum(map(_TESTS.get(encoding, _of_one_alphabet), words)) / len(words)
    if encoding in _ALPHABETS:
        foreign = [{one for one in word.lower() if not one.isascii()} for word in words]
        of_one = (sum(one <= set(letters) for one in foreign) for letters in _ALPHABETS[encoding])
        return min(share, max(of_one) / len(words))
    if encoding in _TESTS:
        return share * _common(words)
    return share if len(words) < _FEW else share * _capital(words)


def _common(words: list[str]) -> float:
    """How far East Asian words hold the signs that people are called by, 0 to 1, or _CERTAIN.

    Of few words each sign counts once.
    """
    signs = [one for word in words for one in word if _script(one) in ("CJK", "HANGUL")]
    counted, often = (set(signs), _OFTEN / 2) if len(words) < _FEW else (signs, _OFTEN)
    share = sum(one in _COMMON for one in counted) / max(1, len(counted))
    return _CERTAIN if share >= _NEARLY_EACH and len(set(signs)) > 1 else min(1.0, often * share)


def _may_be_rare_names(text: str) -> bool:
    """Whether a few words, all of signs that are in use, may be Chinese names of people who are called rarely so."""
    words = _foreign_words(text)
    if len(words) >= _FEW or not all(map(_TESTS["gb18030"], words)):
        return False
    try:
        return bool("".join(words).encode("gb2312"))
    except UnicodeEncodeError:
        return False


def _capital(words: list[str]) -> float:
    """How far words begin with a capital letter as names do, a half to 1; 1 where the script has none."""
    if not any(_script(word[0]) in _CASED for word in words):
        return 1.0
    return min(1.0, max(_HALF, 2 * sum(word[0].isupper() for word in words) / len(words)))


def _of_one_alphabet(word: str) -> bool:
    scripts = {_script(one) for one in word}
    if len(scripts) != 1 or unicodedata.category(word[0]) == "Mn" or not scripts.isdisjoint(_EAST_ASIAN | {""}):
        return False
    if scripts == {"ARABIC"} and _OF_ARABIC.isdisjoint(word):
        return False
    if not _LAST_IN_HEBREW.isdisjoint(word[:-1]):
        return False
    # Two letters that hardly any Greek name has, and nearly every Russian one read as Greek.
    if "ΰ" in word or "ΐ" in word:
        return False
    if scripts == {"LATIN"} and len(word) > 2 and not any(one.isascii() for one in word):
        return False
    return word[1:] == word[1:].lower() or word.isupper()


def _of_east_asia(word: str, *, scripts: frozenset[str]) -> bool:
    """Signs of these scripts, and at most a block's capital letter among them."""
    found = {"" if one.isascii() and one.isupper() else _script(one) for one in word}
    return bool(found & scripts) and found <= scripts | {""}


_TESTS: dict[str, Callable[[str], bool]] = {
    "gb18030": partial(_of_east_asia, scripts=frozenset({"CJK"})),
    "big5": partial(_of_east_asia, scripts=frozenset({"CJK"})),
    "shift_jis": partial(_of_east_asia, scripts=frozenset({"CJK", "HIRAGANA", "KATAKANA"})),
    "euc-kr": partial(_of_east_asia, scripts=frozenset({"HANGUL"})),
}


@cache
def _script(one: str) -> str:
    """The script of a letter or mark by the first word of its name in Unicode; empty for anything else."""
    return unicodedata.name(one, "").split(" ")[0] if unicodedata.category(one)[0] in "LM" else ""

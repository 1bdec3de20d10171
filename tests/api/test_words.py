"""The words of the console and the screen are those of docs/glossary.md, in both languages."""

import html
import re
from dataclasses import dataclass

import pytest
from babel.messages.pofile import read_po

from gate.store.people import residents
from gate.store.record import audit
from gate.vocabulary import AuditEvent, Kind, Reason
from tests.conftest import REPOSITORY

CATALOGUE = REPOSITORY / "api" / "languages" / "zh-CN.po"
HAN = "[㐀-鿿]"
# What is as wide as a Chinese character has its own room: no space belongs beside it.
WIDE = "[㐀-鿿，。；：！？、（）“”…]"
INSIDES = (
    "api", "daemon", "decoder", "embedder", "errno", "exception", "gallery", "journal", "loopback", "peer", "pid",
    "process", "relay claim", "socket", "sudo", "systemctl", "systemd", "thread", "traceback", "uid", "vision",
)  # fmt: skip


@dataclass(frozen=True)
class Entry:
    """A row of the glossary: the forms of the English word, what of Chinese stands for it, and what may not."""

    english: tuple[str, ...]
    chinese: tuple[str, ...]
    not_english: tuple[str, ...]
    not_chinese: tuple[str, ...]


def rows_under(heading):
    """The rows of every table of the glossary whose first column is called `heading`, each a list of cells."""
    text = (REPOSITORY / "docs" / "glossary.md").read_text("utf-8")
    for block in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE):
        table = [[cell.strip() for cell in line.split("|")[1:-1]] for line in block.splitlines()]
        if table[0][0] == heading:
            yield from table[2:]


def several(cell):
    """The words of a cell, which commas separate."""
    return tuple(word.strip() for word in cell.split(",") if word.strip())


ENTRIES = [Entry(*(several(row[at]) for at in (0, 1, 3, 4))) for row in rows_under("English")]
NOBODY_WRITES = [row[0] for row in rows_under("nobody writes")]
OTHER_SENSE = {row[0] for row in rows_under("sentence")}
FOR_INSTALLERS = tuple(row[0] for row in rows_under("begins"))


def catalogue():
    """Every sentence with its translations, of which one that counts has several forms."""
    for one in read_po(CATALOGUE.open("rb"), locale="zh_CN"):
        if one.id:
            english = one.id if isinstance(one.id, tuple) else (one.id,)
            yield english, one.string if isinstance(one.string, tuple) else (one.string,)


PAIRS = [(english[0], said[0]) for english, said in catalogue()]
ENGLISH = [form for english, _ in catalogue() for form in english]
# Without what is no word of a sentence: its gaps, settings (api.hosts) and commands.
PLAIN = {one: re.sub(r"{\w+}|\w+\.\w+|facegate [a-z ]+", "", one) for one in ENGLISH}


def with_any(words, sentences):
    """The sentences that have one of these English words, and which: whole words, small or large."""
    if not words:
        return []
    asked = re.compile(rf"(?<![\w-])({'|'.join(words)})(?![\w-])", re.IGNORECASE)
    found = ((sentence, asked.search(PLAIN[sentence])) for sentence in sentences)
    return [(sentence, hit.group()) for sentence, hit in found if hit]


def told_elsewhere():
    """What else is read by people and may hold Chinese: templates, scripts, styles and code, by its name."""
    for folder in ("api", "enroll", "gate"):
        for file in (REPOSITORY / folder).rglob("*"):
            if file.suffix in {".py", ".html", ".js", ".css"}:
                yield str(file.relative_to(REPOSITORY)), file.read_text("utf-8")


def test_the_glossary_is_read_whole():
    assert len(ENTRIES) > 50
    assert all(entry.english and entry.chinese for entry in ENTRIES)
    known = {sentence for english, _ in catalogue() for sentence in english}
    assert sorted(OTHER_SENSE - known) == [], "these exceptions are of no sentence"
    assert [begins for begins in FOR_INSTALLERS if not any(one.startswith(begins) for one in known)] == []


def test_no_chinese_comes_back_that_a_property_office_does_not_write():
    never = [word for entry in ENTRIES for word in entry.not_chinese] + NOBODY_WRITES
    said = [(english, chinese) for english, chinese in PAIRS] + list(told_elsewhere())
    assert [(where, word) for where, text in said for word in never if word in text] == []


def test_no_english_comes_back_that_the_glossary_has_another_word_for():
    never = [word for entry in ENTRIES for word in entry.not_english]
    assert with_any(never, ENGLISH) == []


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.english[0])
def test_one_thing_has_one_word(entry):
    told = {one: said for one, said in PAIRS if one not in OTHER_SENSE}
    meant = [(one, told[one]) for one, _ in with_any(entry.english, told)]
    assert [(one, said) for one, said in meant if not any(word in said for word in entry.chinese)] == []


def test_chinese_is_set_as_chinese():
    narrow = re.compile(rf"""{WIDE}[,;:!?()"'\[\]]|[,;:!?()"'\[\]]{WIDE}|{HAN}\.(?!\w)|[「」『』～]|\.\.\.""")
    assert [(one, said) for one, said in PAIRS if narrow.search(said)] == [], "punctuation that is not full-width"
    assert [(one, said) for one, said in PAIRS if re.search(rf"{WIDE} | {WIDE}|}} {{|^ | $", said)] == [], "spaces"
    assert [(one, said) for one, said in PAIRS if said.count("“") != said.count("”")] == []


def test_a_full_stop_stands_where_the_english_has_one():
    stopped = [(one.rstrip().endswith("."), said.endswith("。")) for one, said in PAIRS]
    assert [pair for pair, (one, said) in zip(PAIRS, stopped, strict=True) if one is not said] == []


def test_everything_is_translated():
    untold = [(one, said) for one, said in PAIRS if not re.search(HAN, said)]
    assert [one for one, _ in untold if re.sub(r"{\w+}", "", one).strip(" ,;:'")] == []


def test_english_is_without_what_is_inside_the_machine():
    told = [sentence for sentence in ENGLISH if not sentence.startswith(FOR_INSTALLERS)]
    assert with_any(INSIDES, told) == []


def said_on(page):
    """What a page says, a text for each piece between two tags; without what is no text."""
    plain = re.sub(r"<(script|style|pre|svg)\b.*?</\1>", "", page, flags=re.DOTALL)
    return [re.sub(r"\s+", " ", html.unescape(text)).strip() for text in re.split(r"<[^>]+>", plain)]


def test_no_page_joins_chinese_with_what_stands_between_english_words(browser, store):
    """Phrases of one line have the comma of the language between them, and no space."""
    fang = residents.enrol(store, "王芳", "3-1204", [])
    for kind in Kind:
        audit.append(store, AuditEvent(kind, {"by": "first start"}, {"resident": fang.id, "name": fang.name}, fang.id))
    for reason in Reason:
        audit.append(store, AuditEvent(Kind.DENIED, {"method": "face", "reason": reason.value}))
    owner = browser("owner")
    pages = (
        "/", "/residents", f"/residents/{fang.id}", "/homes/3-1204", "/enrol", "/events?what=everything", "/events",
        "/door", "/services", "/settings", "/settings/hours", "/settings/users", "/settings/holidays",
        "/settings/free-access", "/first-hour", "/receipts", "/residents/together", "/import", "/account", "/nothing",
    )  # fmt: skip
    texts = [
        (path, text)
        for path in pages
        for text in said_on(owner.get(path, headers={"accept-language": "zh-CN"}, follow_redirects=True).text)
    ]
    assert len(texts) > 500
    narrow = re.compile(rf"{HAN} ?[,;:!?()](?!\d)|[,;:!?()] ?{HAN}|{WIDE} {WIDE}")
    assert [(path, text) for path, text in texts if narrow.search(text)] == []

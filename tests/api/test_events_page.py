"""The pages of the record: who came at nine yesterday in three presses, approaches as one line, looks apart."""

import csv
import html
import io
import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.app import create_app
from api.pages.record_words import VIEWS, WHY
from api.pages.spans import PRESETS, span
from api.wording import KINDS
from gate.errors import UsageError
from gate.store.people import residents
from gate.store.record import audit
from gate.store.record.audit import Moment
from gate.vocabulary import AuditEvent, Kind
from tests.console import Browser, context_on

SHANGHAI = ZoneInfo("Asia/Shanghai")


@pytest.fixture
def auditor(state, store, staff):
    one = Browser(create_app(context_on(state, settings={"door": {"zone": "Asia/Shanghai"}})))
    one.sign_in("auditor")
    return one


def yesterday_at(hour, minute=0):
    return datetime.now(SHANGHAI).replace(hour=hour, minute=minute, second=0, microsecond=0) - timedelta(days=1)


def come(store, name, at, kind="granted", unit=None, **details):
    one = residents.enrol(store, name, unit, []) if name else None
    personal = {"resident": one.id, "name": name} if one else {}
    event = AuditEvent(kind, {"method": "face", **details}, personal, one and one.id)
    audit.append(store, event, Moment(0.0, at.timestamp(), True))
    return one


def press(browser, text, word):
    """Follow the link with this word, as a page without JavaScript has it."""
    links = re.findall(r'<a [^>]*?href="([^"]+)"[^>]*>(.*?)</a>', text, re.DOTALL)
    found = [href for href, said in links if word in said]
    assert len(found) == 1, (word, found)
    return browser.get("/events" + html.unescape(found[0])).text


def names(text):
    return re.findall(r"<td>(?:<a [^>]*>)?((?:Wang|Li) \w+)", text)


def test_who_came_at_nine_yesterday_is_three_presses_and_no_typing(auditor, store):
    for name, at in (("Wang Fang", yesterday_at(9, 30)), ("Li Lei", yesterday_at(8, 59)), ("Li Na", yesterday_at(10))):
        come(store, name, at)
    events = auditor.get("/events").text
    yesterday = press(auditor, events, "Yesterday")
    assert sorted(names(yesterday)) == ["Li Lei", "Li Na", "Wang Fang"]
    assert "9:00 to 10:00: 1 let in, 0 refused" in yesterday
    assert names(press(auditor, yesterday, '<span class="hour">9</span>')) == ["Wang Fang"]


def test_the_days_of_the_last_week_are_pressed_by_name(auditor, store):
    now = datetime.now(SHANGHAI)
    for ago in range(8):
        come(store, f"Wang {'ABCDEFGH'[ago]}", now - timedelta(days=ago))
    events = auditor.get("/events").text
    for ago in range(2, 7):
        there = press(auditor, events, f"{now - timedelta(days=ago):%A}")
        assert names(there) == [f"Wang {'ABCDEFGH'[ago]}"]
    assert f">{now - timedelta(days=7):%A}<" not in events


def test_the_record_opens_on_people_and_looks_are_apart(auditor, store):
    come(store, "Wang Fang", datetime.now(SHANGHAI))
    auditor.get("/services")
    opened = auditor.get("/events").text
    assert ("Let in" in opened, "kind-looked_at" in opened) == (True, False)
    operations = press(auditor, opened, "Operations log")
    assert ("kind-granted" in operations, "the services" in operations) == (False, True)
    assert "kind-looked_at" in press(auditor, opened, "Everything")


def test_each_kind_is_in_a_view():
    seen = {kind for _, kinds in VIEWS.values() for kind in kinds}
    assert set(Kind) - seen == set()
    assert not set(VIEWS) & set(KINDS)


def test_why_somebody_was_refused_is_said_in_a_sentence(auditor, store):
    one = come(store, "Li Na", datetime.now(SHANGHAI), "denied", "5-101", reason="out_of_hours")
    said = auditor.get(f"/events?resident={one.id}&what=refusals").text
    assert WHY["out_of_hours"] in said
    assert "Events of Li Na" in said
    assert WHY["out_of_hours"] in auditor.get("/events?person=lina").text
    assert WHY["out_of_hours"] not in auditor.get("/events").text


def test_an_order_that_came_too_late_is_not_told_as_a_face_that_did(auditor, store):
    audit.append(store, AuditEvent("denied", {"method": "face", "reason": "stale"}))
    audit.append(store, AuditEvent("denied", {"method": "command", "reason": "stale", "by": "uid 0"}))
    audit.append(store, AuditEvent("ordered", {"order": "lockdown", "reason": "stale", "by": "uid 0"}))
    for tag, of_face, of_order in (
        ("en", "the answer came too late", "the order came too late, and nothing was done"),
        ("zh-CN", "识别结果超时", "操作指令送达过晚，未执行"),
    ):
        language = {"accept-language": tag}
        for path in ("/events?what=everything", "/events/table?what=everything"):
            # Without the list of reasons to choose from.
            said = auditor.get(path, headers=language).text.rpartition("</form>")[2]
            assert (said.count(of_face), said.count(of_order)) == (1, 2), path
    assert auditor.get("/events?reason=stale").text.count(WHY["stale"]) == 1


def test_whom_a_refused_face_came_near_to_is_told_to_the_owner_alone(browser, store):
    one = residents.enrol(store, "Li Na", "5-101", [])
    details = {"method": "face", "reason": "unknown", "similarity": 0.41}
    audit.append(store, AuditEvent("denied", details, {"nearest": one.id}, one.id))
    for path, begins in (
        ("/events", "<tbody>"),
        (f"/events?resident={one.id}", "<tbody>"),
        ("/api/v1/events?kind=denied", "items"),
    ):
        for who in ("owner", "manager", "auditor"):
            _, _, said = browser(who).get(path).text.partition(begins)
            assert ("Li Na" in said or one.id in said, "0.41" in said) == (who == "owner",) * 2, (path, who)


def test_lines_of_one_approach_are_one_with_its_lines_to_unfold(auditor, store):
    now = datetime.now(SHANGHAI)
    come(store, None, now, "denied", reason="unknown", track=1, claim="a")
    come(store, "Wang Fang", now, claim="b", track=1)
    come(store, None, now, "passage", grant="b", outcome="taken")
    text = auditor.get("/events").text
    assert text.count("<tr class=") == 1
    for said in ("refused 1 time at first, not known here", "somebody walked through", "3 lines"):
        assert said in text


def come_again(store, one, at, kind="granted", **details):
    audit.append(
        store,
        AuditEvent(kind, {"method": "face", "track": 1, **details}, {"resident": one.id, "name": one.name}, one.id),
        Moment(0.0, at.timestamp(), True),
    )


def rows_of(text):
    """What each row of the record says, and what stands in it to unfold."""
    rows = re.findall(r"<tr class=.*?</tr>", text.rpartition("</form>")[2], re.DOTALL)
    plain = [" ".join(html.unescape(re.sub("<[^>]+>", " ", row)).split()) for row in rows]
    return [(one.partition(" lines ")[0], one.partition(" lines ")[2]) for one in plain]


def test_each_grant_of_one_approach_says_its_own_passage_the_newest_first(auditor, store):
    now = datetime.now(SHANGHAI)
    one = come(store, "Wang Fang", now, claim="b", track=1)
    come(store, None, now + timedelta(seconds=3), "passage", grant="b", outcome="taken")
    come_again(store, one, now + timedelta(seconds=5), "denied", reason="busy", claim="r")
    come_again(store, one, now + timedelta(seconds=8), claim="c")
    # They stand there again before it is told that nobody walked through.
    come_again(store, one, now + timedelta(seconds=12), claim="d")
    come(store, None, now + timedelta(seconds=13), "passage", grant="c", outcome="not_taken")
    come_again(store, one, now + timedelta(seconds=14), "denied", reason="busy", claim="s")
    come(store, None, now + timedelta(seconds=15), "passage", grant="d", outcome="unknown")
    rows = rows_of(auditor.get("/events").text)
    told = ("walked through cannot be told", "nobody walked through", "somebody walked through")
    assert [[words in said for words in told] for said, _ in rows] == [
        [True, False, False],
        [False, True, False],
        [False, False, True],
    ]
    assert [("at first" in said, "refused 1 time afterwards" in said) for said, _ in rows] == [
        (False, True),
        (True, False),
        (False, False),
    ]
    # Each unfolds what is its own, and no line stands in two rows.
    assert [unfolded.count("Let in") for _, unfolded in rows] == [1, 1, 1]
    assert [unfolded.count("walked through") for _, unfolded in rows] == [1, 1, 1]
    assert [unfolded.count("Refused") for _, unfolded in rows] == [1, 1, 0]


@pytest.mark.parametrize("what", ["yesterday&hour=24", "2026-13-01", "0001-01-01", "9999-12-31", "now"])
def test_a_day_that_is_none_is_said_to_be_none(auditor, what):
    assert auditor.get(f"/events?when={what}").status_code == 422


@given(
    st.datetimes(datetime(2000, 1, 1), datetime(2050, 1, 1)),
    st.sampled_from(("Asia/Shanghai", "Europe/Berlin", "America/Sao_Paulo", "Australia/Lord_Howe")),
    st.sampled_from(sorted(PRESETS)),
    st.none() | st.integers(0, 23),
)
def test_a_span_lies_where_it_says(moment, zone, when, hour):
    now = moment.replace(tzinfo=ZoneInfo(zone))
    found = span(when, hour, now)
    assert found.until is None or found.since < found.until
    if found.day is not None:
        assert found.since.date() == found.day
        assert (found.until - timedelta(microseconds=1)).date() == found.day
        assert hour is None or found.since.hour == hour


def test_what_is_no_day_has_no_span():
    with pytest.raises(UsageError):
        span("tomorrow", None, datetime.now(SHANGHAI))


def test_today_shows_its_hours_as_links_with_their_counts(browser, store):
    come(store, "Wang Fang", datetime.now().astimezone())
    said = browser("manager").get("/").text
    hour = datetime.now().astimezone().hour
    assert f'href="/events?when=today&amp;hour={hour}"' in said
    assert f"{hour}:00 to {hour + 1}:00: 1 let in, 0 refused" in said


def test_services_show_days_and_weeks(auditor, store):
    come(store, "Wang Fang", yesterday_at(9))
    said = auditor.get("/services?days=7").text
    assert f'href="/events?when={yesterday_at(9).date()}"' in said
    assert "Week by week" in said


def test_a_week_like_the_one_before_is_no_change_and_not_less_by_nothing(auditor, store):
    # Two full weeks that lie behind: 200 came in the first of them, 199 in the second.
    monday = yesterday_at(9) - timedelta(days=yesterday_at(9).weekday() + 14)
    for week, count in ((0, 200), (7, 199)):
        for minute in range(count):
            come(store, None, monday + timedelta(days=week, minutes=minute))
    rows = re.findall(r"<tr><th scope=\"row\">.*?</tr>", auditor.get("/services?days=30").text, re.DOTALL)
    assert ['199</td><td class="number">0 %<' in row for row in rows].count(True) == 1


@pytest.mark.parametrize("night", [datetime(2026, 3, 29, 1, 30, tzinfo=UTC), datetime(2026, 10, 25, 1, 30, tzinfo=UTC)])
def test_the_last_hour_is_one_also_when_the_clocks_change(night):
    assert night - span("hour", None, night.astimezone(ZoneInfo("Europe/Berlin"))).since == timedelta(hours=1)


def test_the_table_for_people_is_in_their_language_and_the_gates_time_whole_and_on_record(auditor, store, staff):
    come(store, "Wang Fang", yesterday_at(9, 30), unit="3-2-1204")
    come(store, "=HYPERLINK(1)", yesterday_at(9, 31))
    come(store, None, yesterday_at(23, 59), "denied", reason="unknown")
    untrusted = AuditEvent("granted", {"method": "face"})
    audit.append(store, untrusted, Moment(0.0, yesterday_at(10).timestamp(), clock_trusted=False))
    auditor.headers["accept-language"] = "zh-CN"
    shown = auditor.get("/events?when=yesterday").text
    link = html.unescape(re.search(r'href="(/events/table[^"]*)"', shown)[1])
    answer = auditor.get(link)
    rows = list(csv.reader(io.StringIO(answer.text.removeprefix("\ufeff"))))
    assert answer.headers["content-disposition"].startswith('attachment; filename="facegate-')
    assert rows[0] == ["编号", "时间", "类型", "房号", "姓名", "详情"]
    assert [row[1:] for row in rows[1:]] == [
        [f"{yesterday_at(10):%Y-%m-%d %H:%M:%S}", "已通行", "", "", "刷脸，系统时间异常"],
        [f"{yesterday_at(23, 59):%Y-%m-%d %H:%M:%S}", "未通过", "", "", "未识别到登记信息，刷脸"],
        [f"{yesterday_at(9, 31):%Y-%m-%d %H:%M:%S}", "已通行", "", "'=HYPERLINK(1)", "刷脸"],
        [f"{yesterday_at(9, 30):%Y-%m-%d %H:%M:%S}", "已通行", "3-2-1204", "Wang Fang", "刷脸"],
    ]
    exported = [line for line in audit.lines(store) if line.kind == Kind.EXPORTED]
    assert [line.details for line in exported] == [{"format": "csv", "by": f"user {staff['auditor'].id}"}]

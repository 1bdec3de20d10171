"""What is done with a link: drawn, agreed to, used, and looked at by the office."""

import re

from enroll import consent as texts
from gate.store.record import audit

CHINESE = {"accept-language": "zh-CN"}


def drawn(manager, person, key="k1"):
    """Draw a link; its path, as it stands on the page that shows it."""
    shown = manager.post(f"/residents/{person.id}/photo-link", data={"key": key}).headers["location"]
    page = manager.get(shown)
    assert "<svg" in page.text
    return re.search(r'value="https?://[^/"]+(/photo/[\w-]{43})"', page.text)[1]


def agree(phone, path, guardian="", language="zh-CN"):
    phone.get(path)
    form = {"language": language, "text": texts.CURRENT, "guardian": guardian}
    return phone.post(f"{path}/consent", data=form)


def send(phone, path, *files):
    return phone.post(path, files=[("photos", (one.name, one.read_bytes())) for one in files])


def sent_by(phone, manager, person, photo):
    """A phone that has sent a photo by a link that was drawn for it, and the link's path."""
    one, path = phone(), drawn(manager, person)
    agree(one, path)
    assert send(one, path, photo).status_code == 303
    return one, path


def waiting(context):
    return [one.link for one in context.own_photos.waiting()]


def form_of(manager, context, *, looks=True):
    """Where the one that waits is confirmed, and what the form says; whoever `looks` fetches its pictures."""
    (link,) = waiting(context)
    page = manager.get("/waiting").text
    for picture in re.findall(r'<img src="(/waiting/[^"]+)"', page) if looks else ():
        manager.get(picture)
    at = re.search(r'name="at" value="([^"]+)"', page)[1]
    return f"/waiting/{link}", {"at": at, "another_than": re.findall(r'name="another_than" value="([^"]+)"', page)}


def kinds(store):
    return [line.kind for line in audit.lines(store)]


OVER = "This link is not valid, or not any more."

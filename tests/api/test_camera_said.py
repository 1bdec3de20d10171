"""What vision says of its cameras, as the pages, the API and the health tell it, in both languages."""

import pytest

from gate.processes.camera_report import TROUBLES, CameraFault, CameraReport, Gives, Trouble
from gate.processes.fields import Malformed, read, written
from tests.said import answering, vision_says

SEEN = Gives(1920, 1080, 24.9, "H.265", 2.0)
WRONG = CameraFault(Trouble.PASSWORD, {"host": "10.0.0.7", "port": "554", "scheme": "RTSP"})


@pytest.fixture
def vision(state):
    """Vision's socket, which says of the camera what it is told to."""
    said = {}

    def say(report):
        fault = report.fault and report.fault.sentence
        said.update(written(vision_says(cameras={"camera": report}, camera_fault=fault)))

    with answering(state, "vision", said):
        yield say


@pytest.mark.parametrize(
    ("report", "english", "chinese"),
    [
        (CameraReport(SEEN), "1920 x 1080 pixels, 25 pictures a second, H.265, a whole picture", "每秒25帧"),
        (
            CameraReport(SEEN, WRONG),
            "The camera at 10.0.0.7 does not accept the user or the password.",
            "用户名或密码不正确",
        ),
        (CameraReport(), "The camera is being opened.", "正在打开摄像头"),
    ],
)
def test_the_first_page_says_in_one_sentence_what_the_camera_gives_or_what_is_wrong(
    vision, browser, report, english, chinese
):
    vision(report)
    owner = browser("owner")
    for path in ("/", "/door"):
        assert english in owner.get(path).text
        assert chinese in owner.get(path, headers={"accept-language": "zh-CN"}).text


def test_the_api_says_the_same_in_numbers(vision, browser):
    vision(CameraReport(SEEN))
    answer = browser("owner").get("/api/v1/health").json()["vision"]
    assert answer["camera_gives"] == {
        "width": 1920, "height": 1080, "rate": 24.9, "codec": "H.265", "keyframe_s": 2.0,
    }  # fmt: skip
    assert answer["infrared_gives"] is None


def test_every_trouble_comes_through_as_it_was_said():
    values = dict.fromkeys(("host", "port", "scheme", "shown", "kind", "why", "name", "transport"), "x")
    values |= {"seconds": 2, "width": 1, "height": 1, "most": 1}
    for trouble in Trouble:
        report = CameraReport(SEEN, CameraFault(trouble, values))
        assert read(CameraReport, written(report)) == report
        assert "{" not in report.sentence
    assert set(TROUBLES) == set(Trouble)


@pytest.mark.parametrize(
    "said",
    [None, 7, [], {"gives": 1, "fault": None},
     {"gives": None, "fault": {"trouble": "{x}", "values": {}}},
     {"gives": None, "fault": {"trouble": "not_found", "values": {}}},
     {"gives": {"width": "{", "height": 1, "rate": 1, "codec": "", "keyframe_s": None}, "fault": None}],
)  # fmt: skip
def test_what_makes_no_sense_is_not_told_again(said):
    with pytest.raises(Malformed):
        read(CameraReport, said)

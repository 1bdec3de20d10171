"""A camera's address: what is one, and that nothing secret of it is ever shown."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.vision.address import address_of, redacted, with_password, without_password


@pytest.mark.parametrize(
    ("source", "url", "shown"),
    [
        ("RTSP://10.0.0.7/Main", "rtsp://10.0.0.7/Main", "rtsp://10.0.0.7/Main"),
        ("rtsp://gate:a%40b@10.0.0.7:8554/s", "rtsp://gate:a%40b@10.0.0.7:8554/s", "rtsp://10.0.0.7:8554/s"),
        ("rtsp://gate:a@b:c@10.0.0.7/s", "rtsp://gate:a%40b%3Ac@10.0.0.7/s", "rtsp://10.0.0.7/s"),
        ("rtsp://gate:a#b?c@10.0.0.7/s", "rtsp://gate:a%23b%3Fc@10.0.0.7/s", "rtsp://10.0.0.7/s"),
        ("rtsp://gate:a/b@camera.lan/s", "rtsp://gate:a%2Fb@camera.lan/s", "rtsp://camera.lan/s"),
        ("rtsp://gate:50%off@10.0.0.7/s", "rtsp://gate:50%25off@10.0.0.7/s", "rtsp://10.0.0.7/s"),
        ("rtsp://u:p@[fe80::1%eth0]:554/s", "rtsp://u:p@[fe80::1%eth0]/s", "rtsp://[fe80::1%eth0]/s"),
        ("http://10.0.0.7/snap.cgi?usr=u&pwd=p&x=1", None, "http://10.0.0.7/snap.cgi?usr=***&pwd=***&x=1"),
        ("rtsp://10.0.0.7/user=u&password=p@q&channel=1", None, "rtsp://10.0.0.7/user=***&password=***&channel=1"),
        ("rtsps://10.0.0.1:7441/YzHqX6nJ0zDBwJEq?enableSrtp", None, "rtsps://10.0.0.1:7441/***?enableSrtp"),
        ("rtsp://10.0.0.7/a@b", None, "rtsp://10.0.0.7/***@b"),
        ("/dev/v4l/by-id/usb", None, "/dev/v4l/by-id/usb"),
    ],
)
def test_an_address_is_understood_and_shown_without_its_secrets(source, url, shown):
    assert without_password(source) == shown
    if source.startswith(("rtsp", "RTSP", "http")):
        assert address_of(source).url == (url or source)


@pytest.mark.parametrize(
    "source",
    ["ftp://u:hush@10.0.0.7/x", "rtsp://", "rtsp://u:hush@/x", "rtsp://10.0.0.7:no/x", "rtsp://u:hush@[::1/x",
     "rtsp://10.0.0.7/a b", "rtsp://u:hush@10.0.0.7/\n", f"rtsp://u:{'hush' * 40}@10.0.0.7/x", "concat://a|b"],
)  # fmt: skip
def test_what_is_no_address_is_half_a_sentence_without_secrets(source):
    with pytest.raises(ValueError) as error:
        address_of(source)
    assert "hush" not in str(error.value) + without_password(source)


@given(st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=3, max_size=12))
def test_a_password_kept_apart_comes_through_whatever_it_holds_and_is_never_shown(password):
    whole = with_password("rtsp://gate@10.0.0.7/main", password)
    address = address_of(whole)
    assert (address.user, address.password, address.host, address.path) == ("gate", password, "10.0.0.7", "/main")
    assert address.shown == without_password(whole) == "rtsp://10.0.0.7/main"
    placed = with_password("rtsp://10.0.0.7/user=gate&password={password}&channel=1", password)
    assert without_password(placed) == "rtsp://10.0.0.7/user=***&password=***&channel=1"


@pytest.mark.parametrize(
    "said",
    ["cannot open {url}", "{source}: refused", "401 for s3cr=t", "{bare} is gone", "Digest s3cr%3Dt", "at {path}"],
)
def test_whoever_writes_a_sentence_of_a_camera_it_holds_no_secret(said):
    source = "rtsp://gate:s3cr=t@10.0.0.7/live?token=hushhush"
    address = address_of(source)
    words = said.format(url=address.url, source=source, bare=address.bare, path=address.path)
    told = redacted(words, source)
    assert not [secret for secret in ("s3cr", "hushhush") if secret in told], told

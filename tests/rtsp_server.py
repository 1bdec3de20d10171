"""A network camera as somebody else made it: GStreamer's RTSP server, run by the system's own Python.

It prints `port N` once it sends, and `came` and `went` for every connection; a line `shift S` on its standard input
moves its time stamps by S seconds.
"""

import argparse
import sys

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtsp", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import Gio, GLib, Gst, GstRtsp, GstRtspServer  # noqa: E402

ENCODERS = {
    "h264": "x264enc tune=zerolatency speed-preset=ultrafast bitrate=1500 key-int-max={every} option-string=scenecut=0"
    " ! video/x-h264,profile=constrained-baseline ! {shift} ! rtph264pay name=pay0 pt=96 config-interval={inband}",
    "h264-b": "x264enc speed-preset=veryfast bframes=3 bitrate=1500 key-int-max={every} option-string=scenecut=0"
    " ! {shift} ! rtph264pay name=pay0 pt=96",
    "h265": "x265enc tune=zerolatency speed-preset=ultrafast bitrate=1500 key-int-max={every}"
    " option-string=scenecut=0:open-gop=0 ! {shift} ! rtph265pay name=pay0 pt=96 config-interval={inband}",
    "mjpeg": "jpegenc quality=85 ! {shift} ! rtpjpegpay name=pay0 pt=26",
    "theora": "theoraenc ! {shift} ! rtptheorapay name=pay0 pt=96",
}
# No source of sound that could be wound back: whoever may wind one back must, when somebody begins to play.
SOUND = (
    " fakesrc is-live=true format=time sizetype=2 sizemax=160 filltype=zero do-timestamp=true"
    " ! audio/x-alaw,rate=8000,channels=1 ! rtppcmapay name=pay{number} pt=8"
)


def main() -> None:
    """Serve until killed."""
    given = _given()
    Gst.init(None)
    server = GstRtspServer.RTSPServer.new()
    server.set_address(given.address)
    server.set_service(str(given.port))
    factory = GstRtspServer.RTSPMediaFactory.new()
    factory.set_launch(_launch(given))
    factory.set_shared(given.sound == "none")
    if given.udp_only:
        factory.set_protocols(GstRtsp.RTSPLowerTrans.UDP)
    if given.password or given.certificate:
        _guard(server, factory, given)
    factory.connect("media-configure", _listen_for_shifts)
    server.get_mount_points().add_factory("/live", factory)
    server.attach(None)
    server.connect("client-connected", _tell)
    keeper = _kept_going(given, server.get_bound_port())
    keeper.set_state(Gst.State.PLAYING)
    GLib.timeout_add(50, _tell_port, server, keeper.get_by_name("end"))
    GLib.MainLoop().run()


def _given() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("pictures", help="numbered JPEG files of a film of 25 pictures a second, as %%05d.jpg")
    parser.add_argument("--codec", default="h264", choices=ENCODERS)
    parser.add_argument("--fps", type=int, default=15)
    parser.add_argument("--keyframe-s", type=float, default=2)
    parser.add_argument("--inband", type=int, default=0, help="-1: with parameter sets before each keyframe")
    parser.add_argument("--sound", choices=("none", "first", "second"), default="none")
    parser.add_argument("--address", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--user", default="gate")
    parser.add_argument("--password")
    parser.add_argument("--basic", action="store_true")
    parser.add_argument("--certificate", help="PEM with its key; then it is rtsps")
    parser.add_argument("--udp-only", action="store_true")
    parser.add_argument("--size", help="as 1280x720")
    return parser.parse_args()


def _launch(given: argparse.Namespace) -> str:
    width, _, height = (given.size or "").partition("x")
    size = f",width={width},height={height}" if width else ""
    pictures = (
        f"multifilesrc location={given.pictures} loop=true caps=image/jpeg,framerate=25/1 ! jpegdec ! videorate"
        f" ! videoscale ! video/x-raw,framerate={given.fps}/1{size} ! identity sync=true ! videoconvert"
        " ! video/x-raw,format=I420"
    )
    every = max(1, round(given.fps * given.keyframe_s))
    encoder = ENCODERS[given.codec].format(every=every, inband=given.inband, shift="identity name=shift")
    video = f"{pictures} ! {encoder}"
    if given.sound == "first":
        video = video.replace("name=pay0", "name=pay1")
        return f"( {SOUND.format(number=0)} {video} )"
    return f"( {video} {SOUND.format(number=1) if given.sound == 'second' else ''} )"


def _guard(server, factory, given) -> None:
    auth = GstRtspServer.RTSPAuth.new()
    if given.certificate:
        auth.set_tls_certificate(Gio.TlsCertificate.new_from_file(given.certificate))
    token = GstRtspServer.RTSPToken.new()
    token.set_string("media.factory.role", "viewer")
    rights = GstRtspServer.RTSPPermissions.new()
    for right in ("access", "construct"):
        rights.add_permission_for_role("viewer", f"media.factory.{right}", True)
    factory.set_permissions(rights)
    if not given.password:
        auth.set_default_token(token)
    elif given.basic:
        auth.add_basic(GstRtspServer.RTSPAuth.make_basic(given.user, given.password), token)
    else:
        auth.set_supported_methods(GstRtsp.RTSPAuthMethod.DIGEST)
        auth.add_digest(given.user, given.password, token)
    server.set_auth(auth)


def _kept_going(given, port):
    """A first viewer: a camera encodes whether or not somebody looks, and others come in the middle."""
    scheme = "rtsps" if given.certificate else "rtsp"
    login = f"user-id={given.user} user-pw={given.password}" if given.password else ""
    way = "udp" if given.udp_only else "tcp"
    host = f"[{given.address}]" if ":" in given.address else given.address
    sound = " from. ! application/x-rtp,media=audio ! fakesink sync=false" if given.sound != "none" else ""
    return Gst.parse_launch(
        f"rtspsrc name=from location={scheme}://{host}:{port}/live protocols={way} {login} tls-validation-flags=0"
        f" latency=0 from. ! application/x-rtp,media=video ! fakesink name=end sync=false{sound}"
    )


def _tell_port(server, end) -> bool:
    if end.get_property("last-sample") is None:
        return True
    print("port", server.get_bound_port(), flush=True)
    return False


def _tell(_server, client) -> None:
    print("came", flush=True)
    client.connect("closed", lambda _client: print("went", flush=True))


def _listen_for_shifts(_factory, media) -> None:
    shift = media.get_element().get_by_name("shift")

    def heard(_channel, _condition) -> bool:
        word, _, seconds = sys.stdin.readline().partition(" ")
        if word == "shift":
            shift.set_property("ts-offset", int(float(seconds) * Gst.SECOND))
        return bool(word)

    GLib.io_add_watch(GLib.IOChannel.unix_new(0), GLib.PRIORITY_DEFAULT, GLib.IOCondition.IN, heard)


if __name__ == "__main__":
    main()

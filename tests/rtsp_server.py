"""A network camera as somebody else made it: GStreamer's RTSP server, run by the system's own Python.

It prints `port N` once it sends, and `came` and `went` for every connection.
"""

import argparse
import time
from pathlib import Path

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtsp", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import Gio, GLib, Gst, GstRtsp, GstRtspServer  # noqa: E402 - once the versions are named

# The coded pictures lie ready, as a camera's encoder is no burden to who watches.
SENT = {
    "h264": "video/x-h264,stream-format=byte-stream,alignment=au,framerate={fps}/1"
    " ! rtph264pay name={name} pt=96 config-interval=0",
    "h265": "video/x-h265,stream-format=byte-stream,alignment=au,framerate={fps}/1"
    " ! rtph265pay name={name} pt=96 config-interval=0",
    "mjpeg": "image/jpeg,width={width},height={height},framerate={fps}/1 ! rtpjpegpay name={name} pt=26",
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
    factory.connect("media-configure", _film, given)
    server.get_mount_points().add_factory("/live", factory)
    server.attach(None)
    server.connect("client-connected", _tell)
    keeper = _kept_going(given, server.get_bound_port())
    keeper.set_state(Gst.State.PLAYING)
    GLib.timeout_add(50, _tell_port, server, keeper.get_by_name("end"))
    GLib.MainLoop().run()


def _given() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("pictures", help="a folder of files, a coded picture each")
    parser.add_argument("--codec", default="h264", choices=SENT)
    parser.add_argument("--fps", type=int, default=15)
    parser.add_argument("--width", type=int, required=True)
    parser.add_argument("--height", type=int, required=True)
    parser.add_argument("--sound", choices=("none", "first", "second"), default="none")
    parser.add_argument("--address", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--user", default="gate")
    parser.add_argument("--password")
    parser.add_argument("--basic", action="store_true")
    parser.add_argument("--certificate", help="PEM with its key; then it is rtsps")
    parser.add_argument("--udp-only", action="store_true")
    return parser.parse_args()


def _launch(given: argparse.Namespace) -> str:
    name = "pay1" if given.sound == "first" else "pay0"
    sent = SENT[given.codec].format(name=name, width=given.width, height=given.height, fps=given.fps)
    video = f"appsrc name=camera is-live=true format=time do-timestamp=true caps={sent}"
    sound = {"none": "", "first": SOUND.format(number=0), "second": SOUND.format(number=1)}[given.sound]
    return f"( {video}{sound} )"


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


def _film(_factory, media, given) -> None:
    """One picture after the other, each at its time, from the first on again after the last."""
    pictures = [path.read_bytes() for path in sorted(Path(given.pictures).iterdir())]
    source, began, shown = media.get_element().get_by_name("camera"), time.monotonic(), 0

    def show() -> bool:
        nonlocal shown
        while shown <= (time.monotonic() - began) * given.fps:
            answer = source.emit("push-buffer", Gst.Buffer.new_wrapped(pictures[shown % len(pictures)]))
            if answer not in (Gst.FlowReturn.OK, Gst.FlowReturn.FLUSHING):
                return False
            shown += 1
        return True

    GLib.timeout_add(4, show)


if __name__ == "__main__":
    main()

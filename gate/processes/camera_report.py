"""What vision says of a camera: what it gives, or what is wrong with it, each as one sentence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from gate.errors import FacegateError, Sentence

# Of what fills a sentence's gap so much is shown, characters: another process said it.
_SHOWN = 200


class Trouble(StrEnum):
    """What can be wrong with a camera."""

    PASSWORD = "wrong_login"  # noqa: S105 - a word for it
    NO_PASSWORD = "no_login"  # noqa: S105 - a word for it
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not_found"
    UNKNOWN_HOST = "unknown_host"
    NOTHING_LISTENS = "nothing_listens"
    UNREACHABLE = "unreachable"
    NO_ANSWER = "no_answer"
    OTHER_PROTOCOL = "other_protocol"
    MOVED = "moved"
    FULL = "full"
    TRANSPORT = "transport"
    REFUSED = "refused"
    NO_VIDEO = "no_video"
    NO_CODEC = "no_codec"
    NO_STREAM = "no_stream"
    NO_PICTURE = "no_picture"
    UNDECODABLE = "undecodable"
    EMPTY = "empty"
    TOO_LARGE = "too_large"
    LATE = "late"
    ENDED = "ended"
    BROKEN = "broken"
    SILENT = "silent"
    FROZEN = "frozen"
    BLACK = "black"
    WHITE = "white"
    NO_DEVICE = "no_device"
    UNPLUGGED = "unplugged"
    NO_PICAMERA = "no_picamera"
    NO_CODECS = "no_codecs"
    RECORDING = "recording"
    RECORDING_ENDED = "recording_ended"


TROUBLES: dict[Trouble, Sentence] = {
    Trouble.PASSWORD: Sentence("The camera at {host} does not accept the user or the password. Correct them."),
    Trouble.NO_PASSWORD: Sentence("The camera at {host} wants a user and a password. Put the user into its address"
                                  " (rtsp://user@...) and the password into the file of its credentials."),
    Trouble.FORBIDDEN: Sentence("The camera at {host} does not let this user see pictures. Allow it in the camera."),
    Trouble.NOT_FOUND: Sentence("The camera at {host} has no stream of this name. Look up the path in its manual."),
    Trouble.UNKNOWN_HOST: Sentence("There is no device called {host}."
                                    " Correct the name, or give its address in numbers (192.168.1.64)."),
    Trouble.NOTHING_LISTENS: Sentence("Nothing answers on port {port} of {host}."
                                      " Correct the port, or turn this kind of stream on in the camera."),
    Trouble.UNREACHABLE: Sentence("{host} cannot be reached. Check the network cable and the camera's address."),
    Trouble.NO_ANSWER: Sentence("The camera at {host} does not answer. Check its power, its cable and its address."),
    Trouble.OTHER_PROTOCOL: Sentence("What answers on port {port} of {host} does not speak {scheme}."
                                     " Correct the beginning of the address, or its port."),
    Trouble.MOVED: Sentence("The camera at {host} sends on to {shown}. Give that address."),
    Trouble.FULL: Sentence("The camera at {host} has as many viewers as it can serve. Close one, or restart it."),
    Trouble.TRANSPORT: Sentence("The camera at {host} does not send by {transport}. Set its transport to auto."),
    Trouble.REFUSED: Sentence("The camera at {host} answers with an error ({why}). Close other viewers or restart it."),
    Trouble.NO_VIDEO: Sentence("The camera at {host} sends no video. Choose another of its streams."),
    Trouble.NO_CODEC: Sentence("The camera at {host} sends a kind of video that cannot be shown here."
                               " Set it to H.264, H.265 or MJPEG."),
    Trouble.NO_STREAM: Sentence("At {shown} is {kind}, which is not a camera's picture."
                                " Give the address of an MJPEG stream, of a JPEG picture or of RTSP."),
    Trouble.NO_PICTURE: Sentence("The camera at {host} sends, but no whole picture came in {seconds} s. Set its"
                                 " keyframe interval to 1 or 2 s, and turn its smart codec (H.264+, H.265+) off."),
    Trouble.UNDECODABLE: Sentence("What the camera at {host} sends cannot be decoded: damaged, or too large."
                                  " Choose a smaller stream, or TCP."),
    Trouble.EMPTY: Sentence("The camera at {host} answers, and sends no picture."
                            " Restart it, and look in its settings whether its picture is on."),
    Trouble.TOO_LARGE: Sentence("The picture is {width}x{height}; {most} pixels is the most. Choose a smaller stream."),
    Trouble.LATE: Sentence("The pictures of the camera at {host} fall further and further behind."
                           " Choose its second, smaller stream, or a better network."),
    Trouble.ENDED: Sentence("The camera at {host} ended its stream."),
    Trouble.BROKEN: Sentence("The connection to the camera at {host} broke ({why})."),
    Trouble.SILENT: Sentence("no picture for {seconds} s"),
    Trouble.FROZEN: Sentence("the picture is frozen"),
    Trouble.BLACK: Sentence("the picture is black"),
    Trouble.WHITE: Sentence("the picture is white"),
    Trouble.NO_DEVICE: Sentence("The camera {name} cannot be opened. Check its cable, or camera.source."),
    Trouble.UNPLUGGED: Sentence("The camera {name} stopped giving pictures. Check its cable."),
    Trouble.NO_CODECS: Sentence(
        "Cameras on the network and recordings take a library that is missing here."
        " Install the package facegate-codecs of this version."
    ),
    Trouble.NO_PICAMERA: Sentence("camera.source is csi, but picamera2 is missing. Install python3-picamera2."),
    Trouble.RECORDING: Sentence("{why}"),
    Trouble.RECORDING_ENDED: Sentence("the recording has ended"),
}  # fmt: skip

# What people are told who cannot mend a camera. What it shows is told to everybody alike.
_NO_PICTURE = Sentence("The camera gives no picture: nobody is let in by face. Other ways in still work.")
_SHOWN_TO_ALL = {Trouble.FROZEN, Trouble.BLACK, Trouble.WHITE, Trouble.RECORDING_ENDED}
# Until somebody mends something the camera says the same; and many lock out whoever asks often.
LASTING = {Trouble.PASSWORD, Trouble.NO_PASSWORD, Trouble.FORBIDDEN}


class CameraError(FacegateError):
    """No frames come from here; the message says why and what to do."""

    def __init__(self, trouble: Trouble, **values: str | float) -> None:
        self.fault = CameraFault(trouble, values)
        super().__init__(TROUBLES[trouble], **values)


@dataclass(frozen=True, slots=True)
class CameraFault:
    """What is wrong with a camera, with what fills the gaps of its sentence. Raises ValueError where one stays open."""

    trouble: Trouble
    values: Mapping[str, str | int | float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        try:
            TROUBLES[self.trouble].format(**self.values)
        except KeyError as gap:
            raise ValueError(f"{self.trouble} wants {gap}") from gap

    @property
    def sentence(self) -> Sentence:
        """In words, which say what to do."""
        shown = {name: value[:_SHOWN] if isinstance(value, str) else value for name, value in self.values.items()}
        return Sentence(TROUBLES[self.trouble], **shown)

    @property
    def plain(self) -> Sentence:
        """The same without its address and how it is mended."""
        return self.sentence if self.trouble in _SHOWN_TO_ALL else _NO_PICTURE


@dataclass(frozen=True, slots=True)
class Gives:
    """What a camera gives: pixels, pictures a second, the codec's name and the seconds between whole pictures.

    `keyframe_s` is None where every picture is whole, and until two of them came.
    """

    width: int
    height: int
    rate: float
    codec: str
    keyframe_s: float | None = None

    @property
    def sentence(self) -> Sentence:
        """In words."""
        rate = f"{self.rate:.0f}" if self.rate >= 10 else f"{self.rate:.1f}"
        values = {"width": self.width, "height": self.height, "rate": rate, "codec": self.codec[:_SHOWN] or "–"}
        if self.keyframe_s is None:
            return Sentence("The camera gives {width} x {height} pixels, {rate} pictures a second, {codec}.", **values)
        return Sentence(
            "The camera gives {width} x {height} pixels, {rate} pictures a second, {codec},"
            " a whole picture (keyframe) every {seconds} s.",
            seconds=f"{self.keyframe_s:.2g}",
            **values,
        )


@dataclass(frozen=True, slots=True)
class CameraReport:
    """How a camera is: what it gives, None before its first picture; and its fault, None where it is well."""

    gives: Gives | None = None
    fault: CameraFault | None = None

    @property
    def sentence(self) -> Sentence:
        """What there is to say, in one sentence."""
        if self.fault is not None:
            return self.fault.sentence
        return self.gives.sentence if self.gives is not None else Sentence("The camera is being opened.")

"""A text as a QR code, drawn by segno: dark on white, with the four modules of white that ISO/IEC 18004 asks for."""

from __future__ import annotations

import segno

_WHITE = 4
_PIXELS = 5
# Of a picture that is sent on: sharp on every telephone, and not shrunk on the way.
_PIXELS_SENT = 24


def qr_code(text: str) -> str:
    """An SVG that stands in a page as it is, without a style or a script: one path of dark modules on white."""
    rows = tuple(segno.make(text, micro=False).matrix_iter(border=_WHITE))
    size = len(rows)
    dark = "".join(
        f"M{across} {down}h1v1h-1z" for down, row in enumerate(rows) for across, value in enumerate(row) if value
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_PIXELS * size}" height="{_PIXELS * size}"'
        f' viewBox="0 0 {size} {size}" shape-rendering="crispEdges">'
        f'<path fill="#fff" d="M0 0h{size}v{size}h-{size}z"/><path d="{dark}"/></svg>'
    )


def qr_files(text: str) -> dict[str, str]:
    """The same as files to send on, each an address that holds it: by what their names end in."""
    drawn = segno.make(text, micro=False)
    return {
        "png": drawn.png_data_uri(scale=_PIXELS_SENT, border=_WHITE, dark="#000", light="#fff"),
        "svg": drawn.svg_data_uri(scale=_PIXELS_SENT, border=_WHITE, dark="#000", light="#fff"),
    }

"""A text as a QR code, drawn by OpenCV, which the gate has anyway."""

from __future__ import annotations

# OpenCV leaves two modules of white around the code; ISO/IEC 18004 asks for four.
_MORE_WHITE = 2
_PIXELS = 5


def qr_code(text: str) -> str:
    """An SVG that stands in a page as it is, without a style or a script: one path of dark modules on white."""
    # Heavy, and most of its life an api draws none.
    import cv2

    modules = cv2.QRCodeEncoder.create().encode(text)
    size = len(modules) + 2 * _MORE_WHITE
    dark = "".join(
        f"M{across + _MORE_WHITE} {down + _MORE_WHITE}h1v1h-1z"
        for down, row in enumerate(modules.tolist())
        for across, value in enumerate(row)
        if not value
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_PIXELS * size}" height="{_PIXELS * size}"'
        f' viewBox="0 0 {size} {size}" shape-rendering="crispEdges">'
        f'<path fill="#fff" d="M0 0h{size}v{size}h-{size}z"/><path d="{dark}"/></svg>'
    )

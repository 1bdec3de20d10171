import re

import cv2
import numpy as np
import pytest

from api.pages.qr_code import qr_code


@pytest.mark.parametrize(
    "text", ["https://10.0.0.7/photo/" + "aB3-_" * 9, "http://gate.local:8443/", "https://[fe80::1]/x"]
)
def test_what_a_phone_reads_of_it_is_the_text(text):
    svg = qr_code(text)
    size = int(re.search(r'viewBox="0 0 (\d+)', svg)[1])
    picture = np.full((size, size), 255, np.uint8)
    for across, down in re.findall(r"M(\d+) (\d+)h1v1", svg):
        picture[int(down), int(across)] = 0
    assert (picture[:4] == 255).all()
    assert (picture[:, -4:] == 255).all()
    read, *_ = cv2.QRCodeDetector().detectAndDecode(np.kron(picture, np.full((8, 8), 1, np.uint8)))
    assert read == text

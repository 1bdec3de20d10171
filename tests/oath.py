"""An authenticator that somebody else wrote: Debian's oathtool."""

import shutil
import subprocess

import pytest

STEP_S = 30


def shown_by_phone(key, wall):
    """The six digits that an authenticator with this key, in base32, shows at `wall` seconds since 1970."""
    if shutil.which("oathtool") is None:
        pytest.skip("oathtool is not installed: apt-get install oathtool")
    asked = ["oathtool", "--totp", "--base32", f"--now=@{int(wall)}", key]
    return subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip()

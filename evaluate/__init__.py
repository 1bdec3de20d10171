"""How well it recognises: evaluation, calibration, and the promise they allow. No part of a running gate."""

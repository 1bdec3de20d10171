"""What turns pixels into numbers: model packs, and the detector and embedder they hold."""

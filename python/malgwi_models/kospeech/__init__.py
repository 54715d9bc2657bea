"""KoSpeech checkpoints: which architecture it is, and modules that compute the same, written for export."""

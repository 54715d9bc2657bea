"""For tests: checkpoints that look like KoSpeech's, and small packages of every decoding family."""

"""Import of Coqui STT and DeepSpeech 0.9 models (`.tflite`) and their scorers."""

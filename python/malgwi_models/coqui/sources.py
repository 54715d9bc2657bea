"""Tells what kind of file a user brought, and how to get from it to a `.tflite`."""

from pathlib import Path

from .errors import Refused

COQUI = "python -m coqui_stt_training.export --checkpoint_dir CHECKPOINTS --export_dir OUT"
DEEPSPEECH = "python DeepSpeech.py --checkpoint_dir CHECKPOINTS --export_dir OUT --export_tflite"
CONVERT = (
    "Export the training checkpoint as .tflite, with the program that trained it and the options that it was trained with\n"
    f"(--alphabet_config_path or --bytes_output_mode, --n_hidden):\n  Coqui STT 1.x:   {COQUI}\n  DeepSpeech 0.9:  {DEEPSPEECH}\n"
    "Both run in the training image of their release. Published models come as .tflite beside the .pbmm."
)
CHECKPOINT_SUFFIXES = (".index", ".meta", ".data-00000-of-00001")


def refuse_others(path: Path) -> None:
    """Refuse what is not a `.tflite`, by name where the kind is known.

    Raises:
        Refused: with the way to convert the file, where there is one.
    """
    if path.is_dir():
        what = "a folder of TensorFlow checkpoints" if any(path.glob("*.index")) or (path / "checkpoint").exists() else "a folder"
        raise Refused(f"{path.name} is {what}, not a .tflite file. {CONVERT}")
    if not path.is_file():
        raise Refused(f"there is no file {path}")
    with path.open("rb") as file:
        head = file.read(512)
    if head[4:8] == b"TFL3":
        return
    if path.name.endswith(CHECKPOINT_SUFFIXES) or path.name == "checkpoint" or head.startswith(b"model_checkpoint_path:"):
        raise Refused(f"{path.name} is part of a TensorFlow checkpoint. {CONVERT}")
    if path.suffix == ".pbmm":
        raise Refused(f"{path.name} is a memory-mapped TensorFlow graph (.pbmm). {CONVERT}")
    # A frozen GraphDef begins with its first node: field 1, a length, then the node's name.
    if path.suffix == ".pb" or (head[:1] == b"\x0a" and b"input_node" in head):
        raise Refused(f"{path.name} is a frozen TensorFlow graph (.pb). {CONVERT}")
    if head.startswith(b"mmap lm http://kheafield.com/code"):
        raise Refused(f"{path.name} is a language model or scorer: it goes with --scorer, beside --tflite model.tflite")
    if not head:
        raise Refused(f"{path.name} is empty")
    raise Refused(f"{path.name} is not a TensorFlow Lite model (it begins with {head[:8].hex(' ')}). {CONVERT}")

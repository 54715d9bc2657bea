"""Why a file was not taken. Apart from the readers, so that catching it does not load torch."""


class CheckpointError(Exception):
    """A model file that is damaged, hostile, or not what an importer takes. The message is for the user."""

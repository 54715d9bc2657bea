"""Why a file was not taken."""


class Refused(Exception):
    """A model file that is damaged, hostile, or not what the importer takes. The message is for the user."""

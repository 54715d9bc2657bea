"""Training recipe of the Malgwi Korean speech models."""

__version__ = "0.1.0"

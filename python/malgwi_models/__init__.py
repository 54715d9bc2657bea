"""Imports models of other Korean speech engines into packages that the service serves (`python -m malgwi_models`)."""

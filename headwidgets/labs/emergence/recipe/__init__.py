"""The finished runs that lie in the package: ``python -m headwidgets.labs.emergence.recipe``."""

"""Which release this is, as far as it was installed."""

from importlib.metadata import PackageNotFoundError, version

try:
    RELEASE = version("trio-relay")
except PackageNotFoundError:
    RELEASE = "0+source"

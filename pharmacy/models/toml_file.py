"""The reader of TOML files, where the models room's tables look for it."""

from pharmacy.domain.toml_file import TomlFile

__all__ = ["TomlFile"]

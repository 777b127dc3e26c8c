"""Which LINE accounts there are: each pharmacy's channel secret, access token and, if it is told, bot user id."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from pharmacy.domain.errors import ConfigError
from pharmacy.domain.toml_file import TomlFile
from pharmacy.settings import Settings

USER_ID = r"^U[0-9a-f]{32}$"
PHARMACY_ID = r"^[a-z0-9][a-z0-9_-]{0,63}$"
_Variable = Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9_]{0,99}$")]


@dataclass(frozen=True)
class LineAccount:
    """One pharmacy's account at LINE."""

    pharmacy_id: str
    secret: bytes = field(repr=False)
    access_token: str = field(repr=False)
    bot_user_id: str | None = None
    """None leaves the `destination` of a webhook unread: the secret already says whose it is."""


class _Named(BaseModel):
    """One table of the file: the names of variables, never their values."""

    model_config = ConfigDict(extra="forbid")

    line_secret_variable: _Variable
    line_token_variable: _Variable
    line_bot_user_id: Annotated[str, Field(pattern=USER_ID)] | None = None


def line_accounts(settings: Settings, environ: Mapping[str, str] = os.environ) -> tuple[LineAccount, ...]:
    """Return every account: that of LINE_CHANNEL_SECRET, and those of KAKARI_PHARMACIES_FILE.

    Raises:
        ConfigError: the file does not fit, names a variable that is unset or blank, or two accounts share a secret.
    """
    found = [] if settings.line_channel_secret is None else [_own(settings)]
    if settings.pharmacies_file is not None:
        found += _of_file(settings.pharmacies_file, environ)
    for place, account in enumerate(found):
        for other in found[:place]:
            if other.pharmacy_id == account.pharmacy_id:
                raise ConfigError(f"LINE: pharmacy {account.pharmacy_id!r} has two accounts; expected one")
            if other.secret == account.secret:
                both = f"{other.pharmacy_id!r} and {account.pharmacy_id!r}"
                raise ConfigError(f"LINE: pharmacies {both} have the same channel secret; expected one each")
    return tuple(found)


def _own(settings: Settings) -> LineAccount:
    secret, token = settings.line_channel_secret, settings.line_channel_access_token
    if secret is None or token is None:
        raise ConfigError("environment: LINE_CHANNEL_SECRET is set without LINE_CHANNEL_ACCESS_TOKEN")
    return LineAccount(
        settings.pharmacy_id, secret.get_secret_value().encode(), token.get_secret_value(), settings.line_bot_user_id
    )


def _of_file(path: Path, environ: Mapping[str, str]) -> list[LineAccount]:
    file = TomlFile.read(path)
    file.table((), dict[Annotated[str, Field(pattern=PHARMACY_ID)], _Named])  # the names of the tables, all at once
    found = []
    for pharmacy_id in file.tables:
        named = file.table((pharmacy_id,), _Named)
        secret = _value(file, pharmacy_id, "line_secret_variable", named.line_secret_variable, environ)
        token = _value(file, pharmacy_id, "line_token_variable", named.line_token_variable, environ)
        found.append(LineAccount(pharmacy_id, secret.encode(), token, named.line_bot_user_id))
    return found


def _value(file: TomlFile, pharmacy_id: str, key: str, variable: str, environ: Mapping[str, str]) -> str:
    value = environ.get(variable, "")
    if not value.strip():
        state = "is blank" if variable in environ else "is not set"
        raise file.wrong((pharmacy_id, key), f"the variable {variable} {state}; expected a value in the environment")
    return value

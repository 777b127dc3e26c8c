"""The user that the embedded PostgreSQL runs as, made once by however many processes need it at one time."""

import os
import pwd
import secrets
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from pharmacy.domain.errors import ConfigError
from pharmacy.storage.postmaster import server_user

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root has to make a user, and only root can")


@pytest.fixture
def name() -> Iterator[str]:
    made = f"kakari-{secrets.token_hex(4)}"
    yield made
    subprocess.run(["userdel", made], check=False, capture_output=True)


def test_processes_of_a_new_machine_that_make_it_together_all_get_it(name: str) -> None:
    with ThreadPoolExecutor(8) as together:
        found = list(together.map(lambda _: server_user(name), range(8)))

    assert {user.pw_uid for user in found} == {pwd.getpwnam(name).pw_uid}


def test_a_machine_without_the_means_to_make_it_is_told_what_is_missing(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(ConfigError, match="expected useradd"):
        server_user(name)

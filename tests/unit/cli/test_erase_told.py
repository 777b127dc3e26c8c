"""Whoever erased a patient is told what a provider may still keep of them."""

import pytest
import typer

from cli import erase
from pharmacy.storage.erasure import Erased


def test_what_a_provider_keeps_is_named_beside_what_was_erased(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    gone = Erased(reference="ref", rows={"messages": 2}, jobs=0, before=None)
    monkeypatch.setattr(erase, "in_database", lambda _work: gone)
    with pytest.raises(typer.Exit):
        erase.erase("p-1", again=False, yes=True)
    said = capsys.readouterr().out
    assert "messages 2" in said
    assert "Out of reach" in said
    assert "store = true" in said

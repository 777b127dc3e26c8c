"""Race two pharmacists for each draft, then let the channel refuse everything for ten minutes."""

import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx2

from tests.fakes.openai_server import OpenAIFake
from tests.fakes.receiver import Receiver
from tests.faults.processes import until
from tests.faults.rules import everyday
from tests.soak.part import Part, Run
from tests.soak.pharmacy import Pharmacy
from tests.soak.promises import Figure

RACES, TOGETHER = 500, 25
REFUSING_SECONDS = 600
PATIENTS, REPLIES = 40, 3


def measure(run: Run) -> Iterator[Figure]:
    """Race, then refuse, on one pharmacy."""
    with OpenAIFake() as provider, Receiver("s" * 32) as receiver:
        provider.script.rule = everyday
        pharmacy = Pharmacy(run.folder / "home", provider, receiver)
        try:
            run.kept["key"] = pharmacy.up(run.kept.get("key"))
            headers = {"Authorization": f"Bearer {run.kept['key']}"}
            with httpx2.Client(base_url=pharmacy.server.url, headers=headers, timeout=70) as client:
                yield from _race(run, client, pharmacy, receiver)
                yield from _refuse(run, client, pharmacy, receiver)
        finally:
            pharmacy.down()


def _race(run: Run, client: httpx2.Client, pharmacy: Pharmacy, receiver: Receiver) -> Iterator[Figure]:
    races = run.scaled(RACES, 4)
    results: Counter[tuple[int, ...]] = Counter()
    with ThreadPoolExecutor(TOGETHER * 2) as threads:
        for first in range(0, races, TOGETHER):
            names = [f"race-{number}" for number in range(first, min(first + TOGETHER, races))]
            results.update(threads.map(lambda name: _one_race(client, threads, name), names))
    until("every winner's text delivered", pharmacy.quiet, 120, every=0.5)
    sent = Counter(body["conversation_id"] for body in receiver.taken.values())
    clean = results == Counter({(200, 409): races}) and set(sent.values()) == {1} and len(sent) == races
    said = f"{dict(results)}, {sum(sent.values())} sends"
    yield Figure("P2", f"{races} times two pharmacists decide at once", said, "first 200, second 409, 1 send", clean)


def _one_race(client: httpx2.Client, threads: ThreadPoolExecutor, name: str) -> tuple[int, ...]:
    body = {"conversation_id": name, "text": "葛根湯は食前ですか"}
    outcome = client.post("/v1/messages", json=body, params={"wait": 60}).json()
    path = f"/v1/suggestions/{outcome['suggestion_id']}"
    other = threads.submit(client.post, f"{path}/approve", json={"version": 1})
    edited = client.post(f"{path}/edit", json={"version": 1, "text": "食前または食間にお飲みください。"})
    return tuple(sorted((edited.status_code, other.result().status_code)))


def _refuse(run: Run, client: httpx2.Client, pharmacy: Pharmacy, receiver: Receiver) -> Iterator[Figure]:
    """Answer 429 for ten minutes; afterwards everything arrives once, and each patient's texts in their order."""
    patients, seconds = run.scaled(PATIENTS, 3), run.scaled(REFUSING_SECONDS, 4)
    before, tried = set(receiver.taken), len(receiver.tried)
    receiver.statuses += [429] * 1_000_000
    for number in range(patients):
        name = f"patient-{number}"
        client.post("/v1/messages", json={"conversation_id": name, "text": "葛根湯は食前ですか"}, params={"wait": 60})
        for reply in range(REPLIES):
            said = {"text": f"{reply + 1}通目のお返事です。", "version": 1}
            client.post(f"/v1/conversations/{name}/messages", json=said).raise_for_status()
    time.sleep(seconds)
    receiver.statuses.clear()
    until("everything arrived", pharmacy.quiet, 600, every=1)
    arrived: dict[str, list[Any]] = {}
    for key, body in receiver.taken.items():
        if key not in before:
            arrived.setdefault(body["conversation_id"], []).append(body["text"])
    right = [f"{reply + 1}通目のお返事です。" for reply in range(REPLIES)]
    wrong = sum(texts != right for texts in arrived.values()) + patients - len(arrived)
    measured = f"{wrong} of {patients} patients; {len(receiver.tried) - tried} attempts in {seconds} s"
    yield Figure("P2", "lost, doubled or out of order after 429", measured, "0 patients", wrong == 0)


PART = Part("two pharmacists at once; a channel that refuses for ten minutes", ("P2",), 14, measure)

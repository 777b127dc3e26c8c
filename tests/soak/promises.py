"""The promises Kakari is held to, and the figure asked of each."""

from dataclasses import asdict, dataclass
from typing import Any, Self


@dataclass(frozen=True)
class Promise:
    """What must hold, whatever happens."""

    text: str
    asked: str


PROMISES = {
    "P1": Promise("Nothing acknowledged is lost", "0 of 10,000 events in 200 kills, none at crash points or stops"),
    "P2": Promise("Nothing is sent twice", "0 acceptances beyond one per retry key; 1 key per outbox row"),
    "P3": Promise("One event, one message", "1,000 events delivered 1 to 5 times: 1,000 rows, at most 1,000 runs"),
    "P4": Promise("Fast acknowledgement", "p99 at most 200 ms, max 1 s at 50 events/s with every model hung"),
    "P5": Promise("No stale send", "0 sends from a context older than the newest message"),
    "P6": Promise("Bounded work", "at most 12 calls, 60 s (suggested: 120 s); caps hold, over by at most 1 call"),
    "P7": Promise("Fails closed", "0 automatic sends in 1,000 runs with a fault in any node; all with a person"),
    "P8": Promise("Emergencies need no model", "with a person in 5 s p99; gate p99 at most 5 ms, worst text 50 ms"),
    "P9": Promise("Poison is isolated", "parked after 3 attempts; others' p99 at most doubled"),
    "P10": Promise("Restart", "ready within 10 s with 10,000 pending and 100,000 messages; 0 sent twice"),
    "P11": Promise("Full disk, stuck database", "503, no 2xx without commit; well 5 s after relief"),
    "P12": Promise("Every send is explained", "100% of sends; the chain verifies; 1 flipped byte is found"),
    "P13": Promise("No forged webhook", "0 of 10,000 taken; 413 over 1 MB; 200 idle connections change nothing"),
    "P14": Promise("No foreign object", "role × endpoint × object: 0 wrong allows"),
    "P15": Promise("No personal data outside its place", "0 of 200 canaries"),
    "P16": Promise("A fooled model cannot act", "0 forbidden effects of 500 attacks"),
    "P17": Promise("Gate", "E 0 missed of the public set; U and H at least 95%; near-misses held at most 10%"),
    "P18": Promise("Supply chain", "0 known high; hashes, SBOM, no foreign .pth"),
    "P19": Promise("Erasure", "0 traces of a patient after 60 s"),
    "P20": Promise("API robustness", "schemathesis 10 minutes: no 5xx, no ignored auth, no schema breach"),
}  # fmt: skip

NOT_HERE = {
    "P18": "known vulnerabilities: `make audit-deps` asks for them, and needs the advisory service of PyPI",
}
"""What no part measures, for it takes what no machine of ours alone has."""


@dataclass(frozen=True)
class Figure:
    """One measured figure of a promise."""

    promise: str
    what: str
    measured: str
    asked: str
    holds: bool
    is_aim: bool = False
    """True where the promise is to measure it and to say how far the aim is, not to reach it."""

    def __post_init__(self) -> None:
        if self.promise not in PROMISES:
            raise ValueError(f"figure {self.what!r}: {self.promise!r} is none of {[*PROMISES]}")

    @property
    def falls_short(self) -> bool:
        """Whether a promise is broken."""
        return not (self.holds or self.is_aim)

    @property
    def result(self) -> str:
        """What is said of it."""
        if self.holds:
            return "holds"
        return "aim not reached" if self.is_aim else "FALLS SHORT"

    def as_json(self) -> dict[str, Any]:
        """Return it as it is kept."""
        return asdict(self)

    @classmethod
    def from_json(cls, kept: dict[str, Any]) -> Self:
        """Return what `as_json` kept."""
        return cls(**kept)
